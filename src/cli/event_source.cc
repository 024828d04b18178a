#include "cli/event_source.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include <simdjson.h>

#include "cli/csv_mapping.h"
#include "cli/csv_reader.h"
#include "io/file_system.h"

namespace feedmill::cli {
namespace {

constexpr size_t kLineBytesMax = 1 << 20;
constexpr size_t kShownBytes = 40;

Result<std::unique_ptr<std::ifstream>> OpenStream(const std::string& path) {
  auto stream = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*stream) return NotFound("{}: cannot be opened: {}", path, std::strerror(errno));
  return stream;
}

class JsonLines final : public EventSource {
 public:
  JsonLines(std::string path, std::unique_ptr<std::ifstream> file) : path_(std::move(path)), file_(std::move(file)) {}

  Result<bool> Next(std::string* event) override {
    std::istream& in = file_ ? *file_ : std::cin;
    while (std::getline(in, *event)) {
      ++line_;
      bytes_ += event->size() + 1;
      if (!event->empty() && event->back() == '\r') event->pop_back();
      if (event->size() > kLineBytesMax) {
        return InvalidArgument("{}:{}: a line of {} bytes, allowed at most {}", path_, line_, event->size(),
                               kLineBytesMax);
      }
      const size_t first = event->find_first_not_of(" \t");
      if (first == std::string::npos) continue;
      if ((*event)[first] != '{')
        return InvalidArgument("{}:{}: found \"{}\", allowed one JSON object a line", path_, line_,
                               event->substr(0, kShownBytes));
      FEEDMILL_TRY(Whole(event));
      return true;
    }
    return false;
  }
  uint64_t bytes_read() const override { return bytes_; }

 private:
  // A line that is no JSON would spoil the batch it is sent in. Numbers are judged by the server, which can say more.
  Status Whole(std::string* event) {
    event->reserve(event->size() + simdjson::SIMDJSON_PADDING);
    const auto error = parser_.parse(event->data(), event->size(), false).error();
    if (!error || error == simdjson::NUMBER_ERROR) return Ok();
    return InvalidArgument(
        "{}:{}: found what is no JSON (cut short, an unknown escape, no UTF-8, or nested too deep): {}", path_, line_,
        event->substr(0, kShownBytes));
  }

  std::string path_;
  std::unique_ptr<std::ifstream> file_;  // null = standard input
  simdjson::dom::parser parser_;
  uint64_t line_ = 0;
  uint64_t bytes_ = 0;
};

class Csv final : public EventSource {
 public:
  Csv(std::string path, std::unique_ptr<std::ifstream> file, std::unique_ptr<CsvReader> reader, CsvMapping mapping,
      size_t columns)
      : path_(std::move(path)),
        file_(std::move(file)),
        reader_(std::move(reader)),
        mapping_(std::move(mapping)),
        columns_(columns) {}

  Result<bool> Next(std::string* event) override {
    auto more = reader_->Next(&fields_);
    if (!more) return std::unexpected(more.error().WithContext(path_));
    if (!*more) return false;
    const auto at = file_->tellg();
    if (at > 0) bytes_ = static_cast<uint64_t>(at);
    if (fields_.size() != columns_) {
      return InvalidArgument("{}:{}: found {} columns, the header has {}", path_, reader_->line(), fields_.size(),
                             columns_);
    }
    auto mapped = MapCsvRow(mapping_, fields_);
    if (!mapped) return std::unexpected(mapped.error().WithContext(fmt::format("{}:{}", path_, reader_->line())));
    *event = std::move(*mapped);
    return true;
  }
  uint64_t bytes_read() const override { return bytes_; }

 private:
  std::string path_;
  std::unique_ptr<std::ifstream> file_;
  std::unique_ptr<CsvReader> reader_;
  CsvMapping mapping_;
  size_t columns_;
  std::vector<std::string> fields_;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<EventSource>> OpenJsonLines(const std::string& path) {
  std::unique_ptr<std::ifstream> file;
  if (path != "-") {
    FEEDMILL_ASSIGN(file, OpenStream(path));
  }
  return std::make_unique<JsonLines>(path, std::move(file));
}

Result<std::unique_ptr<EventSource>> OpenCsv(const std::string& path, const std::string& mapping_path) {
  FEEDMILL_ASSIGN(const std::string mapping_text, io::ReadWholeFile(io::PosixFileSystem(), mapping_path));
  FEEDMILL_ASSIGN(const char separator, ParseCsvSeparator(mapping_path, mapping_text));
  FEEDMILL_ASSIGN(auto file, OpenStream(path));
  auto reader = std::make_unique<CsvReader>(*file, separator);
  std::vector<std::string> columns;
  FEEDMILL_ASSIGN(const bool has_header, reader->Next(&columns));
  if (!has_header) return InvalidArgument("{}: the file is empty; its first line must name the columns", path);
  FEEDMILL_ASSIGN(CsvMapping mapping, ParseCsvMapping(mapping_path, mapping_text, columns));
  return std::make_unique<Csv>(path, std::move(file), std::move(reader), std::move(mapping), columns.size());
}

}  // namespace feedmill::cli
