// The one clock of a server: the machine's, one that a synthetic world drives, or one that began at a stated instant
// and runs on.
#pragma once

#include <atomic>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::app {

enum class ClockSource {
  kSystem,   // the machine's
  kDriven,   // stands where POST /v1/admin/clock put it; begins at `start`
  kShifted,  // begins at `start` when the server starts, then runs
};

class ServiceClock final : public Clock {
 public:
  ServiceClock(ClockSource source, Micros start);
  Micros Now() const override;
  // kInvalidArgument unless driven; never goes back.
  Status Set(Micros now);
  ClockSource source() const { return source_; }

 private:
  const ClockSource source_;
  const SystemClock system_;
  const Micros shift_;          // kShifted: added to the machine's time
  std::atomic<Micros> driven_;  // kDriven
};

}  // namespace feedmill::app
