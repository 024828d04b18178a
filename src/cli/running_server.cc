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
  const auto text = io::ReadWholeFile(io::PosixFileSystem(), PathOf(data_folder));
  const Json json = text ? Json::parse(*text, nullptr, false) : Json();
  if (!json.is_object()) return std::nullopt;
  RunningServer server;
  server.url = json.value("url", "");
  server.pid = json.value("pid", int64_t{0});
  server.started_at = json.value("started_at", Micros{0});
  const std::string ticks = StartTicks(server.pid);
  if (server.url.empty() || ticks.empty() || ticks != json.value("start_ticks", "")) return std::nullopt;
  if (json.value("folder", "") != Canonical(data_folder)) return std::nullopt;
  return server;
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
