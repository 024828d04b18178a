// Makes what is pending of one model: this is what `feedmill job model <name>` runs in a child process.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warehouse/audit.h"
#include "warehouse/context.h"
#include "warehouse/plan.h"
#include "warehouse/project.h"

namespace feedmill::warehouse {

struct ModelJobArguments {
  std::string model;
  Micros end = 0;                     // the cut; full models see @end = this
  std::optional<Micros> force_start;  // backfill, as PlanOptions
  std::optional<Micros> force_end;
  std::string run_id;
  bool late = false;              // likewise
  uint64_t memory_bytes_max = 0;  // of the process; 0 = what the model says
  int parts = 1;  // more: smaller batches, fewer threads, less of the memory for the engine, and SQL that names @parts
                  // is run once a part; the rows are the same
};

struct ModelJobResult {
  int64_t rows = 0;
  int64_t bytes = 0;
  int intervals = 0;
  int batches = 0;
  int64_t snapshot_id = 0;  // of the last batch; 0 when nothing was published
  bool refused = false;     // a blocking check failed
  int64_t healed = 0;       // doubles of an appending model's table that were taken out first
  Micros select_time = 0;   // computing and writing, over all batches
  Micros audit_time = 0;
  std::vector<CheckResult> checks;  // of the last batch that ran each rule; a failed one stays
};

using ProgressCallback = std::function<void(double share, std::string_view note)>;

// Intervals are made in ascending order, up to `batch` neighbours at once, each batch published by one commit after its
// checks passed and recorded after that; a job that was killed goes on where it stopped, and may make one batch again
// with the same result. A failed blocking check publishes nothing of its batch and is kInvalidArgument:
// `checks/x.dqdl:4: rule '...' found 0.91`; batches before it stay. kConflict: somebody else has published into the
// table since it was read. Errors of SQL name file, line and column.
Result<ModelJobResult> RunModelJob(const Context& context, const Project& project, const ModelJobArguments& arguments,
                                   const ProgressCallback& on_progress = nullptr);

// The whole of a child: opens the project, runs the job, speaks jobs/step_protocol.h on standard output. Returns the
// exit code: 0, 1 (trying again may help) or jobs::kExitPermanent.
int ModelJobMain(const Context& context, const ModelJobArguments& arguments);

// JSON of a result for the step's record.
std::string ModelJobResultJson(const ModelJobResult& result);

}  // namespace feedmill::warehouse
