// Child processes with limits: how nightly steps run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::io {

struct ChildOptions {
  std::vector<std::string> arguments;                            // arguments[0] is the program's path; no shell
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  uint64_t memory_bytes_max = 0;                              // resident set; 0 = no limit; over it the child is killed
  Micros wall_time_max = 0;                                   // 0 = no limit
  std::function<void(std::string_view line)> on_stdout_line;  // called on the waiting thread
  std::function<void(std::string_view line)> on_stderr_line;
};

struct ChildOutcome {
  enum class Kind { kExited, kSignalled, kKilledForMemory, kKilledForTime, kStopped };
  Kind kind = Kind::kExited;
  int exit_code = 0;  // or the signal's number
  uint64_t memory_bytes_peak = 0;
  Micros wall_time = 0;
  Micros cpu_time = 0;
  bool Succeeded() const { return kind == Kind::kExited && exit_code == 0; }
  std::string ToString() const;
};

// Runs to its end and collects output line by line. A child never outlives us (PR_SET_PDEATHSIG).
// `stop_requested` is polled; when it turns true the child gets SIGTERM, then SIGKILL after 5 s (outcome kStopped).
Result<ChildOutcome> RunChild(const ChildOptions& options, const std::function<bool()>& stop_requested = nullptr);

}  // namespace feedmill::io
