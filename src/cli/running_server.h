// The server that runs in a data folder on this machine: it says so in a file there, so that verbs find it whatever its
// port. The file is believed only while the process that wrote it lives, and not in a copy of the folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::cli {

struct RunningServer {
  std::string url;
  int64_t pid = 0;
  Micros started_at = 0;
};

// <project>/data, or what the project's feedmill.toml names as data.folder.
std::string DataFolderOf(const std::string& project);

// Nothing when no live process stands behind the file, or when it was written for another folder.
std::optional<RunningServer> FindRunningServer(const std::string& data_folder);

// Whether the last one that ran there ended without a word; it may be about to come back.
bool ServerWasKilled(const std::string& data_folder);

// By the server itself, once it listens, and when it stops.
Status AnnounceServer(const std::string& data_folder, const std::string& url, Micros now);
void WithdrawServer(const std::string& data_folder);

}  // namespace feedmill::cli
