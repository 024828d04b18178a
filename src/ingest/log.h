// The durable event log: partitions of segments of checksummed records. Format: docs/formats/event-log.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/event.h"
#include "io/file_system.h"

namespace feedmill::ingest {

struct LogOptions {
  std::string directory;
  uint32_t partitions = 1;
  uint64_t segment_bytes_max = 128ull << 20;
  size_t record_bytes_max = 1 << 20;
  // Group commit: a group is written as soon as the disk is free; the writer waits for company only while fewer appends
  // are queued than the last group had, and never longer than this after the group's first append.
  Micros commit_delay_max = 2 * kMicrosPerMilli;
  size_t commit_bytes_max = 4 << 20;
  size_t queue_bytes_max = 64 << 20;          // beyond it Append answers kResourceExhausted (429 at the door)
  size_t tail_bytes_max = 32 << 20;           // newest groups kept in memory for readers that follow the log
  Micros repair_interval = kMicrosPerSecond;  // after a failed write or sync: how often to try to write again
  Micros watch_interval = kMicrosPerSecond;  // without writes: how often to see whether the file is still in its folder
};

// Records [from, to) of a partition.
struct OffsetRange {
  uint64_t from = 0;
  uint64_t to = 0;
  friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
};

// What is done about damaged bytes. The segment is copied to <directory>/quarantine and written anew without them;
// records that are gone are named there, in the log line and by EventLog::damage().
struct LogRescue {
  // Whether every record of the range is in the lake: then its loss here costs nothing. Null: none is. Any thread.
  std::function<Result<bool>(uint32_t partition, OffsetRange range)> in_lake;
  // Records that are nowhere else are given up too. Otherwise they are kCorrupt, and the segment stays as it is.
  bool give_up = false;
};

// A segment that was set aside.
struct LogDamage {
  uint32_t partition = 0;
  std::string file;               // the damaged bytes, kept
  std::vector<OffsetRange> lost;  // empty: all of its records could be read
  bool in_lake = false;           // all that is lost
};

// Called on the partition's writer thread once the group is on disk (or failed). `first` is the position of the first
// payload. An error (kIo, kUnavailable) means: not acknowledged. It must not block, since the next group waits for it.
using AppendDone = std::function<void(Result<LogPosition> first)>;

class EventLog {
 public:
  virtual ~EventLog() = default;
  virtual uint32_t partitions() const = 0;

  // Queues payloads to be appended next to each other, in order, atomically visible after one fsync: after a crash all
  // of them are there or none. Any thread. Never blocks on disk. An error answer means `done` will not be called:
  // kInvalidArgument (no payload, one beyond record_bytes_max, unknown partition), kResourceExhausted (queue full),
  // kUnavailable (the last write or sync failed, the file is no longer in its folder, or closed). After a failed sync
  // nothing is retried: what was not
  // acknowledged is answered with an error and cut off, and a new segment is begun; until that worked the log stays
  // unavailable.
  virtual Status Append(uint32_t partition, std::vector<std::string> payloads, AppendDone done) = 0;

  // One past the last durable record of the partition. Any thread.
  virtual uint64_t EndOffset(uint32_t partition) const = 0;
  // The oldest record still kept.
  virtual uint64_t BeginOffset(uint32_t partition) const = 0;

  // Reads durable records from `offset` on, about `bytes_max` bytes, in order. Empty result = nothing newer yet.
  // kNotFound when `offset` is older than retention kept; kCorrupt names segment file, byte offset and records. Any
  // thread.
  struct Record {
    uint64_t offset = 0;
    Micros append_time = 0;
    std::string payload;
    uint64_t lost = 0;  // > 0: no record, but so many that are gone with damaged bytes; `offset` is that of the last
  };
  virtual Result<std::vector<Record>> Read(uint32_t partition, uint64_t offset, size_t bytes_max) const = 0;
  // Waits until EndOffset(partition) > offset or `timeout` passed. True when there is something to read.
  virtual bool WaitFor(uint32_t partition, uint64_t offset, Micros timeout) const = 0;

  // Success, or why nothing can be appended now: what the last write, sync or look at the folder said. Any thread.
  virtual Status status() const = 0;
  // Segments set aside, the former ones too as long as their files are kept. Any thread.
  virtual std::vector<LogDamage> damage() const = 0;

  // Removes whole segments of which every record is before `offset` and was appended before the instant `older_than`.
  virtual Status Trim(uint32_t partition, uint64_t offset, Micros older_than) = 0;
  // Flushes what is queued, syncs, stops the writers. Idempotent.
  virtual void Close() = 0;
};

// Opens or creates. Recovery cuts a torn tail of the last segment, and does about damage what `rescue` says (kCorrupt
// otherwise, naming file, byte and records). Without space for a new segment it opens, too: status() says so.
Result<std::unique_ptr<EventLog>> OpenEventLog(io::FileSystem& files, const Clock& clock, const LogOptions& options,
                                               const LogRescue& rescue = {});

// Makes the closed log go on behind what is known to be elsewhere: records that it lacks of [from, to) become a hole.
// It then begins at `from` or before, and ends at `to` or behind. kCorrupt: it cannot be opened.
Status SkipLogRecords(io::FileSystem& files, const Clock& clock, const LogOptions& options, uint32_t partition,
                      OffsetRange range);

}  // namespace feedmill::ingest
