#include <algorithm>
#include <cstring>

#include "base/prefetch.h"
#include "base/random.h"
#include "features/counter_rows_internal.h"

namespace feedmill::features {
namespace {

constexpr size_t kShardSlotsMin = 16;
constexpr uint64_t kDenseHandlesMax = uint64_t{1} << 31;

size_t ShardOf(uint64_t hash, size_t shards) { return hash >> 58 & (shards - 1); }

}  // namespace

CounterRows::CounterRows(bool pair_key, size_t counters)
    : pair_key_(pair_key), row_bytes_(offsetof(CounterRow, sums) + std::max<size_t>(counters, 1) * sizeof(double)) {
  if (!pair_key_) return;
  shards_.resize(kShards);
  for (Shard& shard : shards_) shard.slots.resize(kShardSlotsMin);
}

void CounterRows::Prefetch(uint64_t key) const {
  if (!pair_key_) {
    if (const uint64_t handle = key >> 32; handle < dense_.size()) feedmill::Prefetch(&dense_[handle]);
    return;
  }
  const uint64_t hash = Mix64(key);
  const Shard& shard = shards_[ShardOf(hash, kShards)];
  feedmill::Prefetch(&shard.slots[hash & (shard.slots.size() - 1)]);
}

int32_t CounterRows::Find(uint64_t key) const {
  if (!pair_key_) {
    const uint64_t handle = key >> 32;
    return handle < dense_.size() ? static_cast<int32_t>(dense_[handle]) - 1 : -1;
  }
  const uint64_t hash = Mix64(key);
  const Shard& shard = shards_[ShardOf(hash, kShards)];
  const size_t mask = shard.slots.size() - 1;
  const auto tag = static_cast<uint32_t>(hash);
  for (size_t i = tag & mask; shard.slots[i].number_plus_one != 0; i = (i + 1) & mask) {
    const auto number = static_cast<int32_t>(shard.slots[i].number_plus_one - 1);
    if (shard.slots[i].tag == tag && Row(number)->key == key) return number;
  }
  return -1;
}

int32_t CounterRows::FindOrAdd(uint64_t key) {
  if (pair_key_) return FindOrAddPair(key);
  const uint64_t handle = key >> 32;
  if (handle >= dense_.size()) dense_.resize(handle + 1);
  if (dense_[handle] == 0) dense_[handle] = static_cast<uint32_t>(AddRow(key)) + 1;
  return static_cast<int32_t>(dense_[handle]) - 1;
}

int32_t CounterRows::FindOrAddPair(uint64_t key) {
  const uint64_t hash = Mix64(key);
  Shard& shard = shards_[ShardOf(hash, kShards)];
  if ((shard.used + 1) * 4 > shard.slots.size() * 3) Grow(&shard);
  const size_t mask = shard.slots.size() - 1;
  const auto tag = static_cast<uint32_t>(hash);
  size_t i = tag & mask;
  for (; shard.slots[i].number_plus_one != 0; i = (i + 1) & mask) {
    const auto number = static_cast<int32_t>(shard.slots[i].number_plus_one - 1);
    if (shard.slots[i].tag == tag && Row(number)->key == key) return number;
  }
  const int32_t number = AddRow(key);
  shard.slots[i] = {tag, static_cast<uint32_t>(number) + 1};
  ++shard.used;
  return number;
}

// The tag holds the place's bits, so that growing touches no row.
void CounterRows::Grow(Shard* shard) {
  std::vector<Slot> larger(shard->slots.size() * 2);
  const size_t mask = larger.size() - 1;
  for (const Slot& slot : shard->slots) {
    if (slot.number_plus_one == 0) continue;
    size_t i = slot.tag & mask;
    while (larger[i].number_plus_one != 0) i = (i + 1) & mask;
    larger[i] = slot;
  }
  shard->slots = std::move(larger);
}

int32_t CounterRows::AddRow(uint64_t key) {
  if (size_ % kChunkRows == 0) chunks_.push_back(std::make_unique<std::byte[]>(kChunkRows * row_bytes_));
  const auto number = static_cast<int32_t>(size_++);
  Row(number)->key = key;
  return number;
}

uint64_t CounterRows::MemoryBytes() const {
  uint64_t bytes = chunks_.size() * kChunkRows * row_bytes_ + dense_.capacity() * sizeof(uint32_t);
  for (const Shard& shard : shards_) bytes += shard.slots.capacity() * sizeof(Slot);
  return bytes;
}

void CounterRows::Serialize(const std::function<void(std::string_view)>& sink) const {
  const uint64_t count = size_;
  sink({reinterpret_cast<const char*>(&count), sizeof count});
  for (size_t done = 0; done < size_; done += kChunkRows) {
    const size_t rows = std::min(kChunkRows, size_ - done);
    sink({reinterpret_cast<const char*>(chunks_[done / kChunkRows].get()), rows * row_bytes_});
  }
}

Status CounterRows::Deserialize(std::string_view* bytes, const std::function<bool(const CounterRow&)>& keep) {
  uint64_t count = 0;
  if (bytes->size() < sizeof count) return Corrupt("counter rows: the count is cut");
  std::memcpy(&count, bytes->data(), sizeof count);
  bytes->remove_prefix(sizeof count);
  if (count > bytes->size() / row_bytes_) {
    return Corrupt("counter rows: {} rows of {} bytes do not fit into {} bytes", count, row_bytes_, bytes->size());
  }
  for (uint64_t i = 0; i < count; ++i) {
    CounterRow head{};
    std::memcpy(&head, bytes->data(), offsetof(CounterRow, sums));
    if (!pair_key_ && (head.key >> 32) >= kDenseHandlesMax)
      return Corrupt("counter rows: row {} has handle {}", i, head.key >> 32);
    if (keep(head)) {
      const size_t before = size_;
      const int32_t number = FindOrAdd(head.key);
      if (size_ == before) return Corrupt("counter rows: key {} of row {} is there already", head.key, i);
      std::memcpy(Row(number), bytes->data(), row_bytes_);
    }
    bytes->remove_prefix(row_bytes_);
  }
  return Ok();
}

}  // namespace feedmill::features
