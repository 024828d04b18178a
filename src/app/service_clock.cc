#include "app/service_clock.h"

#include <ctime>

#include <cstdlib>

#include "base/log.h"
#include "base/time_text.h"

namespace feedmill::app {
namespace {

// Counts the time that the machine slept too, unlike MonotonicMicros: waking up is no jump.
Micros BootMicros() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * kMicrosPerSecond + now.tv_nsec / 1000;
}

std::string JumpText(Micros by) {
  return fmt::format("jumped {} s {}", std::llabs(by) / kMicrosPerSecond, by > 0 ? "ahead" : "back");
}

}  // namespace

ServiceClock::ServiceClock(ClockSource source, Micros start, const JumpOptions& options)
    : source_(source), options_(options), shift_(start - system_.Now()), driven_(start), ahead_(Wall() - Steady()) {}

Micros ServiceClock::Steady() const {
  return source_ == ClockSource::kDriven ? driven_.load(std::memory_order_acquire) : BootMicros();
}

Micros ServiceClock::Wall() const {
  switch (source_) {
    case ClockSource::kSystem:
      return system_.Now();
    case ClockSource::kDriven:
      return driven_.load(std::memory_order_acquire) + wall_ahead_.load(std::memory_order_acquire);
    case ClockSource::kShifted:
      return system_.Now() + shift_.load(std::memory_order_relaxed);
  }
  return system_.Now();
}

Micros ServiceClock::Now() const {
  const Micros steady = Steady();
  const Micros wall = Wall();
  const Micros off = wall - steady - ahead_.load(std::memory_order_acquire);
  if (std::llabs(off) >= options_.jump_min) return NowAfterJump(steady, wall - steady);
  // Slow drift, which clocks have, is followed and must not add up to a jump.
  if (std::llabs(off) > options_.jump_min / 2) ahead_.store(wall - steady, std::memory_order_release);
  if (doubts_.load(std::memory_order_relaxed)) {
    const MutexLock guard(lock_);
    if (doubts_.exchange(false)) log::Warn("the machine's clock is back where it was before it jumped");
  }
  return wall;
}

Micros ServiceClock::NowAfterJump(Micros steady, Micros ahead) const {
  const MutexLock guard(lock_);
  const Micros believed = ahead_.load(std::memory_order_relaxed);
  const bool undone = believed_at_ != 0 && std::llabs(ahead - former_ahead_) < options_.jump_min;
  const bool same_doubt = doubts_ && std::llabs(ahead - doubted_ahead_) < options_.jump_min;
  if (!same_doubt) {
    doubts_ = true;
    doubted_ahead_ = ahead;
    doubted_since_ = steady;
    log::Error("the machine's clock jumped against its monotonic clock",
               {{"by_s", (ahead - believed) / kMicrosPerSecond},
                {"wall", FormatTime(steady + ahead)},
                {"believed_in_s", undone ? 0 : options_.hold / kMicrosPerSecond}});
  }
  if (!undone && steady - doubted_since_ < options_.hold) return steady + believed;
  Believe(ahead, steady);
  return steady + ahead;
}

void ServiceClock::Believe(Micros ahead, Micros steady) const {
  log::Warn("the machine's clock is believed again",
            {{"now", FormatTime(steady + ahead)}, {"jumped_s", (ahead - ahead_) / kMicrosPerSecond}});
  former_ahead_ = ahead_.load(std::memory_order_relaxed);
  ahead_.store(ahead, std::memory_order_release);
  believed_at_ = steady;
  doubts_ = false;
}

void ServiceClock::StartAfter(Micros newest, Micros before_gap) {
  const Micros behind = newest - Now();
  if (behind < options_.jump_min) return;
  if (source_ != ClockSource::kSystem) {  // goes on from where it stood when the server stopped
    (source_ == ClockSource::kShifted ? shift_ : driven_).fetch_add(behind);
    ahead_.store(Wall() - Steady());
    return;
  }
  const bool was_set_right = before_gap != 0 && Wall() > before_gap - options_.jump_min;
  log::Error("the machine's clock is behind the newest event received",
             {{"by_s", behind / kMicrosPerSecond}, {"newest", FormatTime(newest)}, {"believed", was_set_right}});
  if (!was_set_right) ahead_.fetch_add(behind);  // which the wall clock now is a jump against
}

std::string ServiceClock::Jump() const {
  (void)Now();
  const MutexLock guard(lock_);
  const Micros steady = Steady();
  const Micros believed = ahead_.load(std::memory_order_relaxed);
  if (doubts_) {
    return fmt::format("the machine's clock {}; times go on as before it for {} s more",
                       JumpText(doubted_ahead_ - believed),
                       (options_.hold - (steady - doubted_since_)) / kMicrosPerSecond);
  }
  if (believed_at_ == 0 || steady - believed_at_ > options_.told) return "";
  return fmt::format("the machine's clock {} at {}", JumpText(believed - former_ahead_),
                     FormatTime(believed_at_ + former_ahead_));
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

Status ServiceClock::JumpTo(Micros wall) {
  if (source_ != ClockSource::kDriven) {
    return InvalidArgument(
        "jump: this server runs on its own clock; start it with clock.source = \"driven\" to drive it");
  }
  wall_ahead_.store(wall - driven_.load(std::memory_order_acquire), std::memory_order_release);
  return Ok();
}

}  // namespace feedmill::app
