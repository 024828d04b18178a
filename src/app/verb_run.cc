#include "app/verb_run.h"

#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/data_folder.h"
#include "app/nightly_steps.h"
#include "app/stop_signal.h"
#include "base/log.h"
#include "base/time_text.h"
#include "cli/admin_client.h"
#include "jobs/run_store.h"
#include "jobs/terminal_progress.h"
#include "warehouse/plan.h"
#include "warehouse/project.h"
#include "warehouse/report.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

constexpr Micros kLandTime = 15 * kMicrosPerMinute;

// What plan and run work with.
struct Nightly {
  Config config;
  SystemClock clock;
  DataFolder folder;
  warehouse::Project project;
  std::unique_ptr<warehouse::Context> context;
};

Status OpenNightly(const NightlyArguments& arguments, Nightly* nightly) {
  FEEDMILL_ASSIGN(nightly->config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, nightly->config.logging.format);
  FEEDMILL_ASSIGN(nightly->folder, OpenDataFolder(nightly->config.paths, nightly->clock));
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(nightly->config));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(nightly->project, warehouse::LoadProject(files, arguments.project, *session));
  nightly->context = std::make_unique<warehouse::Context>(
      warehouse::Context{files, *nightly->folder.catalog, *nightly->folder.store, nightly->clock, arguments.project,
                         nightly->config.paths.Temporary(), nightly->config.nightly.threads});
  return Ok();
}

// The nightly works on whole days: by default everything before the last midnight.
Result<Micros> CutOf(const NightlyArguments& arguments, const Clock& clock) {
  if (arguments.until.empty()) return FloorTo(clock.Now(), kMicrosPerDay);
  if (arguments.until == "now") return clock.Now();
  return ParseTime(arguments.until);
}

// Everything the server has accepted should be in the lake. A server that is not there is no fault: then nothing new
// comes in either.
Status LandFirst(const NightlyArguments& arguments) {
  cli::Connection connection;
  connection.url = arguments.url;
  connection.project = arguments.project;
  if (!cli::FillKeys(&connection)) return Ok();
  FEEDMILL_ASSIGN(cli::AdminClient client, cli::AdminClient::Make(connection));
  const auto landed = client.Call("POST", "land", "", kLandTime);
  if (landed || landed.error().kind() == ErrorKind::kUnavailable) return Ok();
  return std::unexpected(landed.error());
}

Status RunPlan(const NightlyArguments& arguments) {
  Nightly nightly;
  FEEDMILL_TRY(OpenNightly(arguments, &nightly));
  warehouse::PlanOptions options;
  FEEDMILL_ASSIGN(options.end, CutOf(arguments, nightly.clock));
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

Status RunNightly(const NightlyArguments& arguments) {
  CatchStopSignals();
  const Micros begin = MonotonicMicros();
  if (!arguments.url.empty()) FEEDMILL_TRY(LandFirst(arguments));
  Nightly nightly;
  FEEDMILL_TRY(OpenNightly(arguments, &nightly));
  FEEDMILL_ASSIGN(const Micros end, CutOf(arguments, nightly.clock));
  warehouse::NightlyOptions options;
  AddCommands(nightly.config, arguments, end, &options);
  options.run_id = arguments.resume;
  options.late = arguments.late;
  if (!arguments.start.empty()) {
    FEEDMILL_ASSIGN(options.force_start, ParseTime(arguments.start));
    FEEDMILL_ASSIGN(options.force_end, ParseTime(arguments.force_end));
  }
  jobs::TerminalProgress progress;
  options.on_change = [&](const jobs::RunRecord& run, const jobs::StepRecord& step) { progress.Show(run, step); };
  options.stop_requested = StopRequested;
  FEEDMILL_ASSIGN(const jobs::RunRecord run, warehouse::RunNightly(*nightly.context, nightly.project, options));
  fmt::print(stderr, "{}", warehouse::FormatReport(run));
  cli::PrintResult(Summary(run, MonotonicMicros() - begin));
  if (run.Succeeded()) return Ok();
  return Aborted("run {} {}; go on with: feedmill run --project {} --resume {}", run.id, run.state, arguments.project,
                 run.id);
}

// A backfill moves no table to another cut: it keeps the newest run's, or a later one when it is asked for later days.
Status RunBackfill(NightlyArguments arguments) {
  if (arguments.start.empty() != arguments.late)
    return InvalidArgument("backfill: found {} of --start and --late; allowed: one of them",
                           arguments.late ? "both" : "none");
  Nightly nightly;
  FEEDMILL_TRY(OpenNightly(arguments, &nightly));
  FEEDMILL_ASSIGN(Micros end, CutOf(arguments, nightly.clock));
  const Micros until = end;
  FEEDMILL_ASSIGN(const auto runs, jobs::ListRuns(*nightly.folder.store, "", 1));
  if (!runs.empty()) {
    const Json parameters = Json::parse(runs[0].parameters, nullptr, false);
    const Micros newest = parameters.is_object() ? parameters.value("end", end) : end;
    end = arguments.until.empty() ? newest : std::max(end, newest);
  }
  arguments.force_end = FormatTime(arguments.until.empty() ? end : until);
  arguments.until = FormatTime(end);
  return RunNightly(arguments);
}

void AddCommonOptions(CLI::App& verb, NightlyArguments* arguments) {
  verb.add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb.add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  verb.add_option("--until", arguments->until,
                  "the cut: events earlier than this (default: the last midnight, UTC); \"now\" or an instant");
  verb.add_option("--select", arguments->only, "one model and nothing else");
}

void AddServerOption(CLI::App& verb, NightlyArguments* arguments) {
  arguments->url = "http://127.0.0.1:8080";
  verb.add_option("--url", arguments->url, "the server that is asked to land what it has first, if it runs")
      ->capture_default_str();
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
  verb->callback([arguments] { cli::Finish(RunNightly(*arguments)); });
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
