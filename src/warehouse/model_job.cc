#include "warehouse/model_job.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/time_text.h"
#include "jobs/step.h"
#include "jobs/step_protocol.h"
#include "lake/orphans.h"
#include "warehouse/batch_run.h"
#include "warehouse/heal.h"

namespace feedmill::warehouse {
namespace {

// Of a step's memory: DuckDB's own limit. The rest is for what it does not count (metadata, Parquet buffers, our code).
// A second try leaves more of it.
constexpr double kEngineShare = 0.7;
constexpr double kEngineShareInParts = 0.5;
constexpr uint64_t kEngineMemoryMin = 128ull << 20;
// What the program takes before there is a row, but not more than a third of a small step.
constexpr uint64_t kProgramBytes = 96ull << 20;

Result<std::unique_ptr<query::Engine>> EngineFor(const Context& context, uint64_t memory_bytes, int parts) {
  query::EngineOptions options;
  options.temporary_directory = context.temporary_directory;
  options.threads = std::max(1, context.threads / parts);
  const double share = parts == 1 ? kEngineShare : kEngineShareInParts;
  if (memory_bytes > 0) {
    const uint64_t for_rows = memory_bytes - std::min(kProgramBytes, memory_bytes / 3);
    options.memory_bytes_max = std::max(kEngineMemoryMin, static_cast<uint64_t>(static_cast<double>(for_rows) * share));
  }
  return query::OpenEngine(options);
}

std::vector<IntervalState> StatesOf(const Context& context, const ModelPlan& plan, const Batch& batch,
                                    const ModelJobResult& result, const ModelJobResult& before,
                                    const std::string& status, const std::string& run_id) {
  std::vector<IntervalState> states;
  for (const PendingInterval& interval : batch.intervals) {
    IntervalState state;
    state.model = IntervalName(context, plan.model);
    state.start = interval.start;
    state.end = interval.end;
    state.status = status;
    state.sql_hash = plan.sql_hash;
    state.inputs = interval.inputs;
    state.input_rows = interval.input_rows;
    state.snapshot_id = result.snapshot_id;
    // Of the batch, told with its first interval, so that sums are right.
    if (&interval == &batch.intervals.front()) {
      state.rows = result.rows - before.rows;
      state.bytes = result.bytes - before.bytes;
    }
    state.run_id = run_id;
    state.updated_at = context.clock.Now();
    states.push_back(std::move(state));
  }
  return states;
}

bool MayRetry(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kInvalidArgument:
    case ErrorKind::kNotFound:
    case ErrorKind::kCorrupt:
    case ErrorKind::kPermissionDenied:
      return false;
    default:
      return true;
  }
}

}  // namespace

Result<ModelJobResult> RunModelJob(const Context& context, const Project& project, const ModelJobArguments& arguments,
                                   const ProgressCallback& on_progress) {
  const Model* model = project.Find(arguments.model);
  if (model == nullptr) return NotFound("model '{}' is not in {}/warehouse", arguments.model, project.folder);
  if (!HasSql(*model)) return InvalidArgument("{}: model '{}' has no SQL to run", model->file, model->name);
  FEEDMILL_TRY(lake::RemoveLeftovers(context.files, context.catalog, TableName(model->name), arguments.run_id));
  InputFiles planning(context);
  PlanOptions options{arguments.end, arguments.force_start, arguments.force_end, arguments.model, arguments.late};
  FEEDMILL_ASSIGN(ModelPlan plan, PlanModel(context, *model, planning, options, {}));
  ModelJobResult result;
  Model in_parts = *model;
  in_parts.batch = std::max(1, model->batch / arguments.parts);
  std::vector<Batch> batches = MakeBatches(in_parts, plan.intervals);
  if (model->materialization == Materialization::kAppend && !batches.empty()) {
    FEEDMILL_ASSIGN(auto engine, EngineFor(context, MemoryOf(*model, arguments.memory_bytes_max), arguments.parts));
    FEEDMILL_ASSIGN(auto session, engine->NewSession());
    FEEDMILL_ASSIGN(result.healed, HealDoubles(context, *model, arguments.run_id, *session));
  }
  BatchRun run(context, project, *model, arguments.run_id, arguments.parts);
  for (size_t i = 0; i < batches.size(); ++i) {
    if (on_progress)
      on_progress(static_cast<double>(i) / static_cast<double>(batches.size()),
                  fmt::format("{} of {}", i + 1, batches.size()));
    // A fresh engine a batch: nothing of one batch takes memory from the next.
    FEEDMILL_ASSIGN(auto engine, EngineFor(context, MemoryOf(*model, arguments.memory_bytes_max), arguments.parts));
    FEEDMILL_ASSIGN(auto session, engine->NewSession());
    InputFiles fresh(context);
    // An appending model must see what its own last batch wrote; the others keep the snapshots of the plan.
    InputFiles& inputs = model->materialization == Materialization::kAppend ? fresh : planning;
    ModelJobResult before = result;
    Status made = run.Run(*session, inputs, batches[i], &result);
    if (result.refused) {
      FEEDMILL_TRY(SaveIntervals(context.store,
                                 StatesOf(context, plan, batches[i], before, before, "refused", arguments.run_id)));
    }
    if (!made) return std::unexpected(made.error());
    FEEDMILL_TRY(
        SaveIntervals(context.store, StatesOf(context, plan, batches[i], result, before, "done", arguments.run_id)));
    result.intervals += static_cast<int>(batches[i].intervals.size());
    ++result.batches;
  }
  return result;
}

int ModelJobMain(const Context& context, const ModelJobArguments& arguments) {
  auto run = [&]() -> Result<ModelJobResult> {
    FEEDMILL_ASSIGN(auto engine, EngineFor(context, 0, 1));
    FEEDMILL_ASSIGN(auto session, engine->NewSession());
    FEEDMILL_ASSIGN(Project project, LoadProject(context.files, context.project_folder, *session));
    return RunModelJob(context, project, arguments, jobs::PrintProgress);
  };
  auto result = run();
  if (result) {
    jobs::PrintResult(ModelJobResultJson(*result));
    return 0;
  }
  jobs::PrintError(result.error().message());
  if (result.error().kind() == ErrorKind::kResourceExhausted) return jobs::kExitOutOfMemory;
  return MayRetry(result.error()) ? 1 : jobs::kExitPermanent;
}

std::string ModelJobResultJson(const ModelJobResult& result) {
  nlohmann::json document = {{"rows", result.rows},
                             {"bytes", result.bytes},
                             {"intervals", result.intervals},
                             {"batches", result.batches},
                             {"healed", result.healed},
                             {"select_seconds", static_cast<double>(result.select_time) / kMicrosPerSecond},
                             {"audit_seconds", static_cast<double>(result.audit_time) / kMicrosPerSecond},
                             {"checks", nlohmann::json::array()}};
  for (const CheckResult& check : result.checks) {
    document["checks"].push_back({{"rule", check.rule},
                                  {"passed", check.passed},
                                  {"blocking", check.blocking},
                                  {"found", check.found},
                                  {"note", check.note}});
  }
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace feedmill::warehouse
