#include <algorithm>
#include <map>

#include "jobs/runner.h"

namespace feedmill::jobs {
namespace {

Status CheckNames(const std::vector<Step>& steps) {
  std::map<std::string, int> count;
  for (const Step& step : steps) {
    if (++count[step.name] > 1) return InvalidArgument("step '{}' is named twice", step.name);
  }
  for (const Step& step : steps) {
    for (const std::string& needed : step.after) {
      if (!count.contains(needed))
        return InvalidArgument("step '{}' comes after '{}', which is not a step of this run", step.name, needed);
    }
  }
  return Ok();
}

}  // namespace

Result<std::vector<Step>> OrderSteps(std::vector<Step> steps) {
  FEEDMILL_TRY(CheckNames(steps));
  std::vector<Step> ordered;
  auto done = [&](const std::string& name) { return std::ranges::find(ordered, name, &Step::name) != ordered.end(); };
  while (!steps.empty()) {
    auto ready = std::ranges::find_if(steps, [&](const Step& step) { return std::ranges::all_of(step.after, done); });
    if (ready == steps.end()) {
      std::string names;
      for (const Step& step : steps) names += (names.empty() ? "" : ", ") + step.name;
      return InvalidArgument("steps wait for each other in a circle, or for one that does: {}", names);
    }
    ordered.push_back(std::move(*ready));
    steps.erase(ready);
  }
  return ordered;
}

}  // namespace feedmill::jobs
