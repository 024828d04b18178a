#include "app/service_clock.h"

#include "base/time_text.h"

namespace feedmill::app {

ServiceClock::ServiceClock(ClockSource source, Micros start)
    : source_(source), shift_(start - system_.Now()), driven_(start) {}

Micros ServiceClock::Now() const {
  switch (source_) {
    case ClockSource::kSystem:
      return system_.Now();
    case ClockSource::kDriven:
      return driven_.load(std::memory_order_acquire);
    case ClockSource::kShifted:
      return system_.Now() + shift_;
  }
  return system_.Now();
}

Status ServiceClock::Set(Micros now) {
  if (source_ != ClockSource::kDriven) {
    return InvalidArgument(
        "now: this server runs on its own clock; start it with clock.source = \"driven\" to drive it");
  }
  const Micros before = driven_.load(std::memory_order_acquire);
  if (now < before)
    return InvalidArgument("now: found {}, allowed nothing before {}: time does not go back", FormatTime(now),
                           FormatTime(before));
  driven_.store(now, std::memory_order_release);
  return Ok();
}

}  // namespace feedmill::app
