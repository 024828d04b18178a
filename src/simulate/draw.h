// Counter-based random draws: a value depends only on the seed, the purpose and the ids, never on the order of calls.
// So two policies on one seed meet the same users with the same moods, and differ only by what they show.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace feedmill::simulate {

// What a draw is for; each purpose has its own stream.
enum class Purpose : uint64_t {
  kTaste = 1,
  kActivity,
  kHour,
  kAuthor,
  kQuality,
  kPostTime,
  kPostTopic,
  kPostVector,
  kPostQuality,
  kTextLength,
  kFollow,
  kSession,
  kFeedCount,
  kSlate,
  kExamine,
  kClick,
  kReaction,
  kReactionValue,
  kLanguage,
  kAdult,
  kCommunity,
  kJoin,
  kCountry,
  kNewUser,
  kDelay,
};

// SplitMix64's finaliser (Steele, Lea, Flood 2014).
inline uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

class Draw {
 public:
  explicit Draw(uint64_t seed) : seed_(seed) {}

  uint64_t Bits(Purpose purpose, uint64_t a, uint64_t b = 0) const {
    return Mix(Mix(Mix(seed_ ^ (static_cast<uint64_t>(purpose) << 56)) ^ a) ^ b);
  }
  // Uniform in [0, 1).
  double Uniform(Purpose purpose, uint64_t a, uint64_t b = 0) const {
    return static_cast<double>(Bits(purpose, a, b) >> 11) * 0x1.0p-53;
  }
  // Uniform integer in [0, bound), bound > 0.
  uint64_t Below(uint64_t bound, Purpose purpose, uint64_t a, uint64_t b = 0) const {
    return static_cast<uint64_t>(Uniform(purpose, a, b) * static_cast<double>(bound));
  }
  // Standard normal (Box-Muller, first of the pair).
  double Normal(Purpose purpose, uint64_t a, uint64_t b = 0) const {
    const uint64_t bits = Bits(purpose, a, b);
    const double u = (static_cast<double>(bits >> 11) + 1) * 0x1.0p-53;
    const double v = static_cast<double>(Mix(bits) >> 11) * 0x1.0p-53;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

 private:
  uint64_t seed_;
};

}  // namespace feedmill::simulate
