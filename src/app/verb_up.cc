#include "app/verb_up.h"

#include <chrono>
#include <memory>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/front.h"
#include "app/project.h"
#include "app/rebuild.h"
#include "app/server.h"
#include "app/stop_signal.h"
#include "app/work_lock.h"
#include "base/log.h"
#include "base/log_file.h"
#include "cli/running_server.h"
#include "io/file_system.h"
#include "io/own_file.h"

namespace feedmill::app {
namespace {

// A thread that waits for memory which does not come must not hold the program: what was acknowledged is in the log.
constexpr Micros kStopTime = 85 * kMicrosPerSecond;
constexpr auto kLockPause = std::chrono::milliseconds(20);

struct UpArguments {
  std::string project = ".";
  Overrides overrides;
};

void Greet(const Config& config, const cli::Keys& keys, bool keys_are_new, uint16_t port) {
  const std::string url = PublicUrl(config, port);
  // Output that goes into a file or a log collector is no place for secrets.
  const bool to_terminal = ::isatty(STDOUT_FILENO) != 0;
  if (keys_are_new) fmt::print("Keys were made and are kept in {}\n", cli::KeysPath(config.paths.data));
  if (keys_are_new && to_terminal) {
    fmt::print(
        "  write key    {}\n  import key   {}\n  read key     {}\n  admin token  {}\nThis is the only time that they "
        "are "
        "shown.\n",
        keys.write, keys.import, keys.read, keys.admin);
  }
  fmt::print("Console  {}/console/{}\n", url, keys_are_new && to_terminal ? "#token=" + keys.admin : "");
  fmt::print("Serving  {}  (stop with Ctrl-C)\n", url);
  std::fflush(stdout);
}

// A run that found no server brings the log into the lake alone; a server that is started meanwhile stands in line.
Result<DataFolderLock> TakeFolder(const std::string& data_folder) {
  for (bool told = false;; told = true) {
    const auto worker = FindWorkHolder(data_folder);
    auto lock = DataFolderLock::Take(data_folder);
    const bool taken = !lock && lock.error().kind() == ErrorKind::kUnavailable;
    const bool by_worker = worker && *worker && !cli::FindRunningServer(data_folder);
    if (!taken || !by_worker || StopRequested()) return lock;
    if (!told)
      log::Info("waiting for whoever works in the folder alone", {{"what", (*worker)->what}, {"pid", (*worker)->pid}});
    std::this_thread::sleep_for(kLockPause);
  }
}

// What is written to standard error is kept in the data folder, for `feedmill logs`. A disk that cannot take it stops
// no server.
void KeepLogs(const Config& config) {
  const std::string path = config.paths.ServerLog();
  Status kept = io::PosixFileSystem().CreateDirectories(path.substr(0, path.rfind('/')));
  if (kept) kept = io::GiveOwnFile(path);
  if (kept) kept = log::KeepIn(path, config.logging.file_bytes_max, config.logging.files_max);
  if (!kept) log::Warn("lines are not kept", {{"file", path}, {"error", kept.error().message()}});
}

Status RunUp(const UpArguments& arguments) {
  CatchStopSignals();
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(config.logging.level, config.logging.format);
  FEEDMILL_ASSIGN(const DataFolderLock lock, TakeFolder(config.paths.data));
  FEEDMILL_TRY(TakeRebuiltState(*ConfinedFiles(config.paths), config.paths));
  KeepLogs(config);
  bool keys_are_new = false;
  FEEDMILL_ASSIGN(const cli::Keys keys, EnsureKeys(config.paths.data, &keys_are_new));
  FEEDMILL_ASSIGN(const auto server, StartServer(config));
  Greet(config, keys, keys_are_new, server->port());
  WaitForStopSignal();
  log::Info("stopping");
  EndWithin(kStopTime);
  server->Stop();
  log::Info("stopped");
  return Ok();
}

}  // namespace

void AddUpVerb(CLI::App& app) {
  auto arguments = std::make_shared<UpArguments>();
  CLI::App* verb = app.add_subcommand("up", "start the server: events in, feeds out, console");
  verb->add_option("--project", arguments->project, "project folder (feedmill init)")->capture_default_str();
  verb->add_option("--set", arguments->overrides,
                   "name=value, over feedmill.toml (feedmill config explain lists the names)");
  verb->footer(
      "Examples:\n  feedmill up --project myapp\n  feedmill up --set http.port=9000 --set logging.format=json");
  verb->callback([arguments] { cli::Finish(RunUp(*arguments)); });
}

}  // namespace feedmill::app
