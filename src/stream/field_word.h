// The value of a declared field (domain/domain.h) in four bytes. Texts are handles of the live state's names, lists of
// texts handles of its lists; both go by LiveState.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "domain/domain.h"
#include "features/counter_table.h"

namespace feedmill::stream {

class FieldWord {
 public:
  constexpr FieldWord() = default;  // not given
  static constexpr FieldWord OfBoolean(bool value) { return FieldWord(value ? kTrue : kFalse); }
  static constexpr FieldWord OfNumber(float value) {
    return FieldWord(value == 0 ? kZero : std::bit_cast<uint32_t>(value));
  }
  // Seconds since 1970; what is before it, or after 2106, is cut.
  static constexpr FieldWord OfTime(int64_t seconds) {
    return FieldWord(static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, kTimeMax)) + 1);
  }
  // Of a text or a list; kNoEntity is one that nothing else has.
  static constexpr FieldWord OfHandle(features::EntityHandle handle) {
    return FieldWord(handle == features::kNoEntity ? kUnheardOf : handle + 1);
  }

  constexpr bool given() const { return bits_ != 0; }
  constexpr bool boolean() const { return bits_ == kTrue; }
  constexpr float number() const { return std::bit_cast<float>(bits_); }
  constexpr int64_t seconds() const { return static_cast<int64_t>(bits_) - 1; }
  constexpr features::EntityHandle handle() const { return bits_ == kUnheardOf ? features::kNoEntity : bits_ - 1; }
  friend bool operator==(FieldWord, FieldWord) = default;

 private:
  static constexpr uint32_t kFalse = 1, kTrue = 2;
  static constexpr uint32_t kZero = 0x80000000;  // minus zero, which equals zero
  static constexpr int64_t kTimeMax = 0xfffffffe;
  static constexpr uint32_t kUnheardOf = features::kNoEntity;
  explicit constexpr FieldWord(uint32_t bits) : bits_(bits) {}

  uint32_t bits_ = 0;
};

using FieldWords = std::array<FieldWord, domain::kFieldsMax>;  // by place in the domain

}  // namespace feedmill::stream
