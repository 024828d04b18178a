#include <algorithm>
#include <cstring>
#include <utility>

#include "base/prefetch.h"
#include "base/random.h"
#include "features/counter_rows_internal.h"

namespace feedmill::features {
namespace {

constexpr size_t kShardSlotsMin = 16;
constexpr uint64_t kRowsBetweenTrims = 4096;  // when many are read at once
constexpr uint64_t kDenseHandlesMax = uint64_t{1} << 31;

size_t ShardOf(uint64_t hash, size_t shards) { return hash >> 58 & (shards - 1); }

}  // namespace

CounterRows::CounterRows(bool pair_key, size_t counters, BoundedMemory* memory)
    : pair_key_(pair_key),
      row_bytes_(offsetof(CounterRow, sums) + std::max<size_t>(counters, 1) * sizeof(double)),
      memory_(memory),
      rows_(std::make_unique<PageTable>(memory, row_bytes_, kPageBytes)),
      dense_(memory) {
  if (!pair_key_) return;
  for (size_t i = 0; i < kShards; ++i) {
    shards_.push_back({PagedArray<Slot>(memory, kShardSlotsMin * sizeof(Slot)), 0});
    shards_.back().slots.Resize(kShardSlotsMin);
  }
}

void CounterRows::Prefetch(uint64_t key) const {
  if (!pair_key_) {
    if (const uint64_t handle = key >> 32; handle < dense_.size()) dense_.Prefetch(handle);
    return;
  }
  const uint64_t hash = Mix64(key);
  const Shard& shard = shards_[ShardOf(hash, kShards)];
  shard.slots.Prefetch(hash & (shard.slots.size() - 1));
}

void CounterRows::PrefetchRow(int32_t number) const { rows_->Prefetch(static_cast<size_t>(number), row_bytes_); }

void CounterRows::PrefetchRowOf(uint64_t key) const {
  if (!pair_key_) {
    if (const int32_t number = Find(key); number >= 0) PrefetchRow(number);
    return;
  }
  const uint64_t hash = Mix64(key);
  const PagedArray<Slot>& slots = shards_[ShardOf(hash, kShards)].slots;
  const auto tag = static_cast<uint32_t>(hash);
  size_t i = tag & (slots.size() - 1);
  while (slots[i].number_plus_one != 0 && slots[i].tag != tag) i = (i + 1) & (slots.size() - 1);
  if (slots[i].number_plus_one != 0) PrefetchRow(static_cast<int32_t>(slots[i].number_plus_one - 1));
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
  for (size_t i = tag & mask;; i = (i + 1) & mask) {
    const Slot& slot = shard.slots[i];
    if (slot.number_plus_one == 0) return -1;
    const auto number = static_cast<int32_t>(slot.number_plus_one - 1);
    if (slot.tag == tag && Row(number)->key == key) return number;
  }
}

const CounterRow* CounterRows::FindRow(uint64_t key) const {
  const int32_t number = Find(key);
  return number < 0 ? nullptr : Row(number);
}

int32_t CounterRows::FindOrAdd(uint64_t key) {
  if (pair_key_) return FindOrAddPair(key);
  const uint64_t handle = key >> 32;
  if (handle >= dense_.size()) dense_.Resize(handle + 1);
  if (dense_[handle] == 0) dense_.Mutable(handle) = static_cast<uint32_t>(AddRow(key)) + 1;
  return static_cast<int32_t>(dense_[handle]) - 1;
}

int32_t CounterRows::FindOrAddPair(uint64_t key) {
  const uint64_t hash = Mix64(key);
  Shard& shard = shards_[ShardOf(hash, kShards)];
  if ((shard.used + 1) * 4 > shard.slots.size() * 3) Grow(&shard);
  const size_t mask = shard.slots.size() - 1;
  const auto tag = static_cast<uint32_t>(hash);
  size_t i = tag & mask;
  for (;; i = (i + 1) & mask) {
    const Slot& slot = shard.slots[i];
    if (slot.number_plus_one == 0) break;
    const auto number = static_cast<int32_t>(slot.number_plus_one - 1);
    if (slot.tag == tag && std::as_const(*this).Row(number)->key == key) return number;
  }
  const int32_t number = AddRow(key);
  shard.slots.Mutable(i) = {tag, static_cast<uint32_t>(number) + 1};
  ++shard.used;
  return number;
}

// The tag holds the place's bits, so that growing touches no row.
void CounterRows::Grow(Shard* shard) const {
  const size_t count = shard->slots.size() * 2;
  PagedArray<Slot> larger(memory_, std::min(kPageBytes, count * sizeof(Slot)));
  larger.Resize(count);
  const size_t mask = count - 1;
  for (size_t at = 0; at < shard->slots.size(); ++at) {
    const Slot& slot = shard->slots[at];
    if (slot.number_plus_one == 0) continue;
    size_t i = slot.tag & mask;
    while (larger[i].number_plus_one != 0) i = (i + 1) & mask;
    larger.Mutable(i) = slot;
  }
  shard->slots = std::move(larger);
}

int32_t CounterRows::AddRow(uint64_t key) {
  rows_->Reserve(size_ + 1);
  const auto number = static_cast<int32_t>(size_++);
  Row(number)->key = key;
  return number;
}

uint64_t CounterRows::MemoryBytes() const {
  uint64_t bytes = rows_->MemoryBytes() + dense_.MemoryBytes();
  for (const Shard& shard : shards_) bytes += shard.slots.MemoryBytes();
  if (memory_ != nullptr) return bytes;
  bytes += rows_->capacity() * row_bytes_ + dense_.size() * sizeof(uint32_t);
  for (const Shard& shard : shards_) bytes += shard.slots.size() * sizeof(Slot);
  return bytes;
}

Status CounterRows::Serialize(ColdReader* reader, const std::function<void(std::string_view)>& sink) const {
  const uint64_t count = size_;
  sink({reinterpret_cast<const char*>(&count), sizeof count});
  std::string scratch;
  for (size_t done = 0; done < size_; done += rows_->per_page()) {
    FEEDMILL_ASSIGN(const std::byte* page, rows_->Look(done / rows_->per_page(), reader, &scratch));
    sink({reinterpret_cast<const char*>(page), std::min(rows_->per_page(), size_ - done) * row_bytes_});
  }
  return Ok();
}

void CounterRows::SerializeParts(std::span<const std::function<void(std::string_view)>> sinks,
                                 const std::function<size_t(uint64_t key)>& place_of) const {
  std::vector<uint64_t> counts(sinks.size());
  for (size_t i = 0; i < size_; ++i) ++counts[place_of(Row(static_cast<int32_t>(i))->key)];
  for (size_t i = 0; i < sinks.size(); ++i) {
    if (sinks[i]) sinks[i]({reinterpret_cast<const char*>(&counts[i]), sizeof counts[i]});
  }
  for (size_t i = 0; i < size_; ++i) {
    const CounterRow* row = Row(static_cast<int32_t>(i));
    const auto& sink = sinks[place_of(row->key)];
    if (sink) sink({reinterpret_cast<const char*>(row), row_bytes_});
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
    if (memory_ != nullptr && i % kRowsBetweenTrims == 0) memory_->Trim(0);
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
