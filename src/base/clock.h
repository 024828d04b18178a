// Time. Everything that reads the time is given a Clock, so that a test, a replay or a simulated world can drive it.
#pragma once

#include <atomic>
#include <cstdint>

namespace feedmill {

// Microseconds since 1970-01-01T00:00:00Z (UTC), the only representation of an instant in this code.
using Micros = int64_t;

inline constexpr Micros kMicrosPerMilli = 1000;
inline constexpr Micros kMicrosPerSecond = 1000 * kMicrosPerMilli;
inline constexpr Micros kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr Micros kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr Micros kMicrosPerDay = 24 * kMicrosPerHour;

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, UTC. May jump. Any thread.
  virtual Micros Now() const = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  Micros Now() const override;
};

// A clock that stands where it was put. Any thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Micros now) : now_(now) {}
  Micros Now() const override { return now_.load(std::memory_order_acquire); }
  void Set(Micros now) { now_.store(now, std::memory_order_release); }
  void Advance(Micros by) { now_.fetch_add(by, std::memory_order_acq_rel); }

 private:
  std::atomic<Micros> now_;
};

// Monotonic time of the machine for measuring how long something took, never for telling the hour. Microseconds.
Micros MonotonicMicros();

}  // namespace feedmill
