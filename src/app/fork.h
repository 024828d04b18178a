// A copy of a project that goes its own way: also of a running one, also as a backup
// (docs/guides/move-copy-restore.md).
#pragma once

#include <cstdint>
#include <string>

#include "app/config.h"

namespace feedmill::app {

struct ForkOptions {
  std::string to;      // project folder; new or empty
  bool links = false;  // files that never change are shared by hard links where the file system can, instead of copied
};

struct ForkFigures {
  uint64_t files = 0;
  uint64_t linked = 0;  // of them
  uint64_t bytes = 0;   // copied
};

// Copies the project `from` describes and its data folder as of one instant, which lies within the call: every event
// acknowledged before it is in the copy. The copy has an identity of its own and names its own files. Stopped in the
// middle it leaves a folder that no verb takes. kAlreadyExists when the target is not empty; kInvalidArgument when the
// data folder is not <project>/data.
Result<ForkFigures> ForkProject(const Config& from, const ForkOptions& options);

// kUnavailable when the data folder is one that a fork left unfinished.
Status RefuseUnfinishedFork(const ProjectPaths& paths);

}  // namespace feedmill::app
