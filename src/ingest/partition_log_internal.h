// One partition of the log: a folder of segments, one writer thread, any number of readers.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <thread>

#include "base/mutex.h"
#include "ingest/log.h"
#include "ingest/segment_internal.h"

namespace feedmill::ingest {

// A segment as readers see it. Under its PartitionLog's mutex_, which no annotation can name from here, but for path
// and header, which never change.
struct Segment {
  std::string path;
  SegmentHeader header;
  uint64_t end_offset = 0;  // one past its last durable record
  uint64_t end_bytes = 0;   // one past its last durable byte; 0 = not looked up yet (closed segments found at start)
  std::map<uint64_t, uint64_t> index;  // some offsets that begin a group -> byte; grows while being written and read
};

// The first offset that a segment's name stands for; nothing when it is no segment's name.
std::optional<uint64_t> OffsetOfSegmentName(std::string_view name);
std::string SegmentName(uint64_t first_offset);
uint64_t RandomSalt();

class PartitionLog {
 public:
  static Result<std::unique_ptr<PartitionLog>> Open(io::FileSystem& files, const Clock& clock,
                                                    const LogOptions& options, const LogRescue& rescue,
                                                    uint32_t partition);
  // SkipLogRecords of one partition (partition_rescue.cc).
  static Status Skip(io::FileSystem& files, const Clock& clock, const LogOptions& options, uint32_t partition,
                     OffsetRange range);
  ~PartitionLog();

  // The operations of EventLog, for one partition.
  Status Append(std::vector<std::string> payloads, AppendDone done);
  uint64_t EndOffset() const { return end_.load(std::memory_order_acquire); }
  uint64_t BeginOffset() const { return begin_.load(std::memory_order_acquire); }
  Result<std::vector<EventLog::Record>> Read(uint64_t offset, size_t bytes_max) const;
  bool WaitFor(uint64_t offset, Micros timeout) const;
  Status status() const;
  std::vector<LogDamage> damage() const;
  Status Trim(uint64_t offset, Micros older_than);
  void Close();

 private:
  struct PendingAppend {
    std::string frames;
    uint32_t record_count = 0;
    AppendDone done;
    Micros queued_at = 0;  // monotonic
  };
  // A durable group in memory: the bytes as they were written, header included.
  struct TailGroup {
    GroupHeader header;
    std::string bytes;
  };

  PartitionLog(io::FileSystem& files, const Clock& clock, const LogOptions& options, const LogRescue& rescue,
               uint32_t partition);

  // Start (partition_recovery.cc).
  Status Recover();
  Status RecoverSegment(const std::string& name, std::optional<uint64_t> end_offset);
  Status AddSegment(const std::string& path, uint64_t first_offset, const SegmentHeader& header)
      FEEDMILL_REQUIRES(mutex_);
  Status CutTornTail(Segment& segment);
  std::string SegmentPath(uint64_t first_offset) const;
  Result<std::shared_ptr<Segment>> StartSegment(uint64_t first_offset);

  // Damage (partition_rescue.cc).
  Result<SegmentHeader> SetAside(uint64_t first_offset, std::optional<uint64_t> end_offset, const Error& found) const;
  Result<bool> AreInLake(const std::vector<OffsetRange>& lost) const;
  Status Quarantine(const std::string& name, std::string_view bytes, LogDamage* damage) const;
  Status ReplaceClosed(const std::shared_ptr<Segment>& segment, const Error& found) const;
  Status LoadDamage();

  // Writer thread (partition_log.cc).
  void Run();
  void WatchFile();
  Status CheckInPlace() const;
  std::deque<PendingAppend> TakeGroup() FEEDMILL_REQUIRES(mutex_);
  void CommitGroup(std::deque<PendingAppend> group);
  Result<std::shared_ptr<TailGroup>> WriteGroup(const std::deque<PendingAppend>& group);
  Status WriteBytes(std::string_view bytes);
  Status RotateIfFull(size_t incoming_bytes);
  Status AdoptSegment(uint64_t first_offset);
  void Publish(std::shared_ptr<TailGroup> group);
  void Break(const Error& error, std::deque<PendingAppend> group);
  void TryRepair();
  Status CutUnacknowledged();
  void Seal();

  // Readers (partition_reader.cc).
  bool ReadTail(uint64_t offset, size_t bytes_max, std::vector<EventLog::Record>* out) const;
  Status ReadSegment(Segment& segment, uint64_t offset, size_t bytes_max, std::vector<EventLog::Record>* out) const;
  std::shared_ptr<Segment> FindSegment(uint64_t offset) const;
  void Remember(Segment& segment, uint64_t offset, uint64_t position) const FEEDMILL_REQUIRES(mutex_);

  io::FileSystem& files_;
  const Clock& clock_;
  const LogOptions options_;
  const LogRescue rescue_;
  const uint32_t partition_;
  const std::string directory_;

  std::atomic<uint64_t> begin_ = 0;
  std::atomic<uint64_t> end_ = 0;

  mutable Mutex mutex_;
  mutable CondVar work_;  // for the writer
  mutable CondVar news_;  // for readers
  std::deque<PendingAppend> queue_ FEEDMILL_GUARDED_BY(mutex_);
  size_t queued_bytes_ FEEDMILL_GUARDED_BY(mutex_) = 0;
  size_t appends_wanted_ FEEDMILL_GUARDED_BY(mutex_) = 1;  // queue length that wakes the writer
  bool closing_ FEEDMILL_GUARDED_BY(mutex_) = false;
  std::optional<Error> failure_ FEEDMILL_GUARDED_BY(mutex_);  // set = nothing is accepted until repaired
  // Oldest first; empty: none could be made.
  mutable std::vector<std::shared_ptr<Segment>> segments_ FEEDMILL_GUARDED_BY(mutex_);
  // Newest groups, without gaps, up to end_.
  std::deque<std::shared_ptr<const TailGroup>> tail_ FEEDMILL_GUARDED_BY(mutex_);
  size_t tail_bytes_ FEEDMILL_GUARDED_BY(mutex_) = 0;

  mutable Mutex rescue_mutex_;  // held while files of segments are replaced or removed
  mutable std::vector<LogDamage> damage_ FEEDMILL_GUARDED_BY(mutex_);

  // Writer thread only, once started.
  std::shared_ptr<Segment> current_;        // segments_.back(): the one being written
  std::unique_ptr<io::WritableFile> file_;  // its file; null = to be repaired
  size_t last_group_appends_ = 1;
  std::thread writer_;
};

}  // namespace feedmill::ingest
