#include "app/verb_rebuild.h"

#include <iostream>
#include <memory>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/rebuild.h"
#include "app/stop_signal.h"
#include "base/log.h"
#include "base/time_text.h"
#include "jobs/terminal_progress.h"

namespace feedmill::app {
namespace {

struct RebuildArguments {
  NightlyArguments nightly;
  RebuildPlan plan;
  bool yes = false;
};

std::string Describe(const RebuildPlan& plan) {
  std::string what = plan.raw ? "the raw tables, dwd, dws and ads" : "dwd, dws and ads";
  if (plan.dims) what += ", the tables that give keys";
  what += ", intervals, and all checkpoints";
  return fmt::format("drops {} and makes them again as of {}{}", what, FormatTime(plan.cut),
                     plan.train ? ", then trains and promotes" : "");
}

// What was asked for, and what a rebuild that did not finish still owes.
Status CompletePlan(const Config& config, RebuildArguments* arguments) {
  RebuildPlan& plan = arguments->plan;
  FEEDMILL_ASSIGN(const auto unfinished, UnfinishedRebuild(config.paths));
  if (unfinished) {
    plan.raw |= unfinished->raw;
    plan.dims |= unfinished->dims;
    plan.train |= unfinished->train;
    plan.cut = unfinished->cut;
    fmt::print(stderr, "rebuild: going on with the one that did not finish\n");
  }
  const SystemClock clock;
  if (!arguments->nightly.until.empty()) {
    FEEDMILL_ASSIGN(plan.cut, ParseTime(arguments->nightly.until));
  }
  if (plan.cut != 0) return Ok();
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const auto last, LastCut(config, folder));
  plan.cut = last.value_or(FloorTo(clock.Now(), kMicrosPerDay));
  return Ok();
}

bool Confirmed(const RebuildArguments& arguments, const std::string& data) {
  if (arguments.yes || ::isatty(STDIN_FILENO) == 0) return true;
  fmt::print(stderr, "rebuild: {} in {}. Go on? [y/N] ", Describe(arguments.plan), data);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

Status RunRebuild(RebuildArguments* arguments) {
  CatchStopSignals();
  const Micros begin = MonotonicMicros();
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments->nightly.project, arguments->nightly.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  FEEDMILL_ASSIGN(const DataFolderLock lock, DataFolderLock::Take(config.paths.data));
  FEEDMILL_TRY(CompletePlan(config, arguments));
  if (!Confirmed(*arguments, config.paths.data)) return Aborted("nothing was changed");
  jobs::TerminalProgress progress;
  RebuildHooks hooks;
  hooks.on_phase = [](std::string_view phase) { fmt::print(stderr, "rebuild: {}\n", phase); };
  hooks.on_step = [&progress](const jobs::RunRecord& run, const jobs::StepRecord& step) { progress.Show(run, step); };
  hooks.stop_requested = StopRequested;
  const auto figures = Rebuild(config, arguments->nightly, arguments->plan, hooks);
  if (!figures) {
    FEEDMILL_ASSIGN(const auto unfinished, UnfinishedRebuild(config.paths));
    return std::unexpected(unfinished ? figures.error().WithContext("rebuild (run it again to go on)")
                                      : figures.error());
  }
  const nlohmann::json json = {{"until", FormatTime(arguments->plan.cut)},
                               {"tables", figures->tables_dropped},
                               {"log_records", figures->records_landed},
                               {"events_applied", figures->events_applied},
                               {"run", figures->run.id},
                               {"seconds", static_cast<double>((MonotonicMicros() - begin) / 10'000) / 100}};
  cli::PrintResult(json.dump());
  return Ok();
}

}  // namespace

void AddRebuildVerb(CLI::App& app) {
  auto arguments = std::make_shared<RebuildArguments>();
  CLI::App* verb = app.add_subcommand(
      "rebuild", "make everything below the log anew: tables, checkpoints, live state; no server may run");
  verb->add_option("--project", arguments->nightly.project, "project folder")->capture_default_str();
  verb->add_option("--set", arguments->nightly.overrides, "name=value, over feedmill.toml");
  verb->add_option("--until", arguments->nightly.until, "the cut, an instant (default: that of the last nightly)");
  verb->add_flag("--raw", arguments->plan.raw, "the raw tables too, from the log; needs a log that begins at record 0");
  verb->add_flag("--dims", arguments->plan.dims, "the tables that give users and posts their keys too");
  verb->add_flag("--train", arguments->plan.train, "models and a bundle too; promoted when it is better");
  verb->add_flag("--yes", arguments->yes, "do not ask");
  verb->footer(
      "Examples:\n  feedmill rebuild --project myapp\n  feedmill rebuild --project myapp --raw --yes\nStopped in the "
      "middle it is finished by running it again.");
  verb->callback([arguments] { cli::Finish(RunRebuild(arguments.get())); });
}

}  // namespace feedmill::app
