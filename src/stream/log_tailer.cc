#include "stream/log_tailer.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/time_text.h"
#include "stream/clock_healing_internal.h"
#include "stream/merged_tail.h"

namespace feedmill::stream {
namespace {

constexpr Micros kWaitOne = 100 * kMicrosPerMilli;  // for the only partition
constexpr uint64_t kLongReplay = 10;                // of checkpoint_records_max: a start that replays more writes one
constexpr Micros kRestFactor = 5;  // a checkpoint that is due by records waits as many times what the last one took
constexpr Micros kWaitMany = 5 * kMicrosPerMilli;  // for one of several, then the next is looked at

class Tailer final : public LogTailer {
 public:
  Tailer(io::FileSystem& files, LogTailerOptions options, TailSource source, LiveState* state)
      : files_(files),
        options_(std::move(options)),
        source_(std::move(source)),
        state_(state),
        tail_(source_.partitions, [this](uint32_t partition, uint64_t offset, DecodedTail* tail) -> Status {
          FEEDMILL_TRY(ReadTail(source_.read, partition, offset, options_.read_bytes_max, tail));
          refused_.fetch_add(tail->refused, std::memory_order_relaxed);
          log_bytes_since_ += tail->bytes;
          return Ok();
        }) {
    for (uint32_t partition = 0; partition < source_.partitions; ++partition)
      goal_.push_back(source_.end_offset(partition));
    records_at_checkpoint_ = state_->AppliedRecords();
    if (auto names = CheckpointNames(files_, options_.folder); names && !names->empty())
      NoteCheckpointBytes(options_.folder + "/" + names->back());
    applying_ = std::thread([this] { ApplyUntilStopped(); });
    if (options_.checkpoint_interval > 0) checkpointing_ = std::thread([this] { CheckpointUntilStopped(); });
  }
  ~Tailer() override { Stop(); }

  bool WaitCaughtUp(Deadline deadline) const override {
    MutexLock guard(lock_);
    changed_.WaitFor(lock_, std::min(deadline.Left(), kMicrosPerDay),
                     [this]() FEEDMILL_REQUIRES(lock_) { return caught_up_ || !status_ || stopping_; });
    return caught_up_;
  }

  uint64_t Lag() const override {
    uint64_t lag = 0;
    for (uint32_t partition = 0; partition < source_.partitions; ++partition) {
      const uint64_t end = source_.end_offset(partition);
      lag += end - std::min(end, state_->AppliedOffset(partition));
    }
    return lag;
  }

  Status status() const override {
    const MutexLock guard(lock_);
    return status_;
  }
  uint64_t checkpoint_bytes_written() const override { return written_.load(std::memory_order_relaxed); }
  uint64_t times_healed() const override { return healed_.load(std::memory_order_relaxed); }
  uint64_t records_refused() const override { return refused_.load(std::memory_order_relaxed); }

  Status WriteCheckpoint() override {
    const MutexLock one_at_a_time(checkpoint_lock_);
    const uint64_t applied = state_->AppliedRecords();
    const std::string path = options_.folder + "/" + CheckpointName(applied);
    const Micros begin = MonotonicMicros();
    FEEDMILL_TRY(options_.checkpoint_in_copy ? state_->WriteCheckpointInCopy(files_, path)
                                             : state_->WriteCheckpoint(files_, path));
    records_at_checkpoint_ = applied;
    log_bytes_since_ = 0;
    written_ += NoteCheckpointBytes(path);
    written_at_ = MonotonicMicros();
    const Micros end = MonotonicMicros();
    rest_until_ = end + kRestFactor * (end - begin);
    log::Info("checkpoint of the live state written", {{"file", path}, {"ms", (end - begin) / kMicrosPerMilli}});
    return RemoveOld();
  }

  bool Learn(std::span<const LiveState::Positioned> records) override {
    return OnApplyingThread([&] {
      if (!learning_) learning_ = Generation();
      state_->Learn(records);
    });
  }

  Status EndLearning() override {
    bool is_whole = false;
    const bool asked = OnApplyingThread([&] {
      is_whole = learning_.value_or(Generation()) == Generation();
      learning_.reset();
      if (is_whole) state_->SetKnowsHistory();
    });
    if (!asked) return Aborted("the live state stopped");
    if (!is_whole) return Conflict("another state has taken its place meanwhile, which has not learned all of it");
    return WriteCheckpoint();
  }

  void Stop() override {
    {
      const MutexLock guard(lock_);
      if (std::exchange(stopping_, true)) return;
    }
    changed_.NotifyAll();
    applying_.join();
    if (checkpointing_.joinable()) checkpointing_.join();
    if (options_.checkpoint_at_stop) CheckpointIfNeeded();
  }

 private:
  uint64_t Generation() const {
    const auto guard = state_->Read();
    return state_->Generation();
  }

  bool Stopping() const {
    const MutexLock guard(lock_);
    return stopping_;
  }

  // Between two batches of the log. False when it was not done, as the tailer stops or has failed.
  bool OnApplyingThread(const std::function<void()>& work) {
    MutexLock guard(lock_);
    if (stopping_ || !status_) return false;
    asked_ = &work;
    const auto over = [this]() FEEDMILL_REQUIRES(lock_) {
      return asked_ == nullptr || (!working_ && (stopping_ || !status_));
    };
    while (!changed_.WaitFor(lock_, kMicrosPerSecond, over)) {
    }
    return std::exchange(asked_, nullptr) == nullptr;
  }

  void DoWhatIsAsked() {
    MutexLock guard(lock_);
    if (asked_ == nullptr || stopping_) return;
    const std::function<void()>& work = *asked_;
    working_ = true;
    guard.Unlock();
    work();
    guard.Lock();
    working_ = false;
    asked_ = nullptr;
    changed_.NotifyAll();
  }

  void ApplyUntilStopped() {
    uint32_t partition = 0;  // that is waited for
    while (!Stopping()) {
      DoWhatIsAsked();
      const auto applied = ApplySome();
      if (!applied) return Fail(applied.error());
      NoteCaughtUp();
      if (Pending() >= options_.checkpoint_records_max && MayWrite() && MonotonicMicros() >= rest_until_)
        AskForCheckpoint();
      if (*applied) continue;
      partition = (partition + 1) % source_.partitions;
      state_->TrimMemory();  // feeds may have brought much back
      source_.wait_for(partition, state_->AppliedOffset(partition), source_.partitions == 1 ? kWaitOne : kWaitMany);
    }
  }

  // False: there is nothing newer.
  Result<bool> ApplySome() {
    FEEDMILL_ASSIGN(const auto run, tail_.Next(*state_));
    if (!run) return false;
    const size_t sound = CountBeforeStepBack(*state_, run->partition, run->records);
    state_->ApplyBatch(run->records.first(sound));
    if (sound < run->records.size()) {
      FEEDMILL_TRY(Heal(run->partition, run->records[sound].record.event.received_time));
    } else {
      state_->SetApplied(run->partition, run->next);
    }
    return true;
  }

  // The clock was set right at `time`, after records with later times had been applied.
  Status Heal(uint32_t partition, Micros time) {
    const PartitionTimes harmed = state_->TimesOf(partition);
    log::Warn("events were received under a clock that was ahead; the log is applied again under right times",
              {{"partition", partition}, {"newest", FormatTime(harmed.newest_event)}, {"now", FormatTime(time)}});
    const features::FeatureSet set = state_->counters().Definitions();
    const ApplyAgainParts parts{files_, options_.folder, set, state_->options(), source_, options_.read_bytes_max};
    auto again = ApplyAgain(parts, partition, time);
    if (!again && again.error().kind() != ErrorKind::kNotFound) return std::unexpected(again.error());
    healed_.fetch_add(1, std::memory_order_relaxed);
    if (again) {
      state_->Become(std::move(**again));
      records_at_checkpoint_ = 0;  // none that stands is of this state
    } else {
      log::Error("the log no longer holds the events since then: `feedmill rebuild` takes the times out of the past",
                 {{"why", again.error().message()}});
      state_->EndCountersAt(time);
    }
    return Ok();
  }

  void NoteCaughtUp() {
    if (caught_up_) return;
    for (uint32_t partition = 0; partition < source_.partitions; ++partition) {
      if (state_->AppliedOffset(partition) < goal_[partition]) return;
    }
    {
      const MutexLock guard(lock_);
      caught_up_ = true;
      checkpoint_due_ = checkpoint_due_ || Pending() >= options_.checkpoint_records_max / kLongReplay;
    }
    changed_.NotifyAll();
  }

  uint64_t NoteCheckpointBytes(const std::string& path) {
    const uint64_t bytes = files_.FileSize(path).value_or(0);
    checkpoint_bytes_ = bytes;
    return bytes;
  }
  bool MayWrite() const {
    return log_bytes_since_ >= checkpoint_bytes_ || MonotonicMicros() - written_at_ >= options_.checkpoint_time_max;
  }
  uint64_t Pending() const { return state_->AppliedRecords() - records_at_checkpoint_; }

  void AskForCheckpoint() {
    {
      const MutexLock guard(lock_);
      if (std::exchange(checkpoint_due_, true)) return;
    }
    changed_.NotifyAll();
  }

  void Fail(const Error& error) {
    log::Error("the live state no longer follows the log", {{"why", error.ToString()}});
    {
      const MutexLock guard(lock_);
      status_ = std::unexpected(error);
    }
    changed_.NotifyAll();
  }

  void CheckpointUntilStopped() {
    MutexLock guard(lock_);
    while (!stopping_) {
      changed_.WaitFor(lock_, options_.checkpoint_interval,
                       [this]() FEEDMILL_REQUIRES(lock_) { return stopping_ || checkpoint_due_; });
      if (stopping_) return;
      guard.Unlock();
      if (MayWrite()) CheckpointIfNeeded();
      guard.Lock();
      checkpoint_due_ = false;
    }
  }

  void CheckpointIfNeeded() {
    if (Pending() == 0) return;
    if (auto written = WriteCheckpoint(); !written)
      log::Error("checkpoint of the live state failed", {{"why", written.error().ToString()}});
  }

  Status RemoveOld() {
    FEEDMILL_ASSIGN(std::vector<std::string> names, CheckpointNames(files_, options_.folder));
    std::string before_gap;
    for (size_t i = 0; i + kCheckpointsKept < names.size(); ++i) {
      if (AppliedInName(names[i]) <= GapAt()) before_gap = names[i];
    }
    for (size_t i = 0; i + kCheckpointsKept < names.size(); ++i) {
      if (names[i] != before_gap) FEEDMILL_TRY(files_.Remove(options_.folder + "/" + names[i]));
    }
    return Ok();
  }

  // Where the widest pause of receipt times is, in records applied; 0: there is none.
  uint64_t GapAt() const {
    const auto guard = state_->Read();
    PartitionTimes widest;
    for (uint32_t partition = 0; partition < source_.partitions; ++partition) {
      const PartitionTimes times = state_->TimesOf(partition);
      if (times.gap_end - times.gap_begin > widest.gap_end - widest.gap_begin) widest = times;
    }
    return widest.gap_at;
  }

  io::FileSystem& files_;
  const LogTailerOptions options_;
  const TailSource source_;
  LiveState* const state_;
  std::vector<uint64_t> goal_;        // what was durable at the start
  std::optional<uint64_t> learning_;  // the generation that learns; applying thread only
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> healed_{0};
  std::atomic<uint64_t> records_at_checkpoint_{0};

  std::atomic<Micros> rest_until_{0};  // monotonic
  std::atomic<Micros> written_at_{MonotonicMicros()};
  std::atomic<uint64_t> log_bytes_since_{0};   // applied since the last checkpoint
  std::atomic<uint64_t> checkpoint_bytes_{0};  // of the last one
  std::atomic<uint64_t> written_{0};

  mutable Mutex lock_;
  mutable CondVar changed_;
  bool stopping_ FEEDMILL_GUARDED_BY(lock_) = false;
  bool checkpoint_due_ FEEDMILL_GUARDED_BY(lock_) = false;
  Status status_ FEEDMILL_GUARDED_BY(lock_);
  const std::function<void()>* asked_ FEEDMILL_GUARDED_BY(lock_) = nullptr;
  bool working_ FEEDMILL_GUARDED_BY(lock_) = false;  // on what is asked
  MergedTail tail_;                                  // applying thread only
  std::atomic<bool> caught_up_{false};  // read without the lock by the applying thread, which alone sets it

  Mutex checkpoint_lock_;
  std::thread applying_;
  std::thread checkpointing_;
};

// A checkpoint that a kill cut short has a name of its own, so that no later one takes its place.
Status RemoveCutShort(io::FileSystem& files, const std::string& folder) {
  FEEDMILL_ASSIGN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    if (name.starts_with("live-") && name.ends_with(".tmp"))
      FEEDMILL_TRY(files.Remove(fmt::format("{}/{}", folder, name)));
  }
  return Ok();
}

}  // namespace

Result<std::unique_ptr<LiveState>> RecoverLiveState(io::FileSystem& files, const std::string& folder,
                                                    const features::FeatureSet& set, const LiveStateOptions& options) {
  FEEDMILL_TRY(files.CreateDirectories(folder));
  if (!options.cold_folder.empty())
    FEEDMILL_TRY(io::PosixFileSystem().RemoveAll(options.cold_folder));  // of a former process
  FEEDMILL_TRY(RemoveCutShort(files, folder));
  FEEDMILL_ASSIGN(std::vector<std::string> names, CheckpointNames(files, folder));
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    auto state = std::make_unique<LiveState>(set, options);
    auto loaded = state->LoadCheckpoint(files, folder + "/" + *name);
    if (loaded) return state;
    log::Warn("checkpoint of the live state is refused; an older one or the whole log is used instead",
              {{"why", loaded.error().ToString()}});
  }
  return std::make_unique<LiveState>(set, options);
}

Result<std::unique_ptr<LogTailer>> StartLogTailer(io::FileSystem& files, const LogTailerOptions& options,
                                                  TailSource source, LiveState* state) {
  if (source.partitions == 0) return InvalidArgument("log tailer: 0 partitions; allowed are 1 or more");
  FEEDMILL_TRY(files.CreateDirectories(options.folder));
  return std::make_unique<Tailer>(files, options, std::move(source), state);
}

}  // namespace feedmill::stream
