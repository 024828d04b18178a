#include "base/log.h"

#include <memory>

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/log_file.h"
#include "base/mutex.h"
#include "base/text_encoding.h"
#include "base/time_text.h"

namespace feedmill::log {
namespace {

using Sink = std::function<void(std::string_view)>;

// The process's one log. spdlog writes the line and colours the level; what stands in it is made here.
struct Output {
  std::atomic<Format> format = Format::kText;
  std::shared_ptr<spdlog::logger> logger = MakeLogger();
  Mutex sink_mutex;
  Sink sink FEEDMILL_GUARDED_BY(sink_mutex);

  static std::shared_ptr<spdlog::logger> MakeLogger() {
    auto made = std::make_shared<spdlog::logger>("feedmill", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_level(spdlog::level::trace);
    made->set_pattern("%v");
    return made;
  }
};

// Never destroyed: threads may log while the process ends.
Output& TheOutput() {
  static Output* output = new Output;
  return *output;
}

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
    case Level::kOff:
      break;
  }
  return "off";
}

std::string JsonLine(Level level, std::string_view message, Fields fields) {
  std::string line = "{\"time\":\"";
  AppendTime(SystemClock().Now(), &line);
  line.append("\",\"level\":\"").append(LevelName(level)).append("\",\"message\":");
  AppendJsonString(message, &line);
  for (const Field& field : fields) {
    line.push_back(',');
    AppendJsonString(field.name, &line);
    line.push_back(':');
    field.value.AppendJson(&line);
  }
  line.push_back('}');
  return line;
}

std::string TextLine(Level level, std::string_view message, Fields fields) {
  std::string line;
  AppendTime(SystemClock().Now(), &line);
  line.append(" ").append(LevelName(level)).append(level == Level::kInfo || level == Level::kWarn ? "  " : " ");
  line.append(message);
  for (const Field& field : fields) {
    line.append("  ").append(field.name).push_back('=');
    field.value.AppendText(&line);
  }
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return line;
}

}  // namespace

namespace internal {

std::atomic<int> level = static_cast<int>(Level::kInfo);

void Write(Level at, std::string_view message, Fields fields) {
  Output& output = TheOutput();
  std::string line =
      output.format.load() == Format::kJson ? JsonLine(at, message, fields) : TextLine(at, message, fields);
  {
    MutexLock lock(output.sink_mutex);
    if (output.sink) return output.sink(line);
  }
  output.logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace internal

void Configure(Level level, Format format) {
  internal::level.store(static_cast<int>(level), std::memory_order_relaxed);
  TheOutput().format.store(format);
}

Status KeepIn(const std::string& path, uint64_t bytes_max, int files_max) {
  try {
    auto file = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, bytes_max, static_cast<size_t>(files_max));
    file->set_pattern("%v");
    spdlog::logger& logger = *TheOutput().logger;
    logger.sinks().push_back(std::move(file));
    logger.flush_on(spdlog::level::info);  // every line: whoever looks wants the last one
    return Ok();
  } catch (const spdlog::spdlog_ex& error) {
    return Io("{}", error.what());
  }
}

void Redirect(Sink sink) {
  Output& output = TheOutput();
  MutexLock lock(output.sink_mutex);
  output.sink = std::move(sink);
}

void Value::AppendJson(std::string* out) const {
  if (kind_ == Kind::kText) return AppendJsonString(text_, out);
  bool finite = kind_ != Kind::kReal || (real_ - real_ == 0);
  if (!finite) return AppendJsonString(fmt::format("{}", real_), out);
  AppendText(out);
}

void Value::AppendText(std::string* out) const {
  switch (kind_) {
    case Kind::kSigned:
      fmt::format_to(std::back_inserter(*out), "{}", signed_);
      return;
    case Kind::kUnsigned:
      fmt::format_to(std::back_inserter(*out), "{}", unsigned_);
      return;
    case Kind::kReal:
      fmt::format_to(std::back_inserter(*out), "{}", real_);
      return;
    case Kind::kBool:
      out->append(signed_ != 0 ? "true" : "false");
      return;
    case Kind::kText:
      break;
  }
  bool quoted = text_.empty() || text_.find_first_of(" \t\n\r\"=") != std::string_view::npos;
  if (quoted) return AppendJsonString(text_, out);
  out->append(text_);
}

}  // namespace feedmill::log
