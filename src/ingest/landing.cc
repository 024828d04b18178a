#include "ingest/landing.h"

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"
#include "base/thread_priority.h"
#include "data/event_codec.h"
#include "ingest/event_tables.h"
#include "ingest/landing_batch_internal.h"

namespace feedmill::ingest {
namespace {

constexpr size_t kReadBytes = 4 << 20;
constexpr Micros kPollInterval = 200 * kMicrosPerMilli;  // how often the backlog is looked at between commits
constexpr Micros kFailurePause = 2 * kMicrosPerSecond;   // after a failed batch

struct LandingMetrics {
  explicit LandingMetrics(MetricsRegistry& registry)
      : batches(registry.GetCounter("feedmill_landing_batches_total", "Batches committed to the lake.")),
        failures(registry.GetCounter("feedmill_landing_failures_total", "Batches that failed and are tried again.")),
        lost(registry.GetCounter("feedmill_landing_lost_records_total",
                                 "Records passed over because they are gone with damaged bytes of the log.")),
        lag_records(registry.GetGauge("feedmill_landing_lag_records", "Durable log records that are not in the lake.")),
        landed_time(registry.GetGauge("feedmill_landing_fresh_until_seconds",
                                      "Append time of the newest landed record, seconds since 1970.")),
        seconds(registry.GetHistogram("feedmill_landing_batch_seconds", "Time of one batch.")) {}

  Counter& batches;
  Counter& failures;
  Counter& lost;
  Gauge& lag_records;
  Gauge& landed_time;
  Histogram& seconds;
};

class LandingThread final : public Landing {
 public:
  LandingThread(LandingParts parts, const LandingOptions& options)
      : parts_(std::move(parts)),
        options_(options),
        metrics_(parts_.metrics),
        lanes_{LandingLane(parts_, options_, std::string(kEventTable), RecordKind::kEvent),
               LandingLane(parts_, options_, std::string(kRejectedTable), RecordKind::kRejected),
               LandingLane(parts_, options_, std::string(kFeedRequestTable), RecordKind::kFeedRequest)} {}

  ~LandingThread() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      wake_.NotifyAll();
      landed_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
  }

  Status Begin() {
    const Status prepared = Prepare();
    if (!prepared && !MayPass(prepared.error())) return prepared;
    if (!prepared) Report(prepared.error());
    thread_ = std::thread([this] { Run(); });
    return Ok();
  }

  Status LandNow(Deadline deadline) override {
    Offsets target = EndOfLog();
    MutexLock lock(mutex_);
    requested_ = true;
    uint64_t failures_before = failures_;
    wake_.NotifyAll();
    auto settled = [&]() FEEDMILL_REQUIRES(mutex_) {
      return stopping_ || fenced_ || Reached(target) || failures_ != failures_before;
    };
    Micros left = std::min<Micros>(deadline.Left(), kMicrosPerDay);
    if (!landed_.WaitFor(mutex_, left, settled)) {
      return DeadlineExceeded("landing: the lake has not reached the end of the log in the time given");
    }
    if (Reached(target)) return Ok();
    if (stopping_) return Aborted("landing was stopped");
    return std::unexpected(*last_error_);
  }

  Status status() const override {
    MutexLock lock(mutex_);
    if (!last_error_ || MayPass(*last_error_) || healthy_) return Ok();
    return std::unexpected(*last_error_);
  }

  uint64_t LandedOffset(uint32_t partition) const override {
    MutexLock lock(mutex_);
    auto found = landed_offsets_.find(partition);
    return found == landed_offsets_.end() ? 0 : found->second;
  }

 private:
  // A full disk, a store that is busy.
  static bool MayPass(const Error& error) {
    return error.kind() == ErrorKind::kIo || error.kind() == ErrorKind::kUnavailable ||
           error.kind() == ErrorKind::kResourceExhausted;
  }

  // Before the first batch; until it worked nothing lands.
  Status Prepare() {
    if (prepared_) return Ok();
    FEEDMILL_ASSIGN(epoch_, parts_.catalog.AcquireWriterEpoch(options_.stream));
    FEEDMILL_TRY(lanes_[0].Prepare(EventTableSchema(parts_.plan.typed_columns()), epoch_));
    FEEDMILL_TRY(lanes_[1].Prepare(RejectedTableSchema(), epoch_));
    FEEDMILL_TRY(lanes_[2].Prepare(FeedRequestTableSchema(), epoch_));
    PublishOffsets();
    prepared_ = true;
    return Ok();
  }

  Offsets EndOfLog() const {
    Offsets end;
    for (uint32_t partition = 0; partition < parts_.log.partitions(); ++partition)
      end[partition] = parts_.log.EndOffset(partition);
    return end;
  }

  bool Reached(const Offsets& target) const FEEDMILL_REQUIRES(mutex_) {
    return std::ranges::all_of(target, [&](const auto& entry) FEEDMILL_REQUIRES(mutex_) {
      auto found = landed_offsets_.find(entry.first);
      return entry.second == 0 || (found != landed_offsets_.end() && found->second >= entry.second);
    });
  }

  void Run() {
    LowerThreadPriority(kBackgroundNiceness);
    Micros last = MonotonicMicros();
    while (WaitForWork(last)) {
      Status landed = LandGuarded();
      last = MonotonicMicros();
      if (landed) {
        MutexLock lock(mutex_);
        healthy_ = true;
        continue;
      }
      Report(landed.error());
      if (landed.error().kind() == ErrorKind::kAborted) return;
    }
  }

  // Until it is time for a batch; false when stopped.
  bool WaitForWork(Micros last) {
    MutexLock lock(mutex_);
    while (!stopping_) {
      uint64_t lag = LagLocked();
      metrics_.lag_records.Set(static_cast<double>(lag));
      bool due = MonotonicMicros() - last >= options_.interval || lag >= options_.batch_records_max;
      bool paused = MonotonicMicros() < paused_until_ && !requested_;
      if (requested_ || (lag > 0 && due && !paused)) {
        requested_ = false;
        return true;
      }
      wake_.WaitFor(mutex_, std::min(kPollInterval, options_.interval),
                    [&]() FEEDMILL_REQUIRES(mutex_) { return stopping_ || requested_; });
    }
    return false;
  }

  uint64_t LagLocked() const FEEDMILL_REQUIRES(mutex_) {
    uint64_t lag = 0;
    for (auto [partition, end] : EndOfLog()) {
      auto found = landed_offsets_.find(partition);
      uint64_t landed = found == landed_offsets_.end() ? 0 : found->second;
      lag += end - std::min(end, landed);
    }
    return lag;
  }

  bool Stopping() const {
    MutexLock lock(mutex_);
    return stopping_;
  }

  // What makes the rows allocates in many places, some of them in libraries that throw: a batch without memory is a
  // failed batch.
  Status LandGuarded() {
    try {
      return LandAll();
    } catch (const std::exception& exception) {
      for (auto& lane : lanes_) lane.Abandon();
      return ResourceExhausted("landing: {}", exception.what());
    }
  }

  // Batches until the end that the log has now.
  Status LandAll() {
    FEEDMILL_TRY(Prepare());
    Offsets target = EndOfLog();
    while (!Stopping()) {
      Micros start = MonotonicMicros();
      FEEDMILL_ASSIGN(bool more, LandBatch(target));
      if (!more) break;
      metrics_.batches.Add();
      metrics_.seconds.Observe(static_cast<double>(MonotonicMicros() - start) / kMicrosPerSecond);
      PublishOffsets();
      FEEDMILL_TRY(TrimLog());
    }
    return Ok();
  }

  // False when nothing was left before `target`.
  Result<bool> LandBatch(const Offsets& target) {
    for (auto& lane : lanes_) FEEDMILL_TRY(lane.ReadOffsets());
    Offsets next;
    uint64_t records = 0, bytes = 0;
    Status taken = Ok();
    for (auto [partition, end] : target) {
      auto read = ReadPartition(partition, end, &records, &bytes);
      if (!read) {
        taken = std::unexpected(read.error());
        break;
      }
      if (*read > 0) next[partition] = *read;
    }
    if (taken && records == 0) return false;
    for (auto& lane : lanes_) {
      if (taken) taken = lane.Commit(next);
    }
    if (taken) return true;
    return std::unexpected(Recover(taken.error()));
  }

  // After a failed batch the catalog alone knows what is in the lake.
  Error Recover(const Error& error) {
    for (auto& lane : lanes_) lane.Abandon();
    if (error.kind() != ErrorKind::kConflict) return error;
    const auto current = parts_.catalog.CurrentWriterEpoch(options_.stream);
    return current && *current > epoch_ ? Error(ErrorKind::kAborted, error.message()) : error;
  }

  uint64_t ReadFrom(uint32_t partition) const {
    uint64_t from = lanes_[0].ReadFrom(partition);
    for (const auto& lane : lanes_) from = std::min(from, lane.ReadFrom(partition));
    return std::max(from, parts_.log.BeginOffset(partition));
  }

  // Gives the lanes the partition's records up to the batch's limits. Returns where it stopped.
  Result<uint64_t> ReadPartition(uint32_t partition, uint64_t end, uint64_t* records, uint64_t* bytes) {
    uint64_t at = ReadFrom(partition);
    while (at < end && *records < options_.batch_records_max && *bytes < options_.batch_bytes_max) {
      FEEDMILL_ASSIGN(auto read, parts_.log.Read(partition, at, kReadBytes));
      for (const auto& record : read) {
        if (record.offset >= end) break;
        FEEDMILL_TRY(Take(partition, record));
        at = record.offset + 1;
        ++*records;
        *bytes += record.payload.size();
        newest_append_time_ = record.append_time;
      }
      if (read.empty()) break;
    }
    return at;
  }

  Status Take(uint32_t partition, const EventLog::Record& record) {
    if (record.lost > 0) {
      metrics_.lost.Add(record.lost);
      log::Warn("records of the log are gone and do not land",
                {{"partition", partition}, {"from", record.offset + 1 - record.lost}, {"to", record.offset}});
      return Ok();
    }
    auto decoded = DecodeLogRecord(record.payload);
    if (!decoded)
      return std::unexpected(decoded.error().WithContext(fmt::format("log record {}:{}", partition, record.offset)));
    for (auto& lane : lanes_) FEEDMILL_TRY(lane.Take(*decoded, {partition, record.offset}, record.append_time));
    return Ok();
  }

  void PublishOffsets() {
    MutexLock lock(mutex_);
    for (uint32_t partition = 0; partition < parts_.log.partitions(); ++partition) {
      landed_offsets_[partition] = ReadFrom(partition);
    }
    healthy_ = true;
    metrics_.landed_time.Set(static_cast<double>(newest_append_time_) / kMicrosPerSecond);
    landed_.NotifyAll();
  }

  void Report(const Error& error) {
    log::Warn("landing failed", {{"reason", error.message()}});
    metrics_.failures.Add();
    MutexLock lock(mutex_);
    ++failures_;
    healthy_ = false;
    last_error_ = error;
    fenced_ = error.kind() == ErrorKind::kAborted;
    paused_until_ = MonotonicMicros() + kFailurePause;
    landed_.NotifyAll();
  }

  Status TrimLog() {
    Micros older_than = parts_.clock.Now() - options_.log_retention;
    for (uint32_t partition = 0; partition < parts_.log.partitions(); ++partition) {
      uint64_t landed = lanes_[0].CommittedEnd(partition);
      for (const auto& lane : lanes_) landed = std::min(landed, lane.CommittedEnd(partition));
      if (parts_.keep_from) landed = std::min(landed, parts_.keep_from(partition));
      FEEDMILL_TRY(parts_.log.Trim(partition, landed, older_than));
    }
    return Ok();
  }

  LandingParts parts_;
  const LandingOptions options_;
  LandingMetrics metrics_;
  std::array<LandingLane, 3> lanes_;  // landing thread, once started
  Micros newest_append_time_ = 0;     // landing thread
  int64_t epoch_ = 0;                 // landing thread, once started
  bool prepared_ = false;             // landing thread, once started

  mutable Mutex mutex_;
  CondVar wake_;    // for the thread
  CondVar landed_;  // for LandNow
  bool stopping_ FEEDMILL_GUARDED_BY(mutex_) = false;
  bool requested_ FEEDMILL_GUARDED_BY(mutex_) = false;
  bool fenced_ FEEDMILL_GUARDED_BY(mutex_) = false;
  uint64_t failures_ FEEDMILL_GUARDED_BY(mutex_) = 0;
  Micros paused_until_ FEEDMILL_GUARDED_BY(mutex_) = 0;  // monotonic
  std::optional<Error> last_error_ FEEDMILL_GUARDED_BY(mutex_);
  bool healthy_ FEEDMILL_GUARDED_BY(mutex_) = true;  // the last batch landed
  Offsets landed_offsets_ FEEDMILL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Landing>> Landing::Start(LandingParts parts, const LandingOptions& options) {
  auto landing = std::make_unique<LandingThread>(std::move(parts), options);
  FEEDMILL_TRY(landing->Begin());
  return landing;
}

}  // namespace feedmill::ingest
