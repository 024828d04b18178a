// Rows of decayed sums for one kind of key: dense keys by an array, pair keys by open addressing in shards, so that
// growing never stops the writer for long. Numbers are given in order of first touch and stay; where a row is in memory
// is good until the next Trim of the memory it is in.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "features/paged_array.h"

namespace feedmill::features {

struct CounterRow {
  uint64_t key;    // first handle << 32 | second handle (0 for dense keys)
  Micros last;     // time of the newest action
  Micros base;     // instant the sums refer to: value(t) = sum * 2^(-(t - base) / half-life)
  double sums[1];  // as many as the key has counters
};

class CounterRows {
 public:
  // `memory` may be null; it outlives the rows.
  CounterRows(bool pair_key, size_t counters, BoundedMemory* memory);

  void Prefetch(uint64_t key) const;
  // What is most likely the key's row, found without looking at any row: once Prefetch had its time.
  void PrefetchRowOf(uint64_t key) const;
  int32_t Find(uint64_t key) const;  // row number or -1
  const CounterRow* FindRow(uint64_t key) const;
  int32_t FindOrAdd(uint64_t key);  // a new row has zero sums and last = base = 0
  CounterRow* Row(int32_t number) {
    return reinterpret_cast<CounterRow*>(rows_->MutableAt(static_cast<size_t>(number)));
  }
  const CounterRow* Row(int32_t number) const {
    return reinterpret_cast<const CounterRow*>(rows_->At(static_cast<size_t>(number)));
  }
  void PrefetchRow(int32_t number) const;
  size_t size() const { return size_; }
  size_t row_bytes() const { return row_bytes_; }
  // In a BoundedMemory: what it does not count.
  uint64_t MemoryBytes() const;
  // Row count (u64) and the rows in order of their numbers, in pieces. `reader` reads what is cold; null when nothing
  // is.
  Status Serialize(ColdReader* reader, const std::function<void(std::string_view)>& sink) const;
  // Of rows that are all in memory: to each sink the count of its rows and the rows; rows of an empty sink are left
  // out.
  void SerializeParts(std::span<const std::function<void(std::string_view)>> sinks,
                      const std::function<size_t(uint64_t key)>& place_of) const;
  // Reads the rows that Serialize wrote and `keep` holds for, and moves `bytes` past them all. kCorrupt when cut or a
  // key is there twice.
  Status Deserialize(std::string_view* bytes, const std::function<bool(const CounterRow&)>& keep);

 private:
  static constexpr size_t kShards = 64;
  struct Slot {
    uint32_t tag = 0;              // low half of the key's hash: place and first comparison
    uint32_t number_plus_one = 0;  // 0: empty
  };
  struct Shard {
    PagedArray<Slot> slots;
    size_t used = 0;
  };

  int32_t AddRow(uint64_t key);
  int32_t FindOrAddPair(uint64_t key);
  void Grow(Shard* shard) const;

  bool pair_key_;
  size_t row_bytes_;
  size_t size_ = 0;
  BoundedMemory* memory_;
  std::unique_ptr<PageTable> rows_;
  PagedArray<uint32_t> dense_;  // handle -> row number + 1
  std::vector<Shard> shards_;
};

}  // namespace feedmill::features
