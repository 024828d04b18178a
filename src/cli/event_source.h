// Where imported events come from: a file read as a stream of events in JSON text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace feedmill::cli {

class EventSource {
 public:
  virtual ~EventSource() = default;
  // One event as JSON text into `event`. False at the end. An error names file and line; reading may go on after it.
  virtual Result<bool> Next(std::string* event) = 0;
  virtual uint64_t bytes_read() const = 0;
};

// JSON lines: one event in Segment's shape a line; empty lines are skipped. "-" reads standard input.
Result<std::unique_ptr<EventSource>> OpenJsonLines(const std::string& path);
// CSV with a header line and a mapping file.
Result<std::unique_ptr<EventSource>> OpenCsv(const std::string& path, const std::string& mapping_path);

}  // namespace feedmill::cli
