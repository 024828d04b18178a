#include <algorithm>

#include "ingest/partition_log_internal.h"

namespace feedmill::ingest {
namespace {

constexpr uint64_t kGroupBodyBytesMax = 1ull << 31;

size_t BytesOf(const std::vector<std::string>& payloads) {
  size_t bytes = 0;
  for (const auto& payload : payloads) bytes += payload.size() + kRecordHeaderBytes;
  return bytes;
}

}  // namespace

PartitionLog::PartitionLog(io::FileSystem& files, const Clock& clock, const LogOptions& options,
                           const LogRescue& rescue, uint32_t partition)
    : files_(files),
      clock_(clock),
      options_(options),
      rescue_(rescue),
      partition_(partition),
      directory_(fmt::format("{}/p{:02}", options.directory, partition)) {}

Result<std::unique_ptr<PartitionLog>> PartitionLog::Open(io::FileSystem& files, const Clock& clock,
                                                         const LogOptions& options, const LogRescue& rescue,
                                                         uint32_t partition) {
  std::unique_ptr<PartitionLog> log(new PartitionLog(files, clock, options, rescue, partition));
  FEEDMILL_TRY(log->Recover());
  log->writer_ = std::thread([raw = log.get()] { raw->Run(); });
  return log;
}

PartitionLog::~PartitionLog() { Close(); }

Status PartitionLog::Append(std::vector<std::string> payloads, AppendDone done) {
  if (payloads.empty()) return InvalidArgument("append of no record");
  for (const auto& payload : payloads) {
    if (payload.size() > options_.record_bytes_max) {
      return InvalidArgument("record of {} bytes, at most {} are allowed", payload.size(), options_.record_bytes_max);
    }
  }
  PendingAppend append{{}, static_cast<uint32_t>(payloads.size()), std::move(done), MonotonicMicros()};
  append.frames.reserve(BytesOf(payloads));
  for (const auto& payload : payloads) AppendRecordFrame(payload, &append.frames);
  if (append.frames.size() > std::min<uint64_t>(options_.queue_bytes_max, kGroupBodyBytesMax)) {
    return InvalidArgument("append of {} bytes, the queue holds {}", append.frames.size(), options_.queue_bytes_max);
  }

  MutexLock lock(mutex_);
  if (closing_) return Unavailable("event log {} is closed", directory_);
  if (failure_) return Unavailable("event log {} does not accept records: {}", directory_, failure_->message());
  if (queued_bytes_ + append.frames.size() > options_.queue_bytes_max) {
    return ResourceExhausted("queue of event log {} is full: {} bytes wait, {} are allowed", directory_, queued_bytes_,
                             options_.queue_bytes_max);
  }
  queued_bytes_ += append.frames.size();
  queue_.push_back(std::move(append));
  if (queue_.size() >= appends_wanted_ || queued_bytes_ >= options_.commit_bytes_max) work_.NotifyOne();
  return Ok();
}

void PartitionLog::Run() {
  MutexLock lock(mutex_);
  while (true) {
    if (failure_) {
      if (closing_) return;
      work_.WaitFor(mutex_, options_.repair_interval, [&]() FEEDMILL_REQUIRES(mutex_) { return closing_; });
      lock.Unlock();
      TryRepair();
      lock.Lock();
      continue;
    }
    appends_wanted_ = 1;
    const bool woken = work_.WaitFor(mutex_, options_.watch_interval,
                                     [&]() FEEDMILL_REQUIRES(mutex_) { return !queue_.empty() || closing_; });
    if (!woken) {
      lock.Unlock();
      WatchFile();
      lock.Lock();
      continue;
    }
    if (queue_.empty()) break;
    auto group = TakeGroup();
    lock.Unlock();
    CommitGroup(std::move(group));
    lock.Lock();
  }
  lock.Unlock();
  Seal();
}

// A data folder that is gone takes nothing more, whoever asks and whenever.
void PartitionLog::WatchFile() {
  if (auto there = CheckInPlace(); !there) Break(there.error(), {});
}

// Bytes that reach a file which its folder no longer holds are on no disk that the next start looks at.
Status PartitionLog::CheckInPlace() const {
  const auto size = files_.FileSize(current_->path);
  if (!size) return Io("{} cannot be found where it was written: {}", current_->path, size.error().message());
  if (*size == file_->Size()) return Ok();
  return Io("{} has {} bytes, {} were written: it was replaced or cut", current_->path, *size, file_->Size());
}

// Waits for company as LogOptions::commit_delay_max says, then takes appends up to commit_bytes_max (one at least).
std::deque<PartitionLog::PendingAppend> PartitionLog::TakeGroup() {
  appends_wanted_ = last_group_appends_;
  Micros patience = queue_.front().queued_at + options_.commit_delay_max - MonotonicMicros();
  if (patience > 0) {
    work_.WaitFor(mutex_, patience, [&]() FEEDMILL_REQUIRES(mutex_) {
      return queue_.size() >= appends_wanted_ || queued_bytes_ >= options_.commit_bytes_max || closing_;
    });
  }
  std::deque<PendingAppend> group;
  size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front().frames.size() <= options_.commit_bytes_max)) {
    bytes += queue_.front().frames.size();
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  last_group_appends_ = group.size();
  return group;
}

void PartitionLog::CommitGroup(std::deque<PendingAppend> group) {
  auto written = WriteGroup(group);
  if (!written) return Break(written.error(), std::move(group));
  uint64_t offset = (*written)->header.first_offset;
  Publish(std::move(*written));
  for (auto& append : group) {
    append.done(LogPosition{partition_, offset});
    offset += append.record_count;
  }
}

Result<std::shared_ptr<PartitionLog::TailGroup>> PartitionLog::WriteGroup(const std::deque<PendingAppend>& group) {
  size_t bytes = kGroupHeaderBytes;
  uint32_t records = 0;
  for (const auto& append : group) {
    bytes += append.frames.size();
    records += append.record_count;
  }
  FEEDMILL_TRY(RotateIfFull(bytes));
  auto out = std::make_shared<TailGroup>();
  out->header = {records, static_cast<uint32_t>(bytes - kGroupHeaderBytes), EndOffset(), clock_.Now()};
  out->bytes.reserve(bytes);
  out->bytes.resize(kGroupHeaderBytes);
  EncodeGroupHeader(out->header, current_->header.salt, file_->Size(), out->bytes.data());
  for (const auto& append : group) out->bytes += append.frames;
  FEEDMILL_TRY(WriteBytes(out->bytes));
  return out;
}

Status PartitionLog::WriteBytes(std::string_view bytes) {
  FEEDMILL_TRY(file_->Append(bytes));
  FEEDMILL_TRY(file_->Sync());
  return CheckInPlace();
}

Status PartitionLog::RotateIfFull(size_t incoming_bytes) {
  uint64_t size = file_->Size();
  if (size <= kSegmentHeaderBytes || size + incoming_bytes <= options_.segment_bytes_max) return Ok();
  return AdoptSegment(EndOffset());
}

// Makes a new, durable segment the one to be written.
Status PartitionLog::AdoptSegment(uint64_t first_offset) {
  FEEDMILL_ASSIGN(auto segment, StartSegment(first_offset));
  MutexLock lock(mutex_);
  if (!segments_.empty() && segments_.back()->path == segment->path) segments_.pop_back();
  current_ = segment;
  segments_.push_back(std::move(segment));
  return Ok();
}

void PartitionLog::Publish(std::shared_ptr<TailGroup> group) {
  MutexLock lock(mutex_);
  Segment& segment = *current_;
  Remember(segment, group->header.first_offset, segment.end_bytes);
  segment.end_bytes = file_->Size();
  segment.end_offset = group->header.first_offset + group->header.record_count;
  queued_bytes_ -= group->header.body_bytes;
  tail_bytes_ += group->bytes.size();
  end_.store(segment.end_offset, std::memory_order_release);
  tail_.push_back(std::move(group));
  while (tail_bytes_ > options_.tail_bytes_max && tail_.size() > 1) {
    tail_bytes_ -= tail_.front()->bytes.size();
    tail_.pop_front();
  }
  news_.NotifyAll();
}

// Nothing of the group, nor of what waits behind it, was acknowledged: all of it is answered with the error.
void PartitionLog::Break(const Error& error, std::deque<PendingAppend> group) {
  file_.reset();
  {
    MutexLock lock(mutex_);
    failure_ = error;
    std::ranges::move(queue_, std::back_inserter(group));
    queue_.clear();
    queued_bytes_ = 0;
  }
  for (auto& append : group) append.done(std::unexpected(error.WithContext("event log " + directory_)));
}

void PartitionLog::TryRepair() {
  Status repaired = current_ ? CutUnacknowledged() : Ok();
  if (repaired) repaired = AdoptSegment(EndOffset());
  MutexLock lock(mutex_);
  if (repaired) {
    failure_.reset();
  } else {
    failure_ = repaired.error();
  }
}

// After a failed write or sync the bytes behind the last durable group are unknown: they go, and the segment is left
// for good.
Status PartitionLog::CutUnacknowledged() {
  const Segment& segment = *current_;  // its end is written by this thread only
  FEEDMILL_ASSIGN(uint64_t size, files_.FileSize(segment.path));
  if (size < segment.end_bytes) {
    return Corrupt("{} has {} bytes, {} were acknowledged", segment.path, size, segment.end_bytes);
  }
  return size == segment.end_bytes ? Ok() : files_.Truncate(segment.path, segment.end_bytes);
}

// Proves to the next start that the last group was durable: damage to it will then be told from a torn tail.
void PartitionLog::Seal() {
  if (file_ == nullptr || file_->Size() <= kSegmentHeaderBytes) return;
  char seal[kGroupHeaderBytes];
  EncodeGroupHeader({0, 0, EndOffset(), clock_.Now()}, current_->header.salt, file_->Size(), seal);
  // A seal that fails to be written is a torn tail for the next start: nothing acknowledged depends on it.
  if (file_->Append({seal, sizeof seal}) && file_->Sync()) static_cast<void>(file_->Close());
  file_.reset();
}

void PartitionLog::Close() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    work_.NotifyAll();
    news_.NotifyAll();
  }
  if (writer_.joinable()) writer_.join();
}

Status PartitionLog::status() const {
  MutexLock lock(mutex_);
  if (failure_) return Unavailable("event log {} does not accept records: {}", directory_, failure_->message());
  return Ok();
}

std::vector<LogDamage> PartitionLog::damage() const {
  MutexLock lock(mutex_);
  return damage_;
}

Status PartitionLog::Trim(uint64_t offset, Micros older_than) {
  MutexLock rescue(rescue_mutex_);
  while (true) {
    std::string path;
    {
      MutexLock lock(mutex_);
      if (segments_.size() < 2) return Ok();
      // The next segment was begun after the last record of this one.
      const Segment& next = *segments_[1];
      if (next.header.first_offset > offset || next.header.created_at >= older_than) return Ok();
      path = segments_.front()->path;
      begin_.store(next.header.first_offset, std::memory_order_release);
      segments_.erase(segments_.begin());
    }
    FEEDMILL_TRY(files_.Remove(path));
    FEEDMILL_TRY(files_.SyncDirectory(directory_));
  }
}

}  // namespace feedmill::ingest
