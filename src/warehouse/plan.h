// What would run and why: intervals never made, made from other SQL, or made before their inputs changed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "warehouse/context.h"
#include "warehouse/input_files.h"
#include "warehouse/interval_store.h"
#include "warehouse/project.h"

namespace feedmill::warehouse {

struct PendingInterval {
  Micros start = 0;                           // a full or native model: 0
  Micros end = 0;                             // a full or native model: the end of the run
  std::string reason;                         // "new interval", "SQL changed", "dwd_user_action changed", "forced", ...
  std::map<std::string, std::string> inputs;  // hashes as IntervalState keeps them
  int64_t input_rows = 0;                     // likewise
};

struct ModelPlan {
  std::string model;
  std::string sql_hash;
  std::vector<PendingInterval> intervals;  // ascending
  // What is left out, in rows of the input that says which intervals there are.
  int late_intervals = 0;  // changed, but older than the lookback: a backfill of what is late makes them
  int64_t late_rows = 0;   // that came after those were made
  Micros late_first = 0;   // start of the oldest of them
  int64_t rows_ahead = 0;  // of days after the cut: they wait for it
};

struct PlanOptions {
  Micros end = 0;  // the cut: nothing after it is looked at
  // Backfill: intervals that touch [force_start, force_end) run whatever their state; of others only what changes by
  // it, not what was never made.
  std::optional<Micros> force_start;
  std::optional<Micros> force_end;
  std::string only;   // one model; "" = all
  bool late = false;  // backfill: intervals past the lookback run too
};

// Plans one model from what the tables are now. `upcoming` holds, by table, ranges that will change before this model
// runs.
Result<ModelPlan> PlanModel(const Context& context, const Model& model, InputFiles& inputs, const PlanOptions& options,
                            const std::map<std::string, std::vector<TimeRange>>& upcoming);

// Every model in order; a model sees what its upstream models will change. Models with nothing to do are left out.
Result<std::vector<ModelPlan>> PlanAll(const Context& context, const Project& project, const PlanOptions& options);

// What of a model is left out, for people; "" when nothing is.
std::string LeftOut(const ModelPlan& plan);

// For the terminal: "dwd_user_action  3 intervals 2024-01-01 .. 2024-01-03  new interval".
std::string FormatPlan(const std::vector<ModelPlan>& plans);

// Hash of what a model's rows depend on in its own file.
std::string SqlHash(const Model& model);

}  // namespace feedmill::warehouse
