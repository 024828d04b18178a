#include "app/nightly_steps.h"

#include <climits>
#include <unistd.h>

#include "base/time_text.h"

namespace feedmill::app {
namespace {

// What every child is told: where it works, and the settings that were changed on the command line.
std::vector<std::string> JobCommand(const NightlyArguments& arguments, std::vector<std::string> what) {
  std::vector<std::string> command = {ProgramFolder() + "/feedmill", "job"};
  command.insert(command.end(), what.begin(), what.end());
  command.insert(command.end(), {"--project", arguments.project});
  for (const std::string& override : arguments.overrides) command.insert(command.end(), {"--set", override});
  return command;
}

struct TrainingRun {
  std::string id;
  Micros cut = 0;
};

warehouse::ExtraStep TrainStep(const Config& config, const std::string& verb, const TrainingRun& run,
                               std::vector<std::string> after) {
  warehouse::ExtraStep step;
  step.name = verb == "bundle" ? "bundle.build" : "train." + verb;
  step.arguments = {ProgramFolder() + "/feedmill-train",
                    verb,
                    "--data",
                    config.paths.data,
                    "--project",
                    config.paths.project,
                    "--cut",
                    FormatTime(run.cut),
                    "--run",
                    run.id,
                    "--threads",
                    std::to_string(config.nightly.threads)};
  step.after = std::move(after);
  step.memory_bytes_max = config.nightly.memory_bytes_max;
  step.timeout = config.nightly.step_time_max;
  return step;
}

}  // namespace

std::string ProgramFolder() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path));
  const std::string program(path, length > 0 ? static_cast<size_t>(length) : 0);
  return program.substr(0, program.rfind('/'));
}

void AddCommands(const Config& config, const NightlyArguments& arguments, Micros end,
                 warehouse::NightlyOptions* options) {
  options->end = end;
  options->only = arguments.only;
  options->parallel_max = config.nightly.parallel;
  options->memory_bytes_max = config.nightly.memory_bytes_max;
  options->runs_folder = config.paths.Runs();
  options->model_command = [arguments](const std::string& model, const std::string& run_id, Micros cut) {
    std::vector<std::string> what = {"model", model, "--run", run_id, "--end", FormatTime(cut)};
    if (!arguments.start.empty())
      what.insert(what.end(), {"--force-start", arguments.start, "--force-end", arguments.force_end});
    if (arguments.late) what.emplace_back("--late");
    return JobCommand(arguments, what);
  };
  options->native_command = [arguments](const std::string& native, const std::string& run_id, Micros cut) {
    std::vector<std::string> what = {"native", native, "--run", run_id, "--end", FormatTime(cut)};
    if (!arguments.start.empty()) what.insert(what.end(), {"--force-start", arguments.start});
    return JobCommand(arguments, what);
  };
  if (!arguments.only.empty() || !arguments.train) return;
  const TrainingRun run{options->run_id, end};
  options->extra_steps = {TrainStep(config, "als", run, {"dwd_user_action"}),
                          TrainStep(config, "rank", run, {"ads_sample_ctr"}),
                          TrainStep(config, "bundle", run, {"train.als", "train.rank"})};
  options->extra_steps.back().after_present = {"ads_recall_i2i", "ads_recall_u2u_cf", "ads_trending"};
  warehouse::ExtraStep promote;
  promote.name = "bundle.promote";
  promote.arguments = JobCommand(arguments, {"promote"});
  if (arguments.force_promote) promote.arguments.push_back("--force");
  promote.after = {"bundle.build"};
  promote.memory_bytes_max = config.nightly.memory_bytes_max;
  promote.timeout = config.nightly.step_time_max;
  options->extra_steps.push_back(std::move(promote));
}

}  // namespace feedmill::app
