// Keeps a LiveState up with the event log: reads the tail, applies it, writes checkpoints, and finds the newest whole
// one at start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/result.h"
#include "io/file_system.h"
#include "stream/live_state.h"

namespace feedmill::stream {

struct TailRecord {
  uint64_t offset = 0;
  std::string payload;     // as data/event_codec.h encodes a LogRecord; empty: nothing up to here is left to apply
  Micros append_time = 0;  // receipt time of a record that carries none; 0: unknown
};

// Durable records from `offset` on, about `bytes_max` bytes, in order; empty = nothing newer yet.
using TailRead = std::function<Result<std::vector<TailRecord>>(uint32_t partition, uint64_t offset, size_t bytes_max)>;

// The log as this room sees it; wired by app. All functions are called on the tailer's threads.
struct TailSource {
  uint32_t partitions = 1;
  TailRead read;
  // Waits until there is a record at `offset` or later, or `timeout` passed.
  std::function<bool(uint32_t partition, uint64_t offset, Micros timeout)> wait_for;
  // One past the last durable record.
  std::function<uint64_t(uint32_t partition)> end_offset;
};

struct LogTailerOptions {
  std::string folder;                                 // of the checkpoints: DIR/state
  Micros checkpoint_interval = 5 * kMicrosPerMinute;  // 0: none but the last
  // Applied since the last one: a checkpoint is due at once, and so is one at the end of a long replay. It bounds the
  // replay of the next start, however often the process is killed.
  uint64_t checkpoint_records_max = 500'000;
  // The log is the increment: a checkpoint is written when the log has grown by as many bytes as the last one had, so
  // that checkpoints never write more than the log does; or when so much time has passed, or at the stop.
  Micros checkpoint_time_max = kMicrosPerHour;
  bool checkpoint_at_stop = true;
  // Checkpoints while running are written by a copy of the process, so that feeds and applying do not wait for them.
  // Only with files of the operating system.
  bool checkpoint_in_copy = false;
  size_t read_bytes_max = 1 << 20;
};

// The newest ones; and the one from before the widest pause of receipt times (PartitionTimes), for when it turns out
// that the clock had jumped ahead there.
inline constexpr int kCheckpointsKept = 2;

// The state of the newest whole checkpoint of the folder, or an empty one. A broken or foreign checkpoint is refused
// with a log line that names it and why, and the former one is taken; the log's tail then makes up for the rest.
Result<std::unique_ptr<LiveState>> RecoverLiveState(io::FileSystem& files, const std::string& folder,
                                                    const features::FeatureSet& set, const LiveStateOptions& options);

class LogTailer {
 public:
  virtual ~LogTailer() = default;  // stops
  // Waits until everything that was durable when the tailer started has been applied. False at the deadline or after a
  // failure.
  virtual bool WaitCaughtUp(Deadline deadline) const = 0;
  // Records of the log not applied yet, over all partitions.
  virtual uint64_t Lag() const = 0;
  // Success, or why applying stopped: the log no longer holds the next offset (kNotFound: rebuild from the lake), or
  // cannot be read.
  virtual Status status() const = 0;
  // How often the clock was found to have been ahead, so that records were applied again under the times that the rule
  // of data/receipt_times.h gives them.
  virtual uint64_t times_healed() const = 0;
  // Bytes of the checkpoints written since the start.
  virtual uint64_t checkpoint_bytes_written() const = 0;
  // Records that could not be decoded; each is logged, left out and counted.
  virtual uint64_t records_refused() const = 0;
  // Has the state learn from records of its past (LiveState::Learn), on the applying thread; returns when it has. False
  // when the tailer stops or has failed. Any thread, one at a time.
  virtual bool Learn(std::span<const LiveState::Positioned> records) = 0;
  // All of the past was given: the state knows its history from now on, and a checkpoint says so. kConflict when the
  // state was replaced since the first of it (wrong clocks): all is to be given again.
  virtual Status EndLearning() = 0;
  // Writes a checkpoint now and removes all but the newest kCheckpointsKept. Any thread.
  virtual Status WriteCheckpoint() = 0;
  // Ends the threads, then writes the last checkpoint. Idempotent.
  virtual void Stop() = 0;
};

// Starts at state->AppliedOffset of each partition. `state` and `files` outlive the tailer; only it applies to the
// state.
Result<std::unique_ptr<LogTailer>> StartLogTailer(io::FileSystem& files, const LogTailerOptions& options,
                                                  TailSource source, LiveState* state);

}  // namespace feedmill::stream
