#include "app/verb_job.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/data_folder.h"
#include "base/log.h"
#include "base/time_text.h"
#include "features/replay.h"
#include "jobs/step.h"
#include "jobs/step_protocol.h"
#include "lake/run_tables.h"
#include "warehouse/model_job.h"

namespace feedmill::app {
namespace {

// Of the memory of a replay, what the engine may use: what is known of users and posts stands beside it.
constexpr uint64_t kReplayEngineShare = 6;
constexpr uint64_t kReplayEngineMemoryMin = 128ull << 20;
constexpr uint64_t kSliceActionBytes = 600;  // what putting one action of a slice in order takes of the engine's memory

struct JobArguments {
  std::string project = ".";
  Overrides overrides;
  std::string name;
  std::string run_id;
  std::string end;
  std::string force_start;
  std::string force_end;
  bool late = false;
  bool force = false;
};

// A step's own outcome goes over the step protocol; the exit code says whether trying again may help.
[[noreturn]] void ExitStep(const Result<std::string>& result) {
  if (result) {
    jobs::PrintResult(*result);
    std::exit(0);
  }
  jobs::PrintError(result.error().message());
  if (result.error().kind() == ErrorKind::kResourceExhausted) std::exit(jobs::kExitOutOfMemory);
  const ErrorKind kind = result.error().kind();
  const bool permanent =
      kind == ErrorKind::kInvalidArgument || kind == ErrorKind::kNotFound || kind == ErrorKind::kCorrupt;
  std::exit(permanent ? jobs::kExitPermanent : cli::kExitFailed);
}

struct Job {
  Config config;
  SystemClock clock;
  DataFolder folder;
  Micros end = 0;
};

Status OpenJob(const JobArguments& arguments, Job* job) {
  FEEDMILL_ASSIGN(job->config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, job->config.logging.format);
  FEEDMILL_ASSIGN(job->folder, OpenDataFolder(job->config.paths, job->clock, arguments.run_id));
  if (arguments.end.empty()) return Ok();
  FEEDMILL_ASSIGN(job->end, ParseTime(arguments.end));
  return Ok();
}

int RunModel(const JobArguments& arguments) {
  Job job;
  const Status opened = OpenJob(arguments, &job);
  if (!opened) ExitStep(std::unexpected(opened.error()));
  warehouse::ModelJobArguments model;
  model.model = arguments.name;
  model.end = job.end;
  model.run_id = arguments.run_id;
  if (!arguments.force_start.empty()) {
    const auto start = ParseTime(arguments.force_start);
    if (!start) ExitStep(std::unexpected(start.error()));
    const auto end = arguments.force_end.empty() ? Result<Micros>(job.end) : ParseTime(arguments.force_end);
    if (!end) ExitStep(std::unexpected(end.error()));
    model.force_start = *start;
    model.force_end = *end;
  }
  model.late = arguments.late;
  model.parts = jobs::PartsOfStep();
  model.memory_bytes_max = jobs::MemoryOfStep().value_or(job.config.nightly.memory_bytes_max);
  const auto staged = lake::StagedTables(*job.folder.store, arguments.run_id);
  if (!staged) ExitStep(std::unexpected(staged.error()));
  const warehouse::Context context{*job.folder.files,
                                   *job.folder.catalog,
                                   *job.folder.store,
                                   job.clock,
                                   arguments.project,
                                   job.config.paths.Temporary(),
                                   job.config.nightly.threads,
                                   arguments.run_id,
                                   *staged};
  return warehouse::ModelJobMain(context, model);
}

// In parts: with fewer threads, of which each takes memory of its own; one mostly waits for the rows of a writer.
Result<std::unique_ptr<query::Engine>> OpenReplayEngine(const Config& config, features::ReplayArguments* replay) {
  query::EngineOptions options;
  options.temporary_directory = config.paths.Temporary();
  options.memory_bytes_max = std::max(kReplayEngineMemoryMin, replay->memory_bytes_max / kReplayEngineShare);
  options.threads = std::max(2, config.nightly.threads / replay->parts + 1);
  replay->slice_actions =
      std::min(replay->slice_actions, static_cast<int64_t>(options.memory_bytes_max / kSliceActionBytes));
  return query::OpenEngine(options);
}

// The step's result, as JSON.
Result<std::string> RunReplay(const std::string& step, features::ReplayArguments replay) {
  replay.on_progress = [](double share) { jobs::PrintProgress(share); };
  if (step == "features.samples") {
    FEEDMILL_ASSIGN(const auto report, features::RunSampleReplay(replay));
    return fmt::format(R"({{"rows":{},"parts":{},"counter_bytes":{},"days_thinned":{}}})", report.rows_written,
                       report.parts, report.counter_bytes, report.days_thinned);
  }
  FEEDMILL_ASSIGN(const auto report, features::RunFeatureDump(replay));
  return fmt::format(R"({{"rows":{},"parts":{},"counter_bytes":{}}})", report.rows_written, report.parts,
                     report.counter_bytes);
}

Result<std::string> RunNative(const JobArguments& arguments) {
  if (arguments.name != "features.samples" && arguments.name != "features.dump") {
    return InvalidArgument("native step \"{}\" does not exist; allowed: features.samples, features.dump",
                           arguments.name);
  }
  Job job;
  FEEDMILL_TRY(OpenJob(arguments, &job));
  io::FileSystem& files = *job.folder.files;
  FEEDMILL_ASSIGN(const auto set, features::LoadProjectFeatures(files, job.config.paths.project));
  features::ReplayArguments replay;
  replay.memory_bytes_max = jobs::MemoryOfStep().value_or(job.config.nightly.memory_bytes_max);
  replay.parts = std::min(jobs::PartsOfStep(), features::kReplayPartsMax);
  FEEDMILL_ASSIGN(const auto engine, OpenReplayEngine(job.config, &replay));
  replay.files = &files;
  replay.catalog = job.folder.catalog.get();
  replay.engine = engine.get();
  replay.set = &set;
  replay.run_id = arguments.run_id;
  replay.day_samples_max = job.config.nightly.day_samples_max;
  FEEDMILL_ASSIGN(const auto staged, lake::StagedTables(*job.folder.store, arguments.run_id));
  replay.checkpoint_folder =
      staged.empty() ? job.config.paths.FeatureCheckpoints() : job.config.paths.RebuiltFeatures();
  FEEDMILL_TRY(files.CreateDirectories(replay.checkpoint_folder));
  replay.end = FloorTo(job.end, kMicrosPerDay);
  if (!arguments.force_start.empty()) {
    FEEDMILL_ASSIGN(const Micros start, ParseTime(arguments.force_start));
    if (start < replay.end) replay.start = FloorTo(start, kMicrosPerDay);  // a day that is not over has no samples yet
  }
  return RunReplay(arguments.name, replay);
}

// The newest bundle that has not been live.
Result<std::string> RunPromote(const JobArguments& arguments) {
  Job job;
  FEEDMILL_TRY(OpenJob(arguments, &job));
  FEEDMILL_ASSIGN(const auto bundles, job.folder.registry->List());
  const auto it = std::find_if(bundles.begin(), bundles.end(),
                               [](const registry::BundleRow& row) { return row.state == "candidate"; });
  if (it == bundles.end()) {
    FEEDMILL_ASSIGN(const auto live, job.folder.registry->Live());
    if (!live) return NotFound("there is no candidate bundle; the step bundle.build makes one");
    const nlohmann::json json = {{"bundle", live->id},
                                 {"promoted", false},
                                 {"reason", "the newest bundle is live already"},
                                 {"metrics", live->metrics}};
    return json.dump();
  }
  FEEDMILL_ASSIGN(const registry::Promotion promotion, job.folder.registry->Promote(it->id, arguments.force));
  const nlohmann::json json = {
      {"bundle", it->id}, {"promoted", promotion.promoted}, {"reason", promotion.reason}, {"metrics", it->metrics}};
  return json.dump();
}

// A child that gets no memory says so, and is tried again in smaller parts.
void EndWithoutMemory() { std::_Exit(jobs::kExitOutOfMemory); }

}  // namespace

void AddJobVerb(CLI::App& app) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* verb = app.add_subcommand("job", "one step of a nightly")->group("");
  verb->require_subcommand(1);
  CLI::App* model = verb->add_subcommand("model", "make what is pending of one model");
  CLI::App* native = verb->add_subcommand("native", "a step in C++: features.samples, features.dump");
  CLI::App* promote = verb->add_subcommand("promote", "make the newest bundle live if it passes the gate");
  for (CLI::App* sub : {model, native, promote}) {
    sub->add_option("--project", arguments->project, "project folder");
    sub->add_option("--set", arguments->overrides, "name=value");
    sub->add_option("--run", arguments->run_id, "id of the run");
    sub->add_option("--end", arguments->end, "the cut");
  }
  model->add_option("name", arguments->name)->required();
  for (CLI::App* sub : {model, native}) sub->add_option("--force-start", arguments->force_start, "backfill from here");
  model->add_option("--force-end", arguments->force_end, "up to here; to the cut when left out");
  model->add_flag("--late", arguments->late, "what came past the lookback too");
  native->add_option("name", arguments->name)->required();
  promote->add_flag("--force", arguments->force, "even when it is not better");
  model->callback([arguments] {
    std::set_new_handler(EndWithoutMemory);
    std::exit(RunModel(*arguments));
  });
  native->callback([arguments] {
    std::set_new_handler(EndWithoutMemory);
    ExitStep(RunNative(*arguments));
  });
  promote->callback([arguments] { ExitStep(RunPromote(*arguments)); });
}

}  // namespace feedmill::app
