#include "app/verb_rebuild.h"

#include <iostream>
#include <memory>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/nightly_run.h"
#include "app/rebuild.h"
#include "app/stop_signal.h"
#include "app/work_lock.h"
#include "base/log.h"
#include "base/thread_priority.h"
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
  return fmt::format("makes {} anew as of {}{}, and then replaces what is there", what, FormatTime(plan.cut),
                     plan.train ? ", trains and promotes" : "");
}

constexpr Micros kAlways = int64_t{36'500} * kMicrosPerDay;  // no event is that much later

Status FindCut(const NightlyArguments& arguments, Micros* cut) {
  Nightly nightly;
  FEEDMILL_TRY(OpenNightly(arguments, &nightly));
  if (!arguments.until.empty()) {
    FEEDMILL_ASSIGN(*cut, ParseTime(arguments.until));
    FEEDMILL_ASSIGN(const bool before, AnythingBefore(nightly, *cut));
    if (before) return Ok();
    FEEDMILL_ASSIGN(const bool after, AnythingBefore(nightly, *cut + kAlways));
    if (!after) return Ok();
    return InvalidArgument("rebuild: nothing that has landed is before --until {}: every table would be empty",
                           FormatTime(*cut));
  }
  FEEDMILL_ASSIGN(const auto last, LastCut(nightly.project, *nightly.folder.store));
  *cut = last.value_or(nightly.clock.Now());
  return Ok();
}

Status Confirm(const RebuildArguments& arguments, const std::string& data) {
  if (arguments.yes) return Ok();
  if (::isatty(STDIN_FILENO) == 0) {
    return InvalidArgument("rebuild {} in {}; nobody is here to be asked: say --yes", Describe(arguments.plan), data);
  }
  fmt::print(stderr, "rebuild: {} in {}. Go on? [y/N] ", Describe(arguments.plan), data);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "yes") return Ok();
  return Aborted("nothing was changed");
}

Status RunRebuild(RebuildArguments* arguments) {
  CatchStopSignals();
  const Micros begin = MonotonicMicros();
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments->nightly.project, arguments->nightly.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  FEEDMILL_ASSIGN(const WorkLock lock, WorkLock::Take(config.paths.data, "feedmill rebuild", SystemClock().Now()));
  LowerThreadPriority(config.nightly.nice);  // the steps inherit it
  FEEDMILL_TRY(FindCut(arguments->nightly, &arguments->plan.cut));
  FEEDMILL_TRY(Confirm(*arguments, config.paths.data));
  jobs::TerminalProgress progress;
  RebuildHooks hooks;
  hooks.on_phase = [](std::string_view phase) { fmt::print(stderr, "rebuild: {}\n", phase); };
  hooks.on_step = [&progress](const jobs::RunRecord& run, const jobs::StepRecord& step) { progress.Show(run, step); };
  hooks.stop_requested = StopRequested;
  const auto figures = Rebuild(config, arguments->nightly, arguments->plan, hooks);
  if (!figures) return std::unexpected(figures.error().WithContext("rebuild (the published tables are as before)"));
  if (!figures->live_state) {
    fmt::print(stderr,
               "rebuild: the running server keeps its live state; to make that anew too, stop it and rebuild\n");
  }
  const nlohmann::json json = {{"until", FormatTime(arguments->plan.cut)},
                               {"tables", figures->tables_made},
                               {"log_records", figures->records_landed},
                               {"events_applied", figures->events_applied},
                               {"live_state", figures->live_state},
                               {"run", figures->run.id},
                               {"seconds", static_cast<double>((MonotonicMicros() - begin) / 10'000) / 100}};
  cli::PrintResult(json.dump());
  return Ok();
}

}  // namespace

void AddRebuildVerb(CLI::App& app) {
  auto arguments = std::make_shared<RebuildArguments>();
  CLI::App* verb = app.add_subcommand(
      "rebuild", "make everything below the log anew, beside what there is: tables, checkpoints, live state");
  verb->add_option("--project", arguments->nightly.project, "project folder")->capture_default_str();
  verb->add_option("--set", arguments->nightly.overrides, "name=value, over feedmill.toml");
  verb->add_option("--until", arguments->nightly.until, "the cut, an instant (default: that of the last nightly)");
  verb->add_flag("--raw", arguments->plan.raw, "the raw tables too, from the log; needs a log that begins at record 0");
  verb->add_flag("--dims", arguments->plan.dims, "the tables that give users and posts their keys too");
  verb->add_flag("--train", arguments->plan.train, "models and a bundle too; promoted when it is better");
  verb->add_flag("--yes", arguments->yes, "do not ask");
  verb->footer(
      "Examples:\n  feedmill rebuild --project myapp\n  feedmill rebuild --project myapp --raw --yes\nFails or is "
      "stopped: everything is as before. Beside a running server the tables are made anew, its live state is not.");
  verb->callback([arguments] { cli::Finish(RunRebuild(arguments.get())); });
}

}  // namespace feedmill::app
