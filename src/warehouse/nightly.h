// The nightly run: models, native steps and what the caller adds, as one graph of steps; its record and its report.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "jobs/runner.h"
#include "warehouse/context.h"
#include "warehouse/plan.h"
#include "warehouse/project.h"

namespace feedmill::warehouse {

// A step that is no table: training, the bundle. It runs whenever the nightly gets to it.
struct ExtraStep {
  std::string name;  // "train.als"
  std::vector<std::string> arguments;
  std::vector<std::string> after;  // tables or steps; a table stands for the step that makes it
  uint64_t memory_bytes_max = 0;
  Micros timeout = 0;
  std::vector<std::string> after_present = {};  // as `after`, of tables that a project need not have
};

struct NightlyOptions {
  std::string run_id;                 // "" = made from the clock; a recorded one resumes that run, with its own end
  std::string kind;                   // "" = nightly, backfill with a forced range, select with `only`
  std::string parameters = "{}";      // JSON object of the caller's, kept with the record beside the end
  Micros end = 0;                     // 0 = now
  std::optional<Micros> force_start;  // backfill
  std::optional<Micros> force_end;
  bool late = false;  // backfill of what came past the lookback
  std::string only;   // one model and nothing else; "" = all
  int parallel_max = 1;
  uint64_t memory_bytes_max = 0;  // of one step that makes tables; 0 = what its models say
  std::string runs_folder;        // "<data>/runs": the report is written to <runs_folder>/<run id>.json
  // Command line of a child that makes a model: `feedmill job model NAME --run ID --end TIME [--start TIME ...]`.
  std::function<std::vector<std::string>(const std::string& model, const std::string& run_id, Micros end)>
      model_command;
  // Command line of a native step ("features.samples").
  std::function<std::vector<std::string>(const std::string& native, const std::string& run_id, Micros end)>
      native_command;
  std::vector<ExtraStep> extra_steps;
  std::function<bool()> stop_requested;
  std::function<void(const jobs::RunRecord&, const jobs::StepRecord&)> on_change;
  std::function<Result<io::ChildOutcome>(const io::ChildOptions&, const std::function<bool()>&)>
      run_child;  // a twin in tests
};

// Steps of a run: one a model with something pending or with an upstream that has, one a native step, and the extra
// ones.
Result<std::vector<jobs::Step>> NightlySteps(const Project& project, const std::vector<ModelPlan>& plans,
                                             const NightlyOptions& options);

// "run-20260101T020000000000Z".
std::string NewRunId(const Clock& clock);

// The end that a recorded run began with, and the caller's parameters; nothing when no such run is recorded.
struct RecordedRun {
  jobs::RunRecord run;
  Micros end = 0;
};
Result<std::optional<RecordedRun>> FindRun(meta::Store& store, const std::string& run_id);

// Plans, runs, writes the report. The record's state says whether all went well. Everything reads at the run's pins
// (lake/run_tables.h), which are let go when it succeeds, with those of all runs before it. kConflict when a run cannot
// be resumed because its tables were published since: a new one makes what is left.
Result<jobs::RunRecord> RunNightly(const Context& context, const Project& project, const NightlyOptions& options);

}  // namespace feedmill::warehouse
