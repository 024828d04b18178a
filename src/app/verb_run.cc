#include "app/verb_run.h"

#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/nightly_run.h"
#include "app/receipt_healing.h"
#include "app/stop_signal.h"
#include "app/work_lock.h"
#include "base/log.h"
#include "base/thread_priority.h"
#include "base/time_text.h"
#include "jobs/run_store.h"
#include "jobs/terminal_progress.h"
#include "warehouse/plan.h"
#include "warehouse/report.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

constexpr int kRunsNamed = 5;  // in the message about one that is not there

Status RunPlan(const NightlyArguments& arguments) {
  Nightly nightly;
  FEEDMILL_TRY(OpenNightly(arguments, &nightly));
  FEEDMILL_TRY(CheckTables(nightly));
  warehouse::PlanOptions options;
  FEEDMILL_ASSIGN(options.end, CutOf(arguments, nightly));
  options.only = arguments.only;
  FEEDMILL_ASSIGN(const auto plans, warehouse::PlanAll(*nightly.context, nightly.project, options));
  fmt::print("{}", warehouse::FormatPlan(plans));
  return Ok();
}

Json ResultOf(const jobs::RunRecord& run, std::string_view step) {
  for (const jobs::StepRecord& record : run.steps) {
    if (record.name != step) continue;
    Json json = Json::parse(record.result, nullptr, false);
    if (json.is_object()) return json;
  }
  return Json::object();
}

// The last line: what the run did, with the figures of its bundle.
std::string Summary(const jobs::RunRecord& run, Micros took) {
  uint64_t memory = 0;
  Json steps = Json::object();
  for (const jobs::StepRecord& step : run.steps) {
    memory = std::max(memory, step.memory_bytes_peak);
    steps[step.name] = static_cast<double>((step.ended_at - step.started_at) / 10'000) / 100;
  }
  const Json promotion = ResultOf(run, "bundle.promote");
  Json json = {{"run", run.id},
               {"state", run.state},
               {"seconds", static_cast<double>(took / 10'000) / 100},
               {"memory_peak_mb", memory >> 20},
               {"steps", steps},
               {"bundle", promotion.value("bundle", "")},
               {"promoted", promotion.value("promoted", false)},
               {"reason", promotion.value("reason", "")}};
  for (const char* name : {"auc", "ndcg10"}) {
    const auto metrics = promotion.find("metrics");
    json[name] = metrics != promotion.end() && metrics->contains(name) ? (*metrics)[name] : Json(nullptr);
  }
  return json.dump();
}

// What a run was asked, kept with its record for whoever resumes it.
std::string ParametersOf(const NightlyArguments& arguments) {
  return Json{{"only", arguments.only},
              {"start", arguments.start},
              {"force_end", arguments.force_end},
              {"late", arguments.late},
              {"train", arguments.train}}
      .dump();
}

// A resumed run goes on as it was asked then.
Status TakeRecorded(const Nightly& nightly, NightlyArguments* arguments, Micros* end) {
  FEEDMILL_ASSIGN(const auto recorded, warehouse::FindRun(*nightly.folder.store, arguments->resume));
  if (!recorded) {
    FEEDMILL_ASSIGN(const auto runs, jobs::ListRuns(*nightly.folder.store, "", kRunsNamed));
    std::string names;
    for (const jobs::RunRecord& run : runs)
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", run.id, run.state);
    return NotFound("--resume {}: no such run; the newest are: {}", arguments->resume, names.empty() ? "none" : names);
  }
  if (recorded->run.Succeeded())
    return InvalidArgument("--resume {}: that run succeeded; `feedmill run` begins a new one", arguments->resume);
  *end = recorded->end;
  const Json asked = Json::parse(recorded->run.parameters, nullptr, false);
  if (!asked.is_object()) return Ok();
  arguments->only = asked.value("only", arguments->only);
  arguments->start = asked.value("start", arguments->start);
  arguments->force_end = asked.value("force_end", arguments->force_end);
  arguments->late = asked.value("late", arguments->late);
  arguments->train = asked.value("train", arguments->train);
  return Ok();
}

// What a person does about a run that did not succeed: whether trying the same again can help, its steps know.
Error Unfinished(const jobs::RunRecord& run, const std::string& project) {
  std::string why;
  bool permanent = false;
  for (const jobs::StepRecord& step : run.steps) {
    if (step.state != jobs::StepState::kFailed) continue;
    why += fmt::format("\n  {}: {}", step.name, step.message);
    permanent |= step.permanent;
  }
  if (permanent) {
    return Error(ErrorKind::kAborted,
                 fmt::format("run {} {}; the same would happen again. Mend what is named, then begin a new run, which "
                             "makes what is left: feedmill run --project {}{}",
                             run.id, run.state, project, why));
  }
  return Error(ErrorKind::kAborted, fmt::format("run {} {}; go on with: feedmill run --project {} --resume {}{}",
                                                run.id, run.state, project, run.id, why));
}

Result<jobs::RunRecord> RunSteps(const Nightly& nightly, const NightlyArguments& arguments, Micros end) {
  warehouse::NightlyOptions options;
  options.run_id = arguments.resume.empty() ? warehouse::NewRunId(nightly.clock) : arguments.resume;
  options.parameters = ParametersOf(arguments);
  AddCommands(nightly.config, arguments, end, &options);
  options.late = arguments.late;
  if (!arguments.start.empty()) {
    FEEDMILL_ASSIGN(options.force_start, ParseTime(arguments.start));
    FEEDMILL_ASSIGN(options.force_end, ParseTime(arguments.force_end));
  }
  jobs::TerminalProgress progress;
  options.on_change = [&](const jobs::RunRecord& run, const jobs::StepRecord& step) { progress.Show(run, step); };
  options.stop_requested = StopRequested;
  return warehouse::RunNightly(*nightly.context, nightly.project, options);
}

Status RunNightly(const char* what, const NightlyArguments& given) {
  CatchStopSignals();
  const Micros begin = MonotonicMicros();
  NightlyArguments arguments = given;
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  FEEDMILL_ASSIGN(const WorkLock lock, WorkLock::Take(config.paths.data, what, SystemClock().Now()));
  LowerThreadPriority(config.nightly.nice);  // the steps inherit it
  if (arguments.land) FEEDMILL_TRY(LandFirst(config, arguments.url));
  Nightly nightly;
  FEEDMILL_TRY(OpenNightly(arguments, &nightly));
  FEEDMILL_TRY(ForgetDeadWork(nightly.folder, nightly.clock.Now()));
  Micros end = 0;
  if (arguments.resume.empty()) {
    FEEDMILL_ASSIGN(end, CutOf(arguments, nightly));
  } else {
    FEEDMILL_TRY(TakeRecorded(nightly, &arguments, &end));
  }
  if (arguments.resume.empty()) {  // a resumed run reads what it read before
    FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(nightly.config));
    FEEDMILL_ASSIGN(const auto session, engine->NewSession());
    const Micros since = std::min(end, nightly.clock.Now()) - kReceiptsLookedAt;
    if (const auto healed = HealReceiptTimes(*session, *nightly.folder.catalog, since); !healed)
      log::Warn("receipt times of a wrong clock stay until the next night", {{"why", healed.error().ToString()}});
  }
  FEEDMILL_ASSIGN(const jobs::RunRecord run, RunSteps(nightly, arguments, end));
  fmt::print(stderr, "{}", warehouse::FormatReport(run));
  cli::PrintResult(Summary(run, MonotonicMicros() - begin));
  if (run.Succeeded()) return Ok();
  return std::unexpected(Unfinished(run, arguments.project));
}

// A backfill moves no table to another cut: it keeps the newest run's, or a later one when it is asked for later days.
Status RunBackfill(NightlyArguments arguments) {
  if (arguments.start.empty() != arguments.late)
    return InvalidArgument("backfill: found {} of --start and --late; allowed: one of them",
                           arguments.late ? "both" : "none");
  Nightly nightly;
  FEEDMILL_TRY(OpenNightly(arguments, &nightly));
  FEEDMILL_ASSIGN(Micros end, CutOf(arguments, nightly));
  const Micros until = end;
  FEEDMILL_ASSIGN(const auto runs, jobs::ListRuns(*nightly.folder.store, "", 1));
  if (!runs.empty()) {
    const Json parameters = Json::parse(runs[0].parameters, nullptr, false);
    const Micros newest = parameters.is_object() ? parameters.value("end", end) : end;
    end = arguments.until.empty() ? newest : std::max(end, newest);
  }
  const Micros force_end = arguments.until.empty() ? end : until;
  if (!arguments.late) {
    FEEDMILL_ASSIGN(const Micros start, ParseTime(arguments.start));
    if (start >= force_end) {
      return InvalidArgument("backfill: found --start {} and an end of {}; allowed: a start before the end",
                             FormatTime(start), FormatTime(force_end));
    }
  }
  arguments.force_end = FormatTime(force_end);
  arguments.until = FormatTime(end);
  return RunNightly("feedmill backfill", arguments);
}

void AddCommonOptions(CLI::App& verb, NightlyArguments* arguments) {
  verb.add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb.add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  verb.add_option("--until", arguments->until,
                  "the cut: events earlier than this; \"now\" or an instant (default: the last midnight, UTC, or now "
                  "where nothing was before it)");
  verb.add_option("--select", arguments->only, "one model and nothing else");
}

void AddServerOption(CLI::App& verb, NightlyArguments* arguments) {
  verb.add_option("--url", arguments->url,
                  "the server that is asked to land what it has first (default: the one that runs in the data folder)");
  verb.add_flag("!--no-land", arguments->land, "what has landed is enough");
  verb.add_flag("--force-promote", arguments->force_promote, "make the new bundle live even when it is not better");
}

}  // namespace

void AddPlanVerb(CLI::App& app) {
  auto arguments = std::make_shared<NightlyArguments>();
  CLI::App* verb = app.add_subcommand("plan", "what `run` would do, and why");
  AddCommonOptions(*verb, arguments.get());
  verb->callback([arguments] { cli::Finish(RunPlan(*arguments)); });
}

void AddRunVerb(CLI::App& app) {
  auto arguments = std::make_shared<NightlyArguments>();
  CLI::App* verb =
      app.add_subcommand("run", "the nightly: tables layer by layer, features, samples, models, one bundle");
  AddCommonOptions(*verb, arguments.get());
  AddServerOption(*verb, arguments.get());
  verb->add_option("--resume", arguments->resume, "go on with a run that failed or was stopped");
  verb->add_flag("!--no-train", arguments->train, "tables only: no models, no bundle");
  verb->footer("Examples:\n  feedmill run\n  feedmill run --select dwd_user_action --until now");
  verb->callback([arguments] { cli::Finish(RunNightly("feedmill run", *arguments)); });
}

void AddBackfillVerb(CLI::App& app) {
  auto arguments = std::make_shared<NightlyArguments>();
  CLI::App* verb = app.add_subcommand("backfill", "make intervals anew, whatever their state");
  AddCommonOptions(*verb, arguments.get());
  AddServerOption(*verb, arguments.get());
  verb->add_option("--start", arguments->start, "first instant to make anew; up to --until");
  verb->add_flag("!--no-train", arguments->train, "tables only: no models, no bundle");
  verb->add_flag("--late", arguments->late, "the days that events came for when they were made and past the lookback");
  verb->footer(
      "Examples:\n  feedmill backfill --late\n  feedmill backfill --start 2026-01-01 --until 2026-01-08 --select "
      "dwd_user_action");
  verb->callback([arguments] { cli::Finish(RunBackfill(*arguments)); });
}

}  // namespace feedmill::app
