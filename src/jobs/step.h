// A named step of a run and what became of it. This room knows no step's meaning: a step is a child process with
// limits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace feedmill::jobs {

// A child that ends with this code says that trying again cannot help (a model's error, a refused audit).
inline constexpr int kExitPermanent = 65;
// One that ends with this code had too little memory and gave up by itself.
inline constexpr int kExitOutOfMemory = 66;
// Environment variable that tells a child in how many parts it shall do its work (a step's `parts_max` is more than 1).
inline constexpr const char* kPartsVariable = "FEEDMILL_PARTS";
// And one that tells every child its memory limit in bytes.
inline constexpr const char* kMemoryVariable = "FEEDMILL_STEP_MEMORY";

struct Step {
  std::string name;                    // unique in the run
  std::vector<std::string> arguments;  // arguments[0] is the program's path
  std::vector<std::string> after;      // names of steps that must have succeeded first
  uint64_t memory_bytes_max = 0;       // resident set of the child; 0 = no limit
  Micros wall_time_max = 0;            // of one attempt; 0 = no limit
  int attempts_max = 2;
  // A step that had too little memory is tried again in twice as many parts, beyond attempts_max, up to this many. It
  // begins with the number that its last success took, or with half of it when that needed little of the memory.
  int parts_max = 1;
  Micros backoff = 2 * kMicrosPerSecond;  // before the second attempt; doubles with each further one
};

enum class StepState {
  kWaiting,
  kRunning,
  kSucceeded,
  kFailed,
  kSkipped,  // a step it needs did not succeed
  kStopped,  // the run was asked to stop; a resumed run does it again
};
std::string_view StepStateName(StepState state);
StepState StepStateFromName(std::string_view name);  // kWaiting for a name it does not know

struct StepRecord {
  std::string name;
  StepState state = StepState::kWaiting;
  int attempts = 0;
  Micros started_at = 0;
  Micros ended_at = 0;
  Micros cpu_time = 0;             // of the last attempt
  uint64_t memory_bytes_peak = 0;  // over all attempts
  int parts = 1;                   // of the last attempt
  std::string message;             // why it failed: the child's own error, else how it ended
  std::string result;              // JSON object the child printed as {"result": {...}}, "" when none
  double progress = 0;             // 0..1, from {"progress": ...}
  bool permanent = false;          // failed so that trying again cannot help; not recorded
};

struct RunRecord {
  std::string id;
  std::string kind;        // "nightly"
  std::string parameters;  // JSON, the caller's; a resumed run reads them back
  std::string state;       // running | succeeded | failed | stopped | interrupted (its process died)
  Micros started_at = 0;
  Micros ended_at = 0;
  std::vector<StepRecord> steps;  // in the order of the run
  bool Succeeded() const { return state == "succeeded"; }
};

}  // namespace feedmill::jobs
