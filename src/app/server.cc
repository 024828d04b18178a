#include "app/server.h"

#include <atomic>
#include <mutex>

#include "app/console_wiring.h"
#include "app/data_folder.h"
#include "app/disk_watch.h"
#include "app/field_history.h"
#include "app/front.h"
#include "app/health.h"
#include "app/http_options.h"
#include "app/keeper.h"
#include "app/lake_check.h"
#include "app/lake_lookup.h"
#include "app/lake_records.h"
#include "app/live_bundle.h"
#include "app/maintenance.h"
#include "app/night_watch.h"
#include "app/nightly_steps.h"
#include "app/parquet_rows.h"
#include "app/project_domain.h"
#include "app/project_keys.h"
#include "app/router.h"
#include "app/service_clock.h"
#include "app/shown_activity.h"
#include "app/status.h"
#include "app/work_lock.h"
#include "base/log.h"
#include "base/time_text.h"
#include "cli/running_server.h"
#include "data/event_codec.h"
#include "features/feature_set.h"
#include "ingest/tracking_plan.h"
#include "io/descriptors.h"
#include "jobs/run_store.h"
#include "stream/log_tailer.h"

namespace feedmill::app {
namespace {

using access::Scope;

constexpr Micros kStopGrace = 5 * kMicrosPerSecond;
constexpr Micros kStartTime = 10 * kMicrosPerMinute;  // the longest replay at start before the server gives up
constexpr Micros kLandTimeAtStop = 60 * kMicrosPerSecond;
constexpr uint64_t kLandingMemory = 1ull << 30;
constexpr Micros kHousekeepingInterval = kMicrosPerMinute;
constexpr Micros kDueInterval = 5 * kMicrosPerSecond;
constexpr Micros kBundleInterval = kMicrosPerSecond;
constexpr Micros kDiskWatchInterval = 2 * kMicrosPerSecond;

class ServerImpl final : public Server {
 public:
  ~ServerImpl() override { Stop(); }

  Status Start(const Config& config) {
    begin_ = MonotonicMicros();
    FEEDMILL_ASSIGN(descriptors_, io::RaiseDescriptorLimit());
    config_ = config;
    FEEDMILL_ASSIGN(const Micros start, ParseTime(config.clock.start));
    clock_ = std::make_unique<ServiceClock>(config.clock.source, start, config.clock.jumps);
    FEEDMILL_ASSIGN(folder_, OpenDataFolder(config.paths, *clock_));
    FEEDMILL_ASSIGN(keys_, OpenKeyRing(*folder_.store, system_clock_, config.paths.data));
    FEEDMILL_ASSIGN(plan_, ingest::TrackingPlan::Load(files_, config.paths.Events()));
    FEEDMILL_ASSIGN(feature_set_, features::LoadProjectFeatures(files_, config.paths.project));
    FEEDMILL_TRY(CheckDomain(feature_set_.domain, *plan_, config.paths));
    lake_ = std::make_unique<LakeRecords>(config, folder_);
    FEEDMILL_ASSIGN(log_, OpenLogBesideLake(config, folder_, *clock_, *lake_));
    FEEDMILL_TRY(StartCollector(config));
    FEEDMILL_TRY(StartStream(config));
    FEEDMILL_TRY(StartLanding(config));
    FEEDMILL_TRY(StartFeed(config));
    MakeNightWatch(config);
    keeper_ = std::make_unique<Keeper>(config_, folder_, *clock_, system_clock_, metrics_);
    StartConsole(config);
    StartFieldHistory();
    FEEDMILL_TRY(StartHttp(config));
    StartMaintenance();
    // Verbs find it once there is space to say where it is.
    Warn("the server could not be announced", Announce());
    night_->Start();
    log::Info("ready",
              {{"port", port()}, {"seconds", static_cast<double>(MonotonicMicros() - begin_) / kMicrosPerSecond}});
    return Ok();
  }

  uint16_t port() const override { return front_->port(); }

  void Stop() override {
    if (stopped_) return;
    stopped_ = true;
    ready_ = false;
    if (night_) night_->Stop();
    if (announced_) cli::WithdrawServer(config_.paths.data);
    maintenance_.Stop();
    if (front_) front_->Stop(kStopGrace);
    if (feed_) feed_->Stop();
    if (console_) console_->Stop();
    live_bundle_.reset();
    field_history_.reset();
    if (tailer_) tailer_->Stop();
    if (landing_) StopLanding();
    if (log_) log_->Close();
    if (collector_) Warn("the list of known messages was not saved", collector_->Checkpoint());
  }

 private:
  static void Warn(std::string_view what, const Status& status) {
    if (!status) log::Warn(what, {{"error", status.error().message()}});
  }

  Status Announce() {
    if (announced_) return Ok();
    FEEDMILL_TRY(cli::AnnounceServer(config_.paths.data, front_->LocalUrl(), SystemClock().Now()));
    announced_ = true;
    return Ok();
  }

  Status StartCollector(const Config& config) {
    ingest::CollectorOptions options = config.collect;
    ingest::WriteKey app{"app", ""};
    ingest::WriteKey import{"import", ""};
    import.batch_bytes_max = config.import_batch_bytes_max;
    import.bulk = true;
    options.write_keys = {app, import};
    options.find_writer = FindWriterIn(*keys_);
    options.folder_id = folder_.identity.id;
    const ingest::CollectorParts parts{
        *folder_.files,
        *clock_,
        *log_,
        *plan_,
        metrics_,
        [this](uint32_t partition, ingest::OffsetRange range, Micros oldest, const auto& visit) {
          return lake_->VisitIds(partition, range, oldest, visit);
        }};
    FEEDMILL_ASSIGN(collector_, ingest::Collector::Open(parts, options));
    return Ok();
  }

  Status StartLanding(const Config& config) {
    query::EngineOptions options;
    options.temporary_directory = config.paths.Temporary();
    options.memory_bytes_max = kLandingMemory;
    options.threads = 1;
    FEEDMILL_ASSIGN(engine_, query::OpenEngine(options));
    FEEDMILL_ASSIGN(landing_session_, engine_->NewSession());
    if (!config.place_database.empty()) {
      FEEDMILL_ASSIGN(places_, ingest::PlaceFinder::Open(config.place_database));
    }
    const ingest::LandingParts parts{
        .log = *log_,
        .catalog = *folder_.catalog,
        .plan = *plan_,
        .clock = *clock_,
        .metrics = metrics_,
        .open_writer = OpenParquetRows(*landing_session_, *folder_.catalog),
        .places = places_.get(),
        .keep_from = [this](uint32_t partition) { return state_->AppliedOffset(partition); }};
    FEEDMILL_ASSIGN(landing_, ingest::Landing::Start(parts, config.landing));
    return Ok();
  }

  void StopLanding() {
    Warn("not everything landed at stop; the log keeps it for the next start",
         landing_->LandNow(Deadline::After(kLandTimeAtStop)));
    landing_.reset();
  }

  Status StartStream(const Config& config) {
    FEEDMILL_ASSIGN(state_,
                    stream::RecoverLiveState(*folder_.files, config.paths.State(), feature_set_, config.stream.state));
    for (uint32_t partition = 0; partition < log_->partitions(); ++partition) {
      if (state_->AppliedOffset(partition) <= log_->EndOffset(partition)) continue;
      return Corrupt(
          "the live state has applied records up to {} of partition {}, but the event log ends at record {}: {}",
          state_->AppliedOffset(partition), partition, log_->EndOffset(partition), ShortLogAdvice(config.paths));
    }
    unknown_past_ = UnknownPast(*state_, log_->partitions());
    stream::LogTailerOptions options;
    options.folder = config.paths.State();
    options.checkpoint_interval = config.stream.checkpoint_interval;
    options.checkpoint_in_copy = true;
    FEEDMILL_ASSIGN(tailer_, stream::StartLogTailer(*folder_.files, options, Tail(), state_.get()));
    ShowLiveState();
    if (tailer_->WaitCaughtUp(Deadline::After(kStartTime))) {
      const auto guard = state_->Read();
      for (uint32_t partition = 0; partition < log_->partitions(); ++partition) {
        const stream::PartitionTimes times = state_->TimesOf(partition);
        clock_->StartAfter(times.newest_receipt, times.gap_begin);
      }
      return Ok();
    }
    FEEDMILL_TRY(tailer_->status());
    return DeadlineExceeded("the log's tail was not applied within {} s", kStartTime / kMicrosPerSecond);
  }

  void StartFieldHistory() {
    if (unknown_past_.empty()) return;
    field_history_ = std::make_unique<FieldHistory>(
        FieldHistoryWiring{config_, folder_, feature_set_.domain, *tailer_, unknown_past_,
                           [this](uint32_t partition) { return landing_->LandedOffset(partition); },
                           [this](uint32_t partition, uint64_t offset, size_t bytes_max) {
                             return ReadLogOrLake(*log_, *lake_, partition, offset, bytes_max);
                           }});
    health_.AddNotes([this] { return field_history_->Notes(); });
  }

  // Once the state is there.
  void ShowLiveState() {
    const auto show = [this](std::string_view name, std::string_view help, auto read) {
      metrics_.AddGaugeFunction(name, help, {}, [this, read] {
        const auto guard = state_->Read();
        return static_cast<double>(read());
      });
    };
    show("feedmill_live_state_memory_bytes", "Memory of what is known live.", [this] { return state_->MemoryBytes(); });
    show("feedmill_live_state_memory_bytes_max", "What it may be (stream.memory_bytes_max).",
         [this] { return state_->options().memory_bytes_max; });
    show("feedmill_live_state_cold_bytes", "Of it in files, because it was not touched lately.",
         [this] { return state_->ColdBytes(); });
    metrics_.AddGaugeFunction("feedmill_live_state_checkpoint_bytes_written", "Since the start.", {},
                              [this] { return static_cast<double>(tailer_->checkpoint_bytes_written()); });
    metrics_.AddGaugeFunction("feedmill_live_state_times_healed",
                              "How often events turned out to have been received under a clock that was ahead.", {},
                              [this] { return static_cast<double>(tailer_->times_healed()); });
  }

  stream::TailSource Tail() {
    stream::TailSource source;
    source.partitions = log_->partitions();
    source.read = [this](uint32_t partition, uint64_t offset,
                         size_t bytes_max) -> Result<std::vector<stream::TailRecord>> {
      FEEDMILL_ASSIGN(auto records, ReadLogOrLake(*log_, *lake_, partition, offset, bytes_max));
      if (ready_) ShowActivity(records, clock_->Now(), &activity_);
      return records;
    };
    source.wait_for = [this](uint32_t partition, uint64_t offset, Micros timeout) {
      return log_->WaitFor(partition, offset, timeout);
    };
    source.end_offset = [this](uint32_t partition) { return log_->EndOffset(partition); };
    return source;
  }

  Status StartFeed(const Config& config) {
    serve::FeedServiceWiring wiring;
    wiring.clock = clock_.get();
    wiring.state = state_.get();
    wiring.features = &feature_set_;
    wiring.write_back = [this](LogRecord&& record) { WriteBack(record); };
    FEEDMILL_ASSIGN(lookup_,
                    LakeLookup::Open(*folder_.catalog, feature_set_.domain->Shown(), config.paths.Temporary()));
    wiring.find_old_row = [this](const std::string& request_id) { return lookup_->FeedRow(request_id); };
    wiring.may_read = [this](std::string_view key) { return keys_->Opens(key, Scope::kRead); };
    wiring.metrics = &metrics_;
    FEEDMILL_ASSIGN(feed_, serve::MakeFeedService(config.feed, wiring));
    live_bundle_ = std::make_unique<LiveBundleFollower>(*folder_.registry, config.paths.Bundles(), feature_set_.domain,
                                                        *feed_, kBundleInterval);
    return Ok();
  }

  // What was shown goes through the log like everything else; under overload the row is what is given up, and counted.
  void WriteBack(const LogRecord& record) {
    std::string payload;
    EncodeLogRecord(record, &payload);
    const uint32_t partition = next_partition_.fetch_add(1, std::memory_order_relaxed) % log_->partitions();
    const auto done = [this](const Result<LogPosition>& first) {
      if (!first) rows_lost_.Add();
    };
    std::vector<std::string> payloads;
    payloads.push_back(std::move(payload));
    if (!log_->Append(partition, std::move(payloads), done)) rows_lost_.Add();
  }

  // Runs that a dead process has left "running" are interrupted: whoever works holds the lock.
  void MarkDeadRuns() {
    const auto holder = FindWorkHolder(config_.paths.data);
    if (!holder || *holder) return;
    const auto marked = jobs::MarkInterrupted(*folder_.store, SystemClock().Now());
    if (!marked) Warn("interrupted runs cannot be marked", std::unexpected(marked.error()));
  }

  void MakeNightWatch(const Config& config) {
    MarkDeadRuns();
    NightWatchWiring wiring;
    wiring.clock = clock_.get();
    wiring.store = folder_.store.get();
    wiring.data_folder = config.paths.data;
    wiring.command = [this](const std::vector<std::string>& more) {
      std::vector<std::string> command = {ProgramFolder() + "/feedmill", "run", "--project", config_.paths.project};
      for (const std::string& override : config_.overrides) command.insert(command.end(), {"--set", override});
      command.insert(command.end(), more.begin(), more.end());
      return command;
    };
    wiring.run_child = io::RunChild;
    // Time that is driven from outside is a world's that says itself when its nights are.
    NightSchedule schedule = config.nightly.schedule;
    if (config.clock.source == ClockSource::kDriven) schedule.at.clear();
    night_ = std::make_unique<NightWatch>(schedule, std::move(wiring));
  }

  void StartConsole(const Config& config) {
    ShowFormerActivity(*log_, &activity_);
    console::ConsoleWiring wiring = MakeConsoleWiring(
        {*clock_, folder_, *log_, *landing_, *state_, *tailer_, *feed_, *live_bundle_, metrics_, activity_, *lookup_,
         config.paths.data, config.paths.Events(), config.paths.project, feature_set_.domain, plan_},
        *keys_);
    wiring.status = [this, project = config.paths.project] {
      return ServerStatusJson(night_->Status(), LeftOutNow(*folder_.store, project), keeper_->Figures());
    };
    wiring.route = [this](io::HttpRequest&& request, io::HttpResponder&& respond) {
      router_.Public(std::move(request), std::move(respond));
    };
    console_ = console::MakeConsoleService(std::move(wiring));
  }

  Status StartHttp(const Config& config) {
    FEEDMILL_ASSIGN(router_.browsers, BrowserAccess::Make(config.allowed_origins));
    FEEDMILL_ASSIGN(io::HttpServerOptions options, HttpOptionsWithin(config, descriptors_, &metrics_));
    options.on_refusal = [this](const io::HttpRequest& request, io::HttpResponse* response) {
      router_.Refused(request, response);
    };
    router_.metrics_config = config.metrics;
    router_.may_read_metrics = [this](std::string_view key) {
      return keys_->Opens(key, Scope::kRead) || keys_->Opens(key, Scope::kAdmin);
    };
    router_.collector = collector_.get();
    router_.feed = feed_.get();
    router_.state = state_.get();
    router_.console = console_.get();
    router_.metrics = &metrics_;
    disk_watch_ = std::make_unique<DiskWatch>(files_, config.paths.Temporary(), kDiskWatchInterval);
    DescribeHealth();
    router_.health = &health_;
    ready_ = true;
    const auto all = [this](io::HttpRequest&& request, io::HttpResponder&& respond) {
      router_.All(std::move(request), std::move(respond));
    };
    const auto metrics = [this](io::HttpRequest&& request, io::HttpResponder&& respond) {
      router_.Metrics(std::move(request), std::move(respond));
    };
    FEEDMILL_ASSIGN(front_, Front::Start(config, options, all, metrics));
    return Ok();
  }

  void DescribeHealth() {
    health_.AddCheck("server",
                     [this]() -> Status { return ready_ ? Ok() : Unavailable("it is starting or stopping"); });
    health_.AddCheck("live state", [this] { return tailer_->status(); });
    health_.AddCheck("event log", [this] { return log_->status(); });
    health_.AddCheck("landing", [this] { return landing_->status(); });
    health_.AddCheck("data folder", [this] { return disk_watch_->status(); });
    health_.AddNotes([this] {
      std::vector<std::string> notes;
      for (const ingest::LogDamage& damage : log_->damage()) {
        uint64_t lost = 0;
        for (const ingest::OffsetRange& range : damage.lost) lost += range.to - range.from;
        notes.push_back(fmt::format("a damaged segment of the event log is kept as {}; it lost {} records{}",
                                    damage.file, lost, lost == 0 || damage.in_lake ? "" : " that are nowhere else"));
      }
      return notes;
    });
    health_.AddNotes([this] {
      const std::string jump = clock_->Jump();
      return jump.empty() ? std::vector<std::string>() : std::vector{jump};
    });
    metrics_.AddGaugeFunction("feedmill_log_segments_set_aside",
                              "Damaged segments of the event log that are kept aside.", {},
                              [this] { return static_cast<double>(log_->damage().size()); });
  }

  void StartMaintenance() {
    maintenance_.Add("announcement", kDueInterval, [this] { return Announce(); });
    const MaintenanceConfig& every = config_.maintenance;
    maintenance_.Add("known messages", every.messages, [this] { return collector_->Checkpoint(); });
    maintenance_.AddAtOnce("many new messages", kDueInterval,
                           [this] { return collector_->CheckpointIsDue() ? collector_->Checkpoint() : Ok(); });
    maintenance_.Add("old snapshots", every.snapshots, [this] { return keeper_->ExpireSnapshots(); });
    maintenance_.Add("what is kept", every.keeper, [this] { return keeper_->Sweep(); });
    maintenance_.Add("orphans", every.orphans, [this] { return keeper_->RemoveOrphans(); });
    maintenance_.Add("dead runs", kHousekeepingInterval, [this] {
      MarkDeadRuns();
      return Ok();
    });
    if (config_.retention.scrub_bytes > 0) {
      scrub_ = std::make_unique<LakeScrub>(*folder_.catalog, *folder_.files, config_.paths.State() + "/scrub.json",
                                           config_.retention.scrub_bytes, metrics_);
      maintenance_.Add("damaged files", every.scrub, [this] { return scrub_->Step(); });
    }
    maintenance_.Start();
  }

  io::FileSystem& files_ = io::PosixFileSystem();
  MetricsRegistry metrics_;
  Counter& rows_lost_ = metrics_.GetCounter("feedmill_feed_rows_lost_total",
                                            "Rows of feed requests that could not be written to the log.");
  console::ActivityRing activity_;
  Micros begin_ = 0;
  Config config_;
  std::unique_ptr<ServiceClock> clock_;
  SystemClock system_clock_;
  DataFolder folder_;
  std::unique_ptr<access::KeyRing> keys_;
  std::shared_ptr<const ingest::TrackingPlan> plan_;
  features::FeatureSet feature_set_;
  std::unique_ptr<ingest::Collector> collector_;  // outlives the log: answers on their way use it
  std::unique_ptr<LakeRecords> lake_;             // outlives the log, which asks it about damage
  std::unique_ptr<ingest::EventLog> log_;
  std::unique_ptr<stream::LiveState> state_;
  std::unique_ptr<ingest::PlaceFinder> places_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> landing_session_;
  std::unique_ptr<ingest::Landing> landing_;
  std::unique_ptr<stream::LogTailer> tailer_;
  std::vector<uint64_t> unknown_past_;  // UnknownPast at the start
  std::unique_ptr<FieldHistory> field_history_;
  std::unique_ptr<LakeLookup> lookup_;
  std::unique_ptr<serve::FeedService> feed_;
  std::unique_ptr<LiveBundleFollower> live_bundle_;
  std::unique_ptr<console::ConsoleService> console_;
  std::unique_ptr<DiskWatch> disk_watch_;
  Health health_;
  Router router_;
  std::unique_ptr<Front> front_;
  int descriptors_ = 0;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<NightWatch> night_;
  std::unique_ptr<LakeScrub> scrub_;
  Maintenance maintenance_;
  std::atomic<bool> ready_ = false;
  std::atomic<uint32_t> next_partition_ = 0;
  bool stopped_ = false;
  std::atomic<bool> announced_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> StartServer(const Config& config) {
  auto server = std::make_unique<ServerImpl>();
  FEEDMILL_TRY(server->Start(config));
  return server;
}

}  // namespace feedmill::app
