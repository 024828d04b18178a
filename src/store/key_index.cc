#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/hash.h"
#include "base/prefetch.h"
#include "store/key_index_internal.h"
#include "store/sealed_file_internal.h"

namespace feedmill::store {
namespace {

constexpr size_t kSlotsMin = 16;
constexpr uint64_t kHashSeed = 0;

// Slots for `keys` keys, at most 5/8 full: a lookup touches 1.5 slots on average.
size_t SlotsFor(size_t keys) { return std::max(kSlotsMin, std::bit_ceil(keys * 8 / 5 + 1)); }

// Whether the first and the last word of `key` are those at `bytes`.
template <typename Word>
bool SameEnds(const char* bytes, std::string_view key) {
  const auto word = [](const char* at) {
    Word value;
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  const size_t tail = key.size() - sizeof(Word);
  return ((word(bytes) ^ word(key.data())) | (word(bytes + tail) ^ word(key.data() + tail))) == 0;
}

bool HoldsShort(const KeySlot& slot, std::string_view key) {
  if (slot.size != key.size()) return false;
  // Most keys are short: two overlapping words instead of a call.
  if (key.size() >= 8 && key.size() <= 16) return SameEnds<uint64_t>(slot.bytes, key);
  if (key.size() >= 4 && key.size() < 8) return SameEnds<uint32_t>(slot.bytes, key);
  return std::memcmp(slot.bytes, key.data(), key.size()) == 0;
}

bool HoldsHash(const KeySlot& slot, uint64_t hash) {
  return slot.size == kLongKey && std::memcmp(slot.bytes, &hash, sizeof hash) == 0;
}

void Fill(KeySlot* slot, uint32_t number, std::string_view key, uint64_t hash) {
  slot->number_plus_one = number + 1;
  if (key.size() <= kInlineKeyBytesMax) {
    slot->size = static_cast<uint8_t>(key.size());
    std::memcpy(slot->bytes, key.data(), key.size());
  } else {
    slot->size = kLongKey;
    std::memcpy(slot->bytes, &hash, sizeof hash);
  }
}

}  // namespace

Status CheckOffsets(std::span<const uint32_t> offsets, uint64_t count, uint64_t bytes_size, std::string_view what) {
  if (offsets.size() != count + 1)
    return Corrupt("{}: {} offsets; {} belong to {} entries", what, offsets.size(), count + 1, count);
  if (offsets.front() != 0 || offsets.back() != bytes_size) {
    return Corrupt("{}: offsets run from {} to {}; allowed is 0 to {}", what, offsets.front(), offsets.back(),
                   bytes_size);
  }
  if (!std::ranges::is_sorted(offsets)) return Corrupt("{}: offsets do not rise", what);
  return Ok();
}

Result<KeyIndex> KeyIndex::Parse(std::span<const std::byte> slots, std::span<const std::byte> offsets,
                                 std::span<const std::byte> bytes, uint64_t key_count) {
  KeyIndex index;
  index.slots_ = AsArray<KeySlot>(slots);
  index.offsets_ = AsArray<uint32_t>(offsets);
  index.bytes_ = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  if (slots.size() % sizeof(KeySlot) != 0 || !std::has_single_bit(index.slots_.size()) ||
      index.slots_.size() <= key_count) {
    return Corrupt("key slots: {} bytes for {} keys; allowed is a power of two of 32-byte slots with one free",
                   slots.size(), key_count);
  }
  FEEDMILL_TRY(CheckOffsets(index.offsets_, key_count, bytes.size(), "keys"));
  const auto used = static_cast<uint64_t>(
      std::ranges::count_if(index.slots_, [](const KeySlot& slot) { return slot.number_plus_one != 0; }));
  if (used != key_count) return Corrupt("key slots: {} are used; the table has {} keys", used, key_count);
  // Long keys are compared in the key bytes, so every number must be sound before the first lookup.
  for (const KeySlot& slot : index.slots_) {
    if (slot.number_plus_one > key_count)
      return Corrupt("key slots: key number {} of {}", slot.number_plus_one - 1, key_count);
  }
  for (size_t number = 0; number < key_count; ++number) {
    if (index.Find(index.Key(number)) != static_cast<int64_t>(number)) {
      return Corrupt("key slots: key {} is not found under its number", number);
    }
  }
  return index;
}

int64_t KeyIndex::FindHashed(std::string_view key, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  const bool is_short = key.size() <= kInlineKeyBytesMax;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    const KeySlot& slot = slots_[i];
    if (slot.number_plus_one == 0) return -1;
    const uint32_t number = slot.number_plus_one - 1;
    if (is_short ? HoldsShort(slot, key) : HoldsHash(slot, hash) && Key(number) == key) return number;
  }
}

int64_t KeyIndex::Find(std::string_view key) const {
  return slots_.empty() ? -1 : FindHashed(key, Hash64(key, kHashSeed));
}

void KeyIndex::FindMany(std::span<const std::string_view> keys, std::span<int64_t> numbers) const {
  constexpr size_t kBatch = 64;  // more lines in flight than a core can wait for
  std::array<uint64_t, kBatch> hashes;
  const size_t mask = slots_.size() - 1;
  for (size_t begin = 0; begin < keys.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, keys.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = Hash64(keys[begin + i], kHashSeed);
      Prefetch(&slots_[hashes[i] & mask]);
    }
    for (size_t i = 0; i < count; ++i) numbers[begin + i] = FindHashed(keys[begin + i], hashes[i]);
  }
}

KeyIndexBuilder::KeyIndexBuilder(size_t expected_keys) : slots_(SlotsFor(expected_keys)) {
  offsets_.reserve(expected_keys + 1);
}

KeySlot* KeyIndexBuilder::Locate(std::string_view key, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  const bool is_short = key.size() <= kInlineKeyBytesMax;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    KeySlot& slot = slots_[i];
    if (slot.number_plus_one == 0) return &slot;
    const uint32_t number = slot.number_plus_one - 1;
    const auto stored = std::string_view(bytes_).substr(offsets_[number], offsets_[number + 1] - offsets_[number]);
    if (is_short ? HoldsShort(slot, key) : HoldsHash(slot, hash) && stored == key) return &slot;
  }
}

Result<std::pair<uint32_t, bool>> KeyIndexBuilder::FindOrAdd(std::string_view key) {
  const uint64_t hash = Hash64(key, kHashSeed);
  KeySlot* slot = Locate(key, hash);
  if (slot->number_plus_one != 0) return std::pair(slot->number_plus_one - 1, false);
  if (bytes_.size() + key.size() > std::numeric_limits<uint32_t>::max() ||
      size() == std::numeric_limits<uint32_t>::max() - 1) {
    return ResourceExhausted("{} keys of {} bytes in all; allowed are 2^32 - 2 keys and 2^32 - 1 bytes", size(),
                             bytes_.size());
  }
  if (SlotsFor(size() + 1) > slots_.size()) {
    Grow();
    slot = Locate(key, hash);
  }
  const auto number = static_cast<uint32_t>(size());
  bytes_.append(key);
  offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
  Fill(slot, number, key, hash);
  return std::pair(number, true);
}

void KeyIndexBuilder::Grow() {
  slots_.assign(slots_.size() * 2, KeySlot());
  for (size_t number = 0; number < size(); ++number) {
    const auto key = std::string_view(bytes_).substr(offsets_[number], offsets_[number + 1] - offsets_[number]);
    const uint64_t hash = Hash64(key, kHashSeed);
    // All keys differ, so the first empty slot is the place.
    size_t i = hash & (slots_.size() - 1);
    while (slots_[i].number_plus_one != 0) i = (i + 1) & (slots_.size() - 1);
    Fill(&slots_[i], static_cast<uint32_t>(number), key, hash);
  }
}

std::string_view KeyIndexBuilder::slots() const { return AsBytes(slots_); }
std::string_view KeyIndexBuilder::offsets() const { return AsBytes(offsets_); }

}  // namespace feedmill::store
