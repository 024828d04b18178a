// Runs steps in dependency order: children with limits, retries with backoff, records in the metadata store.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/child_process.h"
#include "jobs/step.h"
#include "meta/store.h"

namespace feedmill::jobs {

struct RunOptions {
  std::string run_id;  // an id already recorded resumes that run: what succeeded is not done again
  std::string kind;
  std::string parameters;                // JSON, kept with the record
  int parallel_max = 1;                  // steps at a time
  std::function<bool()> stop_requested;  // polled; running children get SIGTERM, what waits stays undone
  std::function<void(const RunRecord&, const StepRecord&)>
      on_change;  // after each change of a step; one thread at a time
  // How a step's child is run; tests put a twin here.
  std::function<Result<io::ChildOutcome>(const io::ChildOptions&, const std::function<bool()>&)> run_child;
};

// Steps in an order in which each comes after what it needs, ties in the given order. kInvalidArgument names an unknown
// step, a name used twice, or the steps of a cycle.
Result<std::vector<Step>> OrderSteps(std::vector<Step> steps);

// Blocks until every step has ended. The record says what failed; an error is returned only when steps are malformed or
// the metadata store fails.
Result<RunRecord> RunSteps(meta::Store& store, const Clock& clock, std::vector<Step> steps, const RunOptions& options);

}  // namespace feedmill::jobs
