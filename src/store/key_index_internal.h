// String keys -> dense numbers 0..n-1, as three sections of a sealed file: slots (open addressing, 32 bytes each, a
// short key inside its slot so that a lookup costs one cache line), key offsets (u32, n + 1) and key bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::store {

inline constexpr size_t kInlineKeyBytesMax = 27;
inline constexpr uint8_t kLongKey = 0xff;

struct alignas(32) KeySlot {
  uint32_t number_plus_one = 0;  // 0: empty
  uint8_t size = 0;              // kLongKey: the key is in the key bytes, the first 8 bytes here are its hash
  char bytes[kInlineKeyBytesMax] = {};
};
static_assert(sizeof(KeySlot) == 32);

// A view over the three sections; they must outlive it.
class KeyIndex {
 public:
  // Checks sizes, offsets and that every key is found under its number; kCorrupt names the rule.
  static Result<KeyIndex> Parse(std::span<const std::byte> slots, std::span<const std::byte> offsets,
                                std::span<const std::byte> bytes, uint64_t key_count);
  size_t size() const { return offsets_.empty() ? 0 : offsets_.size() - 1; }
  std::string_view Key(size_t number) const {
    return bytes_.substr(offsets_[number], offsets_[number + 1] - offsets_[number]);
  }
  // The key's number or -1.
  int64_t Find(std::string_view key) const;
  // The same for many, with the slots prefetched.
  void FindMany(std::span<const std::string_view> keys, std::span<int64_t> numbers) const;

 private:
  int64_t FindHashed(std::string_view key, uint64_t hash) const;

  std::span<const KeySlot> slots_;
  std::span<const uint32_t> offsets_;
  std::string_view bytes_;
};

// Offsets of strings laid end to end: kCorrupt unless they rise from 0 to `bytes_size`.
Status CheckOffsets(std::span<const uint32_t> offsets, uint64_t count, uint64_t bytes_size, std::string_view what);

class KeyIndexBuilder {
 public:
  explicit KeyIndexBuilder(size_t expected_keys = 0);
  // The number of the key and whether it is new. kResourceExhausted past 2^32 bytes of keys.
  Result<std::pair<uint32_t, bool>> FindOrAdd(std::string_view key);
  size_t size() const { return offsets_.size() - 1; }
  std::string_view slots() const;
  std::string_view offsets() const;
  std::string_view bytes() const { return bytes_; }

 private:
  void Grow();
  KeySlot* Locate(std::string_view key, uint64_t hash);

  std::vector<KeySlot> slots_;
  std::vector<uint32_t> offsets_{0};
  std::string bytes_;
};

}  // namespace feedmill::store
