#include "app/rebuild.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "app/lake_events.h"
#include "app/offline_landing.h"
#include "base/progress.h"
#include "features/feature_set.h"
#include "stream/log_tailer.h"
#include "warehouse/interval_store.h"
#include "warehouse/project.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

constexpr Micros kTailTime = kMicrosPerHour;  // for what came into the log after the last landing

std::string PlanPath(const ProjectPaths& paths) { return paths.data + "/rebuild.json"; }

Status SavePlan(const ProjectPaths& paths, const RebuildPlan& plan) {
  const Json json = {{"cut", plan.cut}, {"raw", plan.raw}, {"dims", plan.dims}, {"train", plan.train}};
  return io::WriteFileAtomically(io::PosixFileSystem(), PlanPath(paths), json.dump() + "\n");
}

Result<warehouse::Project> LoadModels(const Config& config) {
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  return warehouse::LoadProject(io::PosixFileSystem(), config.paths.project, *session);
}

class Rebuilding {
 public:
  Rebuilding(const Config& config, const NightlyArguments& arguments, const RebuildPlan& plan,
             const RebuildHooks& hooks)
      : config_(config), arguments_(arguments), plan_(plan), hooks_(hooks) {}

  Result<RebuildFigures> Run() {
    FEEDMILL_ASSIGN(folder_, OpenDataFolder(config_.paths, clock_));
    FEEDMILL_ASSIGN(project_, LoadModels(config_));
    FEEDMILL_ASSIGN(landing_, OfflineLanding::Open(config_, folder_, clock_));
    if (plan_.raw) FEEDMILL_TRY(landing_->HoldsEverything());
    FEEDMILL_TRY(SavePlan(config_.paths, plan_));
    FEEDMILL_TRY(Phase("drop what is derived", &Rebuilding::DropDerived));
    if (plan_.raw) FEEDMILL_TRY(Phase("drop the raw tables", &Rebuilding::DropRaw));
    FEEDMILL_TRY(Phase("land the log", &Rebuilding::Land));
    FEEDMILL_TRY(Phase("the nightly", &Rebuilding::RunModels));
    FEEDMILL_TRY(Phase("the live state", &Rebuilding::MakeLiveState));
    FEEDMILL_TRY(files_.Remove(PlanPath(config_.paths)));
    FEEDMILL_TRY(files_.SyncDirectory(config_.paths.data));
    return std::move(figures_);
  }

 private:
  Status Phase(std::string_view name, Status (Rebuilding::*work)()) {
    if (hooks_.stop_requested && hooks_.stop_requested()) return Aborted("stopped before: {}", name);
    if (hooks_.on_phase) hooks_.on_phase(name);
    return (this->*work)();
  }

  // Intervals first: a table without intervals is made again, intervals without their table would be believed.
  Status DropDerived() {
    for (const warehouse::Model& model : project_.models) {
      if (model.materialization == warehouse::Materialization::kExternal) continue;
      if (model.materialization == warehouse::Materialization::kAppend && !plan_.dims) continue;
      FEEDMILL_TRY(warehouse::ForgetIntervals(*folder_.store, model.name));
      FEEDMILL_TRY(DropTable(warehouse::TableName(model.name)));
    }
    for (const std::string& folder : {config_.paths.FeatureCheckpoints(), config_.paths.State()}) {
      FEEDMILL_TRY(files_.RemoveAll(folder));
      FEEDMILL_TRY(files_.CreateDirectories(folder));
    }
    return Ok();
  }

  Status DropRaw() {
    for (const warehouse::Model& model : project_.models) {
      if (model.materialization == warehouse::Materialization::kExternal)
        FEEDMILL_TRY(DropTable(warehouse::TableName(model.name)));
    }
    return Ok();
  }

  // The folder goes too when the table is not known: a rebuild may have been stopped between the two.
  Status DropTable(const std::string& table) {
    const Status dropped = folder_.catalog->Drop(table, true);
    if (!dropped && dropped.error().kind() != ErrorKind::kNotFound) return dropped;
    if (dropped) ++figures_.tables_dropped;
    std::string path = table;
    std::ranges::replace(path, '.', '/');
    return files_.RemoveAll(config_.paths.Lake() + "/" + path);
  }

  Status Land() {
    FEEDMILL_TRY(landing_->LandAll());
    for (uint32_t partition = 0; partition < landing_->log().partitions(); ++partition)
      figures_.records_landed += landing_->LandedOffset(partition);
    return Ok();
  }

  Status RunModels() {
    NightlyArguments arguments = arguments_;
    arguments.train = plan_.train;
    warehouse::NightlyOptions options;
    AddCommands(config_, arguments, plan_.cut, &options);
    options.on_change = hooks_.on_step;
    options.stop_requested = hooks_.stop_requested;
    const warehouse::Context context{files_,
                                     *folder_.catalog,
                                     *folder_.store,
                                     clock_,
                                     config_.paths.project,
                                     config_.paths.Temporary(),
                                     config_.nightly.threads};
    FEEDMILL_ASSIGN(figures_.run, warehouse::RunNightly(context, project_, options));
    if (figures_.run.Succeeded()) return Ok();
    for (const jobs::StepRecord& step : figures_.run.steps) {
      if (step.state == jobs::StepState::kFailed)
        return Aborted("run {} {}: {}: {}", figures_.run.id, figures_.run.state, step.name, step.message);
    }
    return Aborted("run {} {}", figures_.run.id, figures_.run.state);
  }

  // From the lake as far as it has landed, then from the log.
  Status MakeLiveState() {
    FEEDMILL_ASSIGN(const auto set, features::LoadFeatureSet(files_, config_.paths.Features()));
    stream::LiveState state(set, config_.stream.state);
    FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config_));
    FEEDMILL_ASSIGN(const auto session, engine->NewSession());
    Progress progress("live state", figures_.records_landed, "log records");
    uint64_t done = 0;
    for (uint32_t partition = 0; partition < landing_->log().partitions(); ++partition) {
      LakeEvents events(*session, *folder_.catalog, partition);
      const uint64_t end = landing_->LandedOffset(partition);
      FEEDMILL_TRY(events.ApplyUpTo(end, &state, [&](uint64_t offset) { progress.Set(done + offset); }));
      figures_.events_applied += events.applied();
      done += end;
    }
    progress.Set(done);
    progress.Finish();
    return FollowTail(&state);
  }

  Status FollowTail(stream::LiveState* state) {
    stream::TailSource source;
    const ingest::EventLog& log = landing_->log();
    source.partitions = log.partitions();
    source.read = [&log](uint32_t partition, uint64_t offset,
                         size_t bytes_max) -> Result<std::vector<stream::TailRecord>> {
      FEEDMILL_ASSIGN(auto records, log.Read(partition, offset, bytes_max));
      std::vector<stream::TailRecord> tail;
      for (auto& record : records) tail.push_back({record.offset, std::move(record.payload)});
      return tail;
    };
    source.wait_for = [&log](uint32_t partition, uint64_t offset, Micros timeout) {
      return log.WaitFor(partition, offset, timeout);
    };
    source.end_offset = [&log](uint32_t partition) { return log.EndOffset(partition); };
    stream::LogTailerOptions options;
    options.folder = config_.paths.State();
    options.checkpoint_interval = 0;
    options.checkpoint_at_stop = false;
    FEEDMILL_ASSIGN(const auto tailer, stream::StartLogTailer(files_, options, std::move(source), state));
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
  io::FileSystem& files_ = io::PosixFileSystem();
  SystemClock clock_;
  DataFolder folder_;
  warehouse::Project project_;
  std::unique_ptr<OfflineLanding> landing_;
  RebuildFigures figures_;
};

}  // namespace

Result<std::optional<RebuildPlan>> UnfinishedRebuild(const ProjectPaths& paths) {
  FEEDMILL_ASSIGN(const bool exists, io::PosixFileSystem().Exists(PlanPath(paths)));
  if (!exists) return std::nullopt;
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(io::PosixFileSystem(), PlanPath(paths)));
  const Json json = Json::parse(text, nullptr, false);
  const bool whole = json.is_object() && json.contains("cut") && json["cut"].is_number_integer();
  if (!whole)
    return Corrupt("{}: no plan of a rebuild; remove the file and run `feedmill rebuild` with the options you want",
                   PlanPath(paths));
  RebuildPlan plan;
  plan.cut = json["cut"].get<Micros>();
  for (const auto& [name, field] :
       {std::pair{"raw", &plan.raw}, std::pair{"dims", &plan.dims}, std::pair{"train", &plan.train}}) {
    *field = json.contains(name) && json[name].is_boolean() && json[name].get<bool>();
  }
  return plan;
}

Result<std::optional<Micros>> LastCut(const Config& config, const DataFolder& folder) {
  FEEDMILL_ASSIGN(const warehouse::Project project, LoadModels(config));
  // Native steps take part in whole nightlies only and record the cut; other models may have been run alone.
  for (const bool native : {true, false}) {
    Micros newest = 0;
    for (const warehouse::Model& model : project.models) {
      if (model.native.empty() == native) continue;
      FEEDMILL_ASSIGN(const auto intervals, warehouse::LoadIntervals(*folder.store, model.name));
      for (const auto& [start, interval] : intervals) newest = std::max(newest, interval.end);
    }
    if (newest > 0) return newest;
  }
  return std::nullopt;
}

Result<RebuildFigures> Rebuild(const Config& config, const NightlyArguments& arguments, const RebuildPlan& plan,
                               const RebuildHooks& hooks) {
  return Rebuilding(config, arguments, plan, hooks).Run();
}

}  // namespace feedmill::app
