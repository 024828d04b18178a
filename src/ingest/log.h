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
  Micros commit_delay_max = 2 * kMicrosPerMilli;   // group commit: how long the first record of a group may wait
  size_t commit_bytes_max = 4 << 20;
  size_t queue_bytes_max = 64 << 20;               // beyond it Append answers kResourceExhausted (429 at the door)
};

// Called on the partition's writer thread once the group is on disk (or failed). `first` is the position of the first payload.
using AppendDone = std::function<void(Result<LogPosition> first)>;

class EventLog {
 public:
  virtual ~EventLog() = default;
  virtual uint32_t partitions() const = 0;

  // Queues payloads to be appended next to each other, in order, atomically visible after one fsync. Any thread. Never blocks on disk.
  // An error answer means `done` will not be called.
  virtual Status Append(uint32_t partition, std::vector<std::string> payloads, AppendDone done) = 0;

  // One past the last durable record of the partition. Any thread.
  virtual uint64_t EndOffset(uint32_t partition) const = 0;
  // The oldest record still kept.
  virtual uint64_t BeginOffset(uint32_t partition) const = 0;

  // Reads durable records from `offset` on, about `bytes_max` bytes, in order. Empty result = nothing newer yet.
  // kNotFound when `offset` is older than retention kept; kCorrupt names segment file and byte offset. Any thread.
  struct Record {
    uint64_t offset = 0;
    Micros append_time = 0;
    std::string payload;
  };
  virtual Result<std::vector<Record>> Read(uint32_t partition, uint64_t offset, size_t bytes_max) const = 0;
  // Waits until EndOffset(partition) > offset or `timeout` passed. True when there is something to read.
  virtual bool WaitFor(uint32_t partition, uint64_t offset, Micros timeout) const = 0;

  // Removes whole segments that end before `offset` and are older than `older_than`.
  virtual Status Trim(uint32_t partition, uint64_t offset, Micros older_than) = 0;
  // Flushes what is queued, syncs, stops the writers. Idempotent.
  virtual void Close() = 0;
};

// Opens or creates; recovery cuts a torn tail of the last segment and nothing else (kCorrupt otherwise, naming the file and offset).
Result<std::unique_ptr<EventLog>> OpenEventLog(io::FileSystem& files, const Clock& clock, const LogOptions& options);

}  // namespace feedmill::ingest
