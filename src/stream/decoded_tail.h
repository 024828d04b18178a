// Records of the log's tail, decoded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stream/log_tailer.h"

namespace feedmill::stream {

// Read into again and again, so that its records' texts keep their memory.
struct DecodedTail {
  std::vector<LiveState::Positioned> kept;  // the first `count` are of the last reading
  size_t count = 0;
  uint64_t next = 0;     // offset behind them
  uint64_t bytes = 0;    // of all payloads
  uint64_t refused = 0;  // payloads that could not be decoded; each is logged and left out
  std::span<const LiveState::Positioned> records() const { return std::span(kept).first(count); }
};
// Nothing newer: no records, and next = offset.
Status ReadTail(const TailRead& read, uint32_t partition, uint64_t offset, size_t bytes_max, DecodedTail* tail);

}  // namespace feedmill::stream
