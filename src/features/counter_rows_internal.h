// Rows of decayed sums for one kind of key: dense keys by an array, pair keys by open addressing in shards, so that
// growing never stops the writer for long. Rows stay where they are; numbers are given in order of first touch.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::features {

struct CounterRow {
  uint64_t key;    // first handle << 32 | second handle (0 for dense keys)
  Micros last;     // time of the newest action
  Micros base;     // instant the sums refer to: value(t) = sum * 2^(-(t - base) / half-life)
  double sums[1];  // as many as the key has counters
};

class CounterRows {
 public:
  CounterRows(bool pair_key, size_t counters);

  void Prefetch(uint64_t key) const;
  int32_t Find(uint64_t key) const;  // row number or -1
  int32_t FindOrAdd(uint64_t key);   // a new row has zero sums and last = base = 0
  CounterRow* Row(int32_t number) { return reinterpret_cast<CounterRow*>(RowBytes(number)); }
  const CounterRow* Row(int32_t number) const { return reinterpret_cast<const CounterRow*>(RowBytes(number)); }
  size_t size() const { return size_; }
  size_t row_bytes() const { return row_bytes_; }
  uint64_t MemoryBytes() const;
  // Row count (u64) and the rows in order of their numbers, in pieces.
  void Serialize(const std::function<void(std::string_view)>& sink) const;
  // Reads the rows that Serialize wrote and `keep` holds for, and moves `bytes` past them all. kCorrupt when cut or a
  // key is there twice.
  Status Deserialize(std::string_view* bytes, const std::function<bool(const CounterRow&)>& keep);

 private:
  static constexpr size_t kChunkRows = 1024;
  static constexpr size_t kShards = 64;
  struct Slot {
    uint32_t tag = 0;              // low half of the key's hash: place and first comparison
    uint32_t number_plus_one = 0;  // 0: empty
  };
  struct Shard {
    std::vector<Slot> slots;
    size_t used = 0;
  };

  std::byte* RowBytes(int32_t number) const {
    return chunks_[static_cast<size_t>(number) / kChunkRows].get() +
           static_cast<size_t>(number) % kChunkRows * row_bytes_;
  }
  int32_t AddRow(uint64_t key);
  int32_t FindOrAddPair(uint64_t key);
  static void Grow(Shard* shard);

  bool pair_key_;
  size_t row_bytes_;
  size_t size_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::vector<uint32_t> dense_;  // handle -> row number + 1
  std::vector<Shard> shards_;
};

}  // namespace feedmill::features
