#include "warehouse/nightly.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/time_text.h"
#include "jobs/run_store.h"
#include "warehouse/report.h"

namespace feedmill::warehouse {
namespace {

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
      steps_.push_back(std::move(step));
      known = std::prev(steps_.end());
    }
    // Tables of one native step are made together: the largest limits hold.
    known->memory_bytes_max = std::max(known->memory_bytes_max, model.memory_bytes_max);
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
    steps_.push_back(std::move(step));
    for (const std::string& needed : extra.after) needs_.emplace_back(extra.name, needed);
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
    std::string time = FormatTime(context.clock.Now());
    std::erase_if(time, [](char c) { return c == '-' || c == ':' || c == '.'; });
    options->run_id = "run-" + time;
    return Ok();
  }
  auto recorded = jobs::LoadRun(context.store, options->run_id);
  if (!recorded && recorded.error().kind() == ErrorKind::kNotFound) return Ok();
  if (!recorded) return std::unexpected(recorded.error());
  auto parameters = nlohmann::json::parse(recorded->parameters, nullptr, false);
  if (parameters.is_object()) options->end = parameters.value("end", options->end);
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
    state.model = model.name;
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

Result<jobs::RunRecord> RunNightly(const Context& context, const Project& project, const NightlyOptions& given) {
  NightlyOptions options = given;
  FEEDMILL_TRY(FillRun(context, &options));
  PlanOptions plan_options{options.end, options.force_start, options.force_end, options.only, options.late};
  FEEDMILL_ASSIGN(auto plans, PlanAll(context, project, plan_options));
  FEEDMILL_ASSIGN(auto steps, NightlySteps(project, plans, options));
  jobs::RunOptions run_options;
  run_options.run_id = options.run_id;
  run_options.kind = options.force_start || options.force_end || options.late ? "backfill" : "nightly";
  run_options.parameters = nlohmann::json{{"end", options.end}, {"left_out", LeftOutJson(plans)}}.dump();
  run_options.parallel_max = options.parallel_max;
  run_options.stop_requested = options.stop_requested;
  run_options.on_change = options.on_change;
  run_options.run_child = options.run_child;
  FEEDMILL_ASSIGN(jobs::RunRecord run, jobs::RunSteps(context.store, context.clock, std::move(steps), run_options));
  FEEDMILL_TRY(RecordNatives(context, project, plans, run, options.end));
  if (!options.runs_folder.empty()) FEEDMILL_TRY(WriteReport(context.files, options.runs_folder, run));
  return run;
}

}  // namespace feedmill::warehouse
