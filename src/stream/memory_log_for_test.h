// A log in memory for the tests of this room.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "data/event_codec.h"
#include "stream/log_tailer.h"

namespace feedmill::stream {

class MemoryLog {
 public:
  explicit MemoryLog(uint32_t partitions) : payloads_(partitions) {}
  void Append(uint32_t partition, std::string payload) {
    const std::scoped_lock guard(lock_);
    bytes_ += payload.size();
    payloads_[partition].push_back(std::move(payload));
    changed_.notify_all();
  }
  void Append(uint32_t partition, const LogRecord& record) {
    std::string payload;
    EncodeLogRecord(record, &payload);
    Append(partition, std::move(payload));
  }
  uint64_t bytes() const { return bytes_; }
  void TrimBefore(uint64_t begin) { begin_ = begin; }

  TailSource Source() {
    return {.partitions = static_cast<uint32_t>(payloads_.size()),
            .read = [this](uint32_t partition, uint64_t offset,
                           size_t bytes_max) { return Read(partition, offset, bytes_max); },
            .wait_for =
                [this](uint32_t partition, uint64_t offset, Micros timeout) {
                  std::unique_lock guard(lock_);
                  return changed_.wait_for(guard, std::chrono::microseconds(timeout),
                                           [&] { return payloads_[partition].size() > offset; });
                },
            .end_offset =
                [this](uint32_t partition) {
                  const std::scoped_lock guard(lock_);
                  return payloads_[partition].size();
                }};
  }

 private:
  Result<std::vector<TailRecord>> Read(uint32_t partition, uint64_t offset, size_t bytes_max) {
    const std::scoped_lock guard(lock_);
    if (offset < begin_) return NotFound("offset {} is gone; the log begins at {}", offset, begin_);
    std::vector<TailRecord> records;
    size_t bytes = 0;
    for (; offset < payloads_[partition].size() && bytes < bytes_max; ++offset) {
      records.push_back({offset, payloads_[partition][offset]});
      bytes += records.back().payload.size();
    }
    return records;
  }
  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<std::vector<std::string>> payloads_;
  uint64_t begin_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace feedmill::stream
