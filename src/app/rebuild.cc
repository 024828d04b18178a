#include "app/rebuild.h"

#include <algorithm>
#include <optional>

#include "app/lake_events.h"
#include "app/nightly_run.h"
#include "app/offline_landing.h"
#include "app/receipt_healing.h"
#include "base/progress.h"
#include "features/feature_set.h"
#include "lake/run_tables.h"
#include "stream/log_tailer.h"
#include "warehouse/interval_store.h"
#include "warehouse/nightly.h"

namespace feedmill::app {
namespace {

constexpr Micros kTailTime = kMicrosPerHour;  // for what came into the log after the last landing

// Built whole, then moved into place.
std::string RebuiltState(const ProjectPaths& paths) { return paths.data + "/state.rebuilt"; }

class Rebuilding {
 public:
  Rebuilding(const Config& config, const NightlyArguments& arguments, const RebuildPlan& plan,
             const RebuildHooks& hooks)
      : config_(config), arguments_(arguments), plan_(plan), hooks_(hooks) {}

  Result<RebuildFigures> Run() {
    FEEDMILL_TRY(Prepare());
    const Status made = MakeTables();
    if (!made) {
      // What is beside the published tables is nobody's; whoever takes the work lock next looks after it as well.
      (void)ForgetDeadWork(published_, clock_.Now());
      return std::unexpected(made.error());
    }
    if (plan_.raw) data_lock_.reset();
    FEEDMILL_TRY(Phase("the live state", &Rebuilding::MakeLiveState));
    return std::move(figures_);
  }

 private:
  Status Phase(std::string_view name, Status (Rebuilding::*work)()) {
    if (hooks_.stop_requested && hooks_.stop_requested()) return Aborted("stopped before: {}", name);
    if (hooks_.on_phase) hooks_.on_phase(name);
    return (this->*work)();
  }

  Status Prepare() {
    FEEDMILL_TRY(LockData());
    if (plan_.raw && !data_lock_)
      return Unavailable("{}: --raw needs the log, which a running server has; stop it first, or leave --raw away",
                         config_.paths.data);
    FEEDMILL_ASSIGN(published_, OpenDataFolder(config_.paths, clock_));
    FEEDMILL_TRY(ForgetDeadWork(published_, clock_.Now()));
    Nightly nightly;
    FEEDMILL_TRY(OpenNightly(arguments_, &nightly));
    project_ = std::move(nightly.project);
    run_id_ = warehouse::NewRunId(clock_);
    for (const warehouse::Model& model : project_.models) {
      const bool raw = model.materialization == warehouse::Materialization::kExternal;
      const bool dim = model.materialization == warehouse::Materialization::kAppend;
      if ((!raw || plan_.raw) && (!dim || plan_.dims)) tables_.push_back(warehouse::TableName(model.name));
    }
    if (plan_.raw) {
      FEEDMILL_ASSIGN(const auto landing, OfflineLanding::Open(config_, published_, clock_));
      FEEDMILL_TRY(landing->HoldsEverything());
    }
    FEEDMILL_TRY(published_.files->RemoveAll(config_.paths.RebuiltFeatures()));
    return published_.files->CreateDirectories(config_.paths.RebuiltFeatures());
  }

  // Without it a server runs, and lands and keeps the live state by itself.
  Status LockData() {
    auto lock = DataFolderLock::Take(config_.paths.data);
    if (lock) data_lock_.emplace(std::move(*lock));
    if (!lock && lock.error().kind() != ErrorKind::kUnavailable) return std::unexpected(lock.error());
    return Ok();
  }

  Status MakeTables() {
    if (!data_lock_) FEEDMILL_TRY(LandFirst(config_, arguments_.url));
    FEEDMILL_TRY(lake::StageRun(*published_.store, run_id_, tables_));
    FEEDMILL_ASSIGN(staged_, OpenDataFolder(config_.paths, clock_, run_id_));
    if (data_lock_) FEEDMILL_TRY(Phase("land the log", &Rebuilding::Land));
    // A server may start meanwhile, except where the raw tables change places too.
    if (!plan_.raw) data_lock_.reset();
    FEEDMILL_TRY(Phase("the nightly, beside the published tables", &Rebuilding::RunModels));
    return Phase("publish", &Rebuilding::Publish);
  }

  Status Land() {
    FEEDMILL_ASSIGN(const auto landing, OfflineLanding::Open(config_, staged_, clock_));
    FEEDMILL_TRY(landing->LandAll());
    for (uint32_t partition = 0; partition < landing->log().partitions(); ++partition)
      figures_.records_landed += landing->LandedOffset(partition);
    return Ok();
  }

  warehouse::Context StagedContext() {
    return {*published_.files,         *staged_.catalog,        *staged_.store, clock_, config_.paths.project,
            config_.paths.Temporary(), config_.nightly.threads, run_id_,        tables_};
  }

  Status RunModels() {
    NightlyArguments arguments = arguments_;
    arguments.train = plan_.train;
    warehouse::NightlyOptions options;
    options.run_id = run_id_;
    options.kind = "rebuild";
    AddCommands(config_, arguments, plan_.cut, &options);
    options.on_change = hooks_.on_step;
    options.stop_requested = hooks_.stop_requested;
    {
      FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config_));
      FEEDMILL_ASSIGN(const auto session, engine->NewSession());
      FEEDMILL_TRY(HealReceiptTimes(*session, *staged_.catalog, 0));
    }
    FEEDMILL_ASSIGN(figures_.run, warehouse::RunNightly(StagedContext(), project_, options));
    if (figures_.run.Succeeded()) return Ok();
    for (const jobs::StepRecord& step : figures_.run.steps) {
      if (step.state == jobs::StepState::kFailed)
        return Aborted("run {} {}: {}: {}", figures_.run.id, figures_.run.state, step.name, step.message);
    }
    return Aborted("run {} {}", figures_.run.id, figures_.run.state);
  }

  Status Publish() {
    const warehouse::Context context = StagedContext();
    FEEDMILL_TRY(lake::PublishStaged(*staged_.store, run_id_, [&](meta::Transaction& transaction) {
      return warehouse::PublishStagedIntervals(transaction, context);
    }));
    figures_.tables_made = tables_.size();
    // Checkpoints are believed only where they fit the rows, so that it does not matter if this is cut short.
    io::FileSystem& files = *published_.files;
    FEEDMILL_TRY(files.RemoveAll(config_.paths.FeatureCheckpoints()));
    FEEDMILL_TRY(files.Rename(config_.paths.RebuiltFeatures(), config_.paths.FeatureCheckpoints()));
    return files.SyncDirectory(config_.paths.data);
  }

  // From the lake as far as it has landed, then from the log.
  Status MakeLiveState() {
    FEEDMILL_TRY(LockData());
    if (!data_lock_) return Ok();
    FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config_.paths, clock_));
    FEEDMILL_ASSIGN(landing_, OfflineLanding::Open(config_, folder, clock_));
    FEEDMILL_TRY(landing_->LandAll());
    io::FileSystem& files = *folder.files;
    FEEDMILL_ASSIGN(const auto set, features::LoadProjectFeatures(files, config_.paths.project));
    stream::LiveState state(set, config_.stream.state);
    FEEDMILL_TRY(ApplyLake(folder, &state));
    const std::string building = config_.paths.Temporary() + "/state";
    FEEDMILL_TRY(files.RemoveAll(building));
    FEEDMILL_TRY(files.CreateDirectories(building));
    FEEDMILL_TRY(FollowTail(files, building, &state));
    landing_.reset();
    FEEDMILL_TRY(files.RemoveAll(RebuiltState(config_.paths)));
    FEEDMILL_TRY(files.Rename(building, RebuiltState(config_.paths)));
    FEEDMILL_TRY(TakeRebuiltState(files, config_.paths));
    figures_.live_state = true;
    return Ok();
  }

  Status ApplyLake(const DataFolder& folder, stream::LiveState* state) {
    FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config_));
    FEEDMILL_ASSIGN(const auto session, engine->NewSession());
    Progress progress("live state", figures_.records_landed, "log records");
    std::vector<uint64_t> ends;
    for (uint32_t partition = 0; partition < landing_->log().partitions(); ++partition)
      ends.push_back(landing_->LandedOffset(partition));
    LakeEvents events(*session, *folder.catalog, landing_->log().partitions());
    FEEDMILL_TRY(events.ApplyUpTo(ends, state, [&] { progress.Set(state->AppliedRecords()); }));
    figures_.events_applied += events.applied();
    progress.Set(state->AppliedRecords());
    progress.Finish();
    return Ok();
  }

  Status FollowTail(io::FileSystem& files, const std::string& checkpoints, stream::LiveState* state) {
    stream::TailSource source;
    const ingest::EventLog& log = landing_->log();
    source.partitions = log.partitions();
    source.read = [this, &log](uint32_t partition, uint64_t offset, size_t bytes_max) {
      return ReadLogOrLake(log, landing_->lake(), partition, offset, bytes_max);
    };
    source.wait_for = [&log](uint32_t partition, uint64_t offset, Micros timeout) {
      return log.WaitFor(partition, offset, timeout);
    };
    source.end_offset = [&log](uint32_t partition) { return log.EndOffset(partition); };
    stream::LogTailerOptions options;
    options.folder = checkpoints;
    options.checkpoint_interval = 0;
    options.checkpoint_at_stop = false;
    FEEDMILL_ASSIGN(const auto tailer, stream::StartLogTailer(files, options, std::move(source), state));
    if (!tailer->WaitCaughtUp(Deadline::After(kTailTime))) {
      FEEDMILL_TRY(tailer->status());
      return DeadlineExceeded("the log's tail was not applied within {} s", kTailTime / kMicrosPerSecond);
    }
    return tailer->WriteCheckpoint();
  }

  const Config& config_;
  const NightlyArguments& arguments_;
  const RebuildPlan& plan_;
  const RebuildHooks& hooks_;
  SystemClock clock_;
  std::optional<DataFolderLock> data_lock_;
  DataFolder published_;
  DataFolder staged_;
  warehouse::Project project_;
  std::string run_id_;
  std::vector<std::string> tables_;  // that are made anew
  std::unique_ptr<OfflineLanding> landing_;
  RebuildFigures figures_;
};

}  // namespace

Result<RebuildFigures> Rebuild(const Config& config, const NightlyArguments& arguments, const RebuildPlan& plan,
                               const RebuildHooks& hooks) {
  return Rebuilding(config, arguments, plan, hooks).Run();
}

Status TakeRebuiltState(io::FileSystem& files, const ProjectPaths& paths) {
  const std::string rebuilt = RebuiltState(paths);
  FEEDMILL_ASSIGN(const bool exists, files.Exists(rebuilt));
  if (!exists) return Ok();
  // The list of known messages stands there too and is no part of the live state.
  FEEDMILL_ASSIGN(const bool has_former, files.Exists(paths.State()));
  FEEDMILL_ASSIGN(const auto former, has_former ? files.List(paths.State()) : std::vector<std::string>{});
  for (const std::string& name : former) {
    if (!name.starts_with("dedupe")) continue;
    FEEDMILL_TRY(files.Rename(fmt::format("{}/{}", paths.State(), name), fmt::format("{}/{}", rebuilt, name)));
  }
  FEEDMILL_TRY(files.SyncDirectory(rebuilt));
  FEEDMILL_TRY(files.RemoveAll(paths.State()));
  FEEDMILL_TRY(files.Rename(rebuilt, paths.State()));
  return files.SyncDirectory(paths.data);
}

}  // namespace feedmill::app
