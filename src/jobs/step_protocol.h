// What a step says to the run, one JSON object a line on standard output:
//   {"progress": 0.4}                        share done, 0..1
//   {"progress": 0.4, "note": "day 3 of 7"}
//   {"result": {"rows": 12, ...}}            kept with the step's record; the last one counts
//   {"error": "dwd_user_action.sql:12: ..."} kept as the step's message
// Any other line is passed through as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace feedmill::jobs {

struct StepLine {
  std::optional<double> progress;
  std::string note;
  std::string result;  // JSON text
  std::string error;
};

// In how many parts the child shall do its work: what FEEDMILL_PARTS says, else 1.
int PartsOfStep();
// The child's memory limit, when a run started it and it has one.
std::optional<uint64_t> MemoryOfStep();

// Nothing when the line is not one of the protocol.
std::optional<StepLine> ParseStepLine(std::string_view line);

// For the child: each prints one line and flushes.
void PrintProgress(double share, std::string_view note = "");
void PrintResult(std::string_view json_object);
void PrintError(std::string_view message);

}  // namespace feedmill::jobs
