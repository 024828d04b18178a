// Random numbers that are the same on every machine: no distribution of the standard library and no libm is used, so a
// seed gives the same figures everywhere. xoshiro256** (Blackman, Vigna 2018) seeded by splitmix64. One thread at a
// time.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

namespace feedmill {

// A well mixed function of `value` (the finalizer of splitmix64): for seeds made from ids.
uint64_t Mix64(uint64_t value);

class Random {
 public:
  explicit Random(uint64_t seed);

  // 64 uniform bits.
  uint64_t Next();
  // Uniform in [0, bound); bound must be positive. Without bias (Lemire 2018).
  uint64_t Below(uint64_t bound);
  // Uniform in [low, high], both included; low <= high.
  int64_t Between(int64_t low, int64_t high);
  // Uniform in [0, 1), 53 bits.
  double Uniform();
  // True with probability p; p <= 0 is never, p >= 1 always.
  bool Chance(double p) { return Uniform() < p; }
  // Mean 0, deviation 1, by the inverse of the normal distribution (Wichura 1988, AS 241): one draw a number.
  double Normal();
  // Exponential with the given mean.
  double Exponential(double mean);
  // An independent stream named by a number; this one is left where it was.
  Random Fork(uint64_t stream) const;

  // Fisher-Yates.
  template <typename T>
  void Shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  uint64_t state_[4];
};

// The value below which a share `p` in (0, 1) of a standard normal lies.
double NormalQuantile(double p);

}  // namespace feedmill
