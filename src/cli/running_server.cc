#include "cli/running_server.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/config_document.h"
#include "io/file_system.h"

namespace feedmill::cli {
namespace {

using Json = nlohmann::json;

std::string PathOf(const std::string& data_folder) { return data_folder + "/server.json"; }

std::string Canonical(const std::string& folder) {
  std::error_code error;
  const auto path = std::filesystem::canonical(folder, error);
  return error ? folder : path.string();
}

// When the process began, in ticks since the machine's start; "" when there is none. With it a number that another
// process has got meanwhile is not taken for the server.
std::string StartTicks(int64_t pid) {
  constexpr int kFieldsAfterName = 19;  // proc(5): starttime is field 22, the name in parentheses field 2
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string stat;
  if (!std::getline(file, stat)) return "";
  size_t at = stat.rfind(')');
  for (int i = 0; i <= kFieldsAfterName && at != std::string::npos; ++i) at = stat.find(' ', at + 1);
  if (at == std::string::npos) return "";
  return stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

// Null unless the file is there and was written for this folder.
Json ReadAnnouncement(const std::string& data_folder) {
  const auto text = io::ReadWholeFile(io::PosixFileSystem(), PathOf(data_folder));
  Json json = text ? Json::parse(*text, nullptr, false) : Json();
  const bool ours = json.is_object() && json.value("folder", "") == Canonical(data_folder);
  return ours && !json.value("url", "").empty() ? json : Json();
}

bool Lives(const Json& announcement) {
  const std::string ticks = StartTicks(announcement.value("pid", int64_t{0}));
  return !ticks.empty() && ticks == announcement.value("start_ticks", "");
}

}  // namespace

std::string DataFolderOf(const std::string& project) {
  const std::string file = project + "/feedmill.toml";
  const auto text = io::ReadWholeFile(io::PosixFileSystem(), file);
  const auto document = text ? ParseToml(file, *text) : std::unexpected(text.error());
  const ConfigNode* data = document ? document->root.Find("data") : nullptr;
  const ConfigNode* folder = data == nullptr ? nullptr : data->Find("folder");
  return folder == nullptr || folder->text.empty() ? project + "/data" : folder->text;
}

std::optional<RunningServer> FindRunningServer(const std::string& data_folder) {
  const Json json = ReadAnnouncement(data_folder);
  if (!json.is_object() || !Lives(json)) return std::nullopt;
  return RunningServer{json.value("url", ""), json.value("pid", int64_t{0}), json.value("started_at", Micros{0})};
}

bool ServerWasKilled(const std::string& data_folder) {
  const Json json = ReadAnnouncement(data_folder);
  return json.is_object() && !Lives(json);
}

Status AnnounceServer(const std::string& data_folder, const std::string& url, Micros now) {
  const Json json = {{"url", url},
                     {"pid", ::getpid()},
                     {"start_ticks", StartTicks(::getpid())},
                     {"started_at", now},
                     {"folder", Canonical(data_folder)}};
  return io::WriteFileAtomically(io::PosixFileSystem(), PathOf(data_folder), json.dump() + "\n");
}

void WithdrawServer(const std::string& data_folder) { (void)io::PosixFileSystem().Remove(PathOf(data_folder)); }

}  // namespace feedmill::cli
