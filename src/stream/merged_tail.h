// Records of all partitions in order of their receipt, those of one instant in order of their own time, so that what
// one partition says of another's (who made an item) is mostly known by then. Each partition stays in its own order,
// and nobody waits for one that has nothing newer.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "stream/decoded_tail.h"
#include "stream/live_state.h"

namespace feedmill::stream {

// Reads records of a partition from `offset` on; nothing newer: next = offset.
using DecodedRead = std::function<Status(uint32_t partition, uint64_t offset, DecodedTail* tail)>;

// One thread at a time.
class MergedTail {
 public:
  MergedTail(uint32_t partitions, DecodedRead read);

  struct Run {
    uint32_t partition = 0;
    std::span<const LiveState::Positioned> records;  // good until the next call
    uint64_t next = 0;                               // offset behind them: for SetApplied
  };
  // What is to be applied next, given what `state` has applied; nothing when all before `ends` is applied, or nothing
  // newer is there.
  Result<std::optional<Run>> Next(const LiveState& state, std::span<const uint64_t> ends);
  // Without an end.
  Result<std::optional<Run>> Next(const LiveState& state) { return Next(state, no_ends_); }

 private:
  using Turn = std::pair<Micros, Micros>;  // received, own time
  static Turn TurnOf(const LiveState::Positioned& record) {
    return {record.record.event.received_time, record.record.event.event_time};
  }
  struct Partition {
    DecodedTail tail;
    size_t given = 0;   // of its records
    uint64_t next = 0;  // offset behind what was given
    uint64_t end = 0;
    // Those that may be given.
    std::span<const LiveState::Positioned> left() const;
  };
  // Has records left when there are any before `end`. True: there were offsets without a record.
  Result<bool> Fill(uint32_t partition, uint64_t applied, uint64_t end);
  Run Give(uint32_t partition, Turn until);

  const DecodedRead read_;
  const std::vector<uint64_t> no_ends_;
  std::vector<Partition> partitions_;
};

}  // namespace feedmill::stream
