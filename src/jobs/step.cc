#include "jobs/step.h"

#include <algorithm>
#include <array>

namespace feedmill::jobs {

std::string_view StepStateName(StepState state) {
  switch (state) {
    case StepState::kWaiting:
      return "waiting";
    case StepState::kRunning:
      return "running";
    case StepState::kSucceeded:
      return "succeeded";
    case StepState::kFailed:
      return "failed";
    case StepState::kSkipped:
      return "skipped";
    case StepState::kStopped:
      return "stopped";
  }
  return "unknown";
}

StepState StepStateFromName(std::string_view name) {
  constexpr std::array kStates = {StepState::kRunning, StepState::kSucceeded, StepState::kFailed, StepState::kSkipped,
                                  StepState::kStopped};
  const auto* found = std::ranges::find(kStates, name, StepStateName);
  return found == kStates.end() ? StepState::kWaiting : *found;
}

}  // namespace feedmill::jobs
