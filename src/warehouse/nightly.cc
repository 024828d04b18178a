#include "warehouse/nightly.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/time_text.h"
#include "jobs/run_store.h"
#include "lake/run_tables.h"
#include "warehouse/report.h"

namespace feedmill::warehouse {
namespace {

// A step that has too little memory for one part of this many will not have enough for any.
constexpr int kPartsMax = 16;

std::string StepOf(const Model& model) { return model.native.empty() ? model.name : model.native; }

const ModelPlan* PlanOf(const std::vector<ModelPlan>& plans, const std::string& model) {
  auto found = std::ranges::find(plans, model, &ModelPlan::model);
  return found == plans.end() || found->intervals.empty() ? nullptr : &*found;
}

class StepMaker {
 public:
  StepMaker(const Project& project, const NightlyOptions& options) : project_(project), options_(options) {}

  Status AddModel(const Model& model) {
    auto known = std::ranges::find(steps_, StepOf(model), &jobs::Step::name);
    if (known == steps_.end()) {
      jobs::Step step;
      step.name = StepOf(model);
      bool native = !model.native.empty();
      const auto& command = native ? options_.native_command : options_.model_command;
      if (!command)
        return InvalidArgument("{}: no command for {} '{}'", model.file, native ? "native step" : "model", step.name);
      step.arguments = command(step.name, options_.run_id, options_.end);
      step.parts_max = kPartsMax;
      steps_.push_back(std::move(step));
      known = std::prev(steps_.end());
    }
    // Tables of one native step are made together: the largest limits hold.
    known->memory_bytes_max = std::max(known->memory_bytes_max, MemoryOf(model, options_.memory_bytes_max));
    known->wall_time_max = std::max(known->wall_time_max, model.timeout);
    for (const std::string& input : Inputs(model)) needs_.emplace_back(known->name, input);
    return Ok();
  }

  void AddExtra(const ExtraStep& extra) {
    jobs::Step step;
    step.name = extra.name;
    step.arguments = extra.arguments;
    step.memory_bytes_max = extra.memory_bytes_max;
    step.wall_time_max = extra.timeout;
    step.parts_max = kPartsMax;
    steps_.push_back(std::move(step));
    for (const std::string& needed : extra.after) needs_.emplace_back(extra.name, needed);
    for (const std::string& table : extra.after_present) {
      if (project_.Find(table) != nullptr) needs_.emplace_back(extra.name, table);
    }
  }

  // A need of a table that is up to date is no need.
  Result<std::vector<jobs::Step>> Finish() {
    for (const auto& [name, needed] : needs_) {
      const Model* model = project_.Find(needed);
      std::string provider = model == nullptr ? needed : StepOf(*model);
      bool runs = std::ranges::find(steps_, provider, &jobs::Step::name) != steps_.end();
      if (!runs && model == nullptr)
        return InvalidArgument("step '{}' comes after '{}', which is neither a table nor a step", name, needed);
      auto step = std::ranges::find(steps_, name, &jobs::Step::name);
      bool listed = std::ranges::find(step->after, provider) != step->after.end();
      if (runs && !listed && provider != name) step->after.push_back(provider);
    }
    return jobs::OrderSteps(std::move(steps_));
  }

 private:
  const Project& project_;
  const NightlyOptions& options_;
  std::vector<jobs::Step> steps_;
  std::vector<std::pair<std::string, std::string>> needs_;
};

// The run's own end: a resumed run goes on with the end it began with, so that full tables do not move.
Status FillRun(const Context& context, NightlyOptions* options) {
  if (options->end == 0) options->end = context.clock.Now();
  if (options->run_id.empty()) {
    options->run_id = NewRunId(context.clock);
    return Ok();
  }
  FEEDMILL_ASSIGN(const auto recorded, FindRun(context.store, options->run_id));
  if (recorded && recorded->end != 0) options->end = recorded->end;
  return Ok();
}

// What the run leaves out, by model, for its report.
nlohmann::json LeftOutJson(const std::vector<ModelPlan>& plans) {
  auto models = nlohmann::json::array();
  for (const ModelPlan& plan : plans) {
    if (plan.late_intervals == 0 && plan.rows_ahead == 0) continue;
    models.push_back({{"model", plan.model},
                      {"late_rows", plan.late_rows},
                      {"late_intervals", plan.late_intervals},
                      {"late_from", plan.late_intervals == 0 ? "" : FormatTime(plan.late_first).substr(0, 10)},
                      {"rows_ahead", plan.rows_ahead},
                      {"text", LeftOut(plan)}});
  }
  return models;
}

// A table of the project that somebody else has published since the run's pin: the run would overwrite it.
Status CheckStillOurs(const Context& context, const Project& project, const std::string& run_id) {
  FEEDMILL_ASSIGN(const auto pins, lake::PinsOf(context.store, run_id));
  for (const Model& model : project.models) {
    const auto pin = pins.find(TableName(model.name));
    if (model.materialization == Materialization::kExternal || pin == pins.end()) continue;
    FEEDMILL_ASSIGN(const lake::TableDescription table, context.catalog.Load(pin->first));
    if (table.current_snapshot_id.value_or(0) == pin->second) continue;
    return Conflict(
        "run {} cannot go on: table '{}' was published by another run since; begin a new run, which makes "
        "what is left",
        run_id, pin->first);
  }
  return Ok();
}

Status Pin(const Context& context, const Project& project, const std::string& run_id) {
  FEEDMILL_ASSIGN(const bool pinned, lake::IsPinned(context.store, run_id));
  FEEDMILL_ASSIGN(const auto recorded, FindRun(context.store, run_id));
  if (recorded && !pinned) {
    return Conflict(
        "run {} cannot go on: what it read is no longer kept, as a later run has succeeded or it is too old; "
        "begin a new run, which makes what is left",
        run_id);
  }
  FEEDMILL_TRY(lake::PinRun(context.store, context.catalog, run_id));
  return pinned ? CheckStillOurs(context, project, run_id) : Ok();
}

// Later runs have what the earlier ones wanted.
Status ForgetPins(meta::Store& store) {
  FEEDMILL_ASSIGN(const auto runs, lake::RunsWithTables(store));
  for (const std::string& run : runs) FEEDMILL_TRY(lake::ForgetRun(store, run));
  return Ok();
}

std::string ParametersOf(const NightlyOptions& options, const std::vector<ModelPlan>& plans) {
  auto parameters = nlohmann::json::parse(options.parameters, nullptr, false);
  if (!parameters.is_object()) parameters = nlohmann::json::object();
  parameters["end"] = options.end;
  parameters["left_out"] = LeftOutJson(plans);
  return parameters.dump();
}

std::string KindOf(const NightlyOptions& options) {
  if (!options.kind.empty()) return options.kind;
  if (options.force_start || options.force_end || options.late) return "backfill";
  return options.only.empty() ? "nightly" : "select";
}

// Native steps keep no intervals of their own: what they were made from is recorded when they succeeded.
Status RecordNatives(const Context& context, const Project& project, const std::vector<ModelPlan>& plans,
                     const jobs::RunRecord& run, Micros end) {
  std::vector<IntervalState> states;
  InputFiles inputs(context);
  for (const Model& model : project.models) {
    if (model.native.empty() || PlanOf(plans, model.name) == nullptr) continue;
    auto step = std::ranges::find(run.steps, model.native, &jobs::StepRecord::name);
    if (step == run.steps.end() || step->state != jobs::StepState::kSucceeded) continue;
    IntervalState state;
    state.model = IntervalName(context, model.name);
    state.end = end;
    state.status = "done";
    state.input_rows = 0;
    state.sql_hash = SqlHash(model);
    for (const std::string& table : model.depends) {
      InputWindow whole;
      whole.table = table;
      FEEDMILL_ASSIGN(state.inputs[table], inputs.HashOf(whole, {}));
    }
    state.run_id = run.id;
    state.updated_at = context.clock.Now();
    states.push_back(std::move(state));
  }
  return SaveIntervals(context.store, states);
}

}  // namespace

Result<std::vector<jobs::Step>> NightlySteps(const Project& project, const std::vector<ModelPlan>& plans,
                                             const NightlyOptions& options) {
  StepMaker maker(project, options);
  for (const Model& model : project.models) {
    if (PlanOf(plans, model.name) != nullptr) FEEDMILL_TRY(maker.AddModel(model));
  }
  if (options.only.empty()) {
    for (const ExtraStep& extra : options.extra_steps) maker.AddExtra(extra);
  }
  return maker.Finish();
}

std::string NewRunId(const Clock& clock) {
  std::string time = FormatTime(clock.Now());
  std::erase_if(time, [](char c) { return c == '-' || c == ':' || c == '.'; });
  return "run-" + time;
}

Result<std::optional<RecordedRun>> FindRun(meta::Store& store, const std::string& run_id) {
  auto run = jobs::LoadRun(store, run_id);
  if (!run && run.error().kind() == ErrorKind::kNotFound) return std::nullopt;
  if (!run) return std::unexpected(run.error());
  RecordedRun recorded;
  recorded.run = std::move(*run);
  const auto parameters = nlohmann::json::parse(recorded.run.parameters, nullptr, false);
  if (parameters.is_object()) recorded.end = parameters.value("end", Micros{0});
  return recorded;
}

Result<jobs::RunRecord> RunNightly(const Context& context, const Project& project, const NightlyOptions& given) {
  NightlyOptions options = given;
  FEEDMILL_TRY(FillRun(context, &options));
  FEEDMILL_TRY(Pin(context, project, options.run_id));
  const auto catalog = lake::MakeRunCatalog(context.catalog, context.store, options.run_id);
  const Context pinned{context.files,          *catalog,
                       context.store,          context.clock,
                       context.project_folder, context.temporary_directory,
                       context.threads,        context.staged_run,
                       context.staged_tables};
  PlanOptions plan_options{options.end, options.force_start, options.force_end, options.only, options.late};
  FEEDMILL_ASSIGN(auto plans, PlanAll(pinned, project, plan_options));
  FEEDMILL_ASSIGN(auto steps, NightlySteps(project, plans, options));
  jobs::RunOptions run_options;
  run_options.run_id = options.run_id;
  run_options.kind = KindOf(options);
  run_options.parameters = ParametersOf(options, plans);
  run_options.parallel_max = options.parallel_max;
  run_options.stop_requested = options.stop_requested;
  run_options.on_change = options.on_change;
  run_options.run_child = options.run_child;
  FEEDMILL_ASSIGN(jobs::RunRecord run, jobs::RunSteps(context.store, context.clock, std::move(steps), run_options));
  FEEDMILL_TRY(RecordNatives(pinned, project, plans, run, options.end));
  if (run.Succeeded() && context.staged_run.empty()) FEEDMILL_TRY(ForgetPins(context.store));
  if (!options.runs_folder.empty()) FEEDMILL_TRY(WriteReport(context.files, options.runs_folder, run));
  return run;
}

}  // namespace feedmill::warehouse
