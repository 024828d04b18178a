#include "app/verb_logs.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "app/config.h"
#include "app/stop_signal.h"
#include "cli/command_line.h"
#include "io/file_system.h"

namespace feedmill::app {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr auto kFollowPeriod = std::chrono::milliseconds(250);
constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

struct LogsArguments {
  std::string project = ".";
  size_t lines = 100;
  bool follow = false;
  size_t level = 0;  // of kLevels: the least important that is shown
};

// Of a line in either format; what begins like none belongs to the line before it.
size_t LevelOf(std::string_view line) {
  const bool json = line.starts_with('{');
  for (size_t i = 0; i < std::size(kLevels); ++i) {
    const std::string mark = json ? fmt::format("\"level\":\"{}\"", kLevels[i]) : fmt::format(" {} ", kLevels[i]);
    const size_t at = line.find(mark);
    if (at != std::string_view::npos && at < 64) return i;
  }
  return std::size(kLevels) - 1;
}

// Reads on in a file that grows, and begins anew with the file that took its place.
class LineReader {
 public:
  explicit LineReader(std::string path) : path_(std::move(path)) {}

  // Whole lines since the last call.
  Status Read(const std::function<void(const std::string&)>& on_line) {
    io::FileSystem& files = io::PosixFileSystem();
    FEEDMILL_ASSIGN(const uint64_t size, files.FileSize(path_));
    if (size < offset_) offset_ = 0;
    FEEDMILL_ASSIGN(const auto file, files.OpenForRead(path_));
    std::string piece;
    while (offset_ < size) {
      FEEDMILL_TRY(file->ReadAt(offset_, kReadBytes, &piece));
      if (piece.empty()) break;
      offset_ += piece.size();
      rest_ += piece;
      TakeLines(on_line);
    }
    return Ok();
  }

 private:
  void TakeLines(const std::function<void(const std::string&)>& on_line) {
    size_t begin = 0;
    for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
      on_line(rest_.substr(begin, end - begin));
      begin = end + 1;
    }
    rest_.erase(0, begin);
  }

  std::string path_;
  uint64_t offset_ = 0;
  std::string rest_;
};

Status RunLogs(const LogsArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, {}));
  const std::string path = config.paths.ServerLog();
  FEEDMILL_ASSIGN(const bool exists, io::PosixFileSystem().Exists(path));
  if (!exists)
    return NotFound("{}: no server has written anything yet; start one: feedmill up --project {}", path,
                    arguments.project);
  LineReader reader(path);
  std::deque<std::string> last;
  FEEDMILL_TRY(reader.Read([&](const std::string& line) {
    if (LevelOf(line) < arguments.level) return;
    last.push_back(line);
    if (last.size() > arguments.lines) last.pop_front();
  }));
  for (const std::string& line : last) fmt::print("{}\n", line);
  if (!arguments.follow) return Ok();
  CatchStopSignals();
  while (!StopRequested()) {
    std::fflush(stdout);
    std::this_thread::sleep_for(kFollowPeriod);
    FEEDMILL_TRY(reader.Read([&](const std::string& line) {
      if (LevelOf(line) >= arguments.level) fmt::print("{}\n", line);
    }));
  }
  return Ok();
}

}  // namespace

void AddLogsVerb(CLI::App& app) {
  auto arguments = std::make_shared<LogsArguments>();
  CLI::App* verb = app.add_subcommand("logs", "what the server of a project wrote");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb->add_option("--lines", arguments->lines, "the last so many")->capture_default_str();
  verb->add_flag("--follow", arguments->follow, "and what comes, until Ctrl-C");
  cli::AddChoice<size_t>(verb, "--level", &arguments->level, {{"debug", 0}, {"info", 1}, {"warn", 2}, {"error", 3}},
                         "the least important shown");
  verb->footer("Examples:\n  feedmill logs --project myapp --follow\n  feedmill logs --level warn --lines 20");
  verb->callback([arguments] { cli::Finish(RunLogs(*arguments)); });
}

}  // namespace feedmill::app
