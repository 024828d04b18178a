#include "base/clock.h"

#include <ctime>

namespace feedmill {
namespace {

Micros ReadClock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return now.tv_sec * kMicrosPerSecond + now.tv_nsec / 1000;
}

}  // namespace

Micros SystemClock::Now() const { return ReadClock(CLOCK_REALTIME); }

Micros MonotonicMicros() { return ReadClock(CLOCK_MONOTONIC); }

}  // namespace feedmill
