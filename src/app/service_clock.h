// The one clock of a server: the machine's, one that a synthetic world drives, or one that began at a stated instant
// and runs on. It watches the wall clock against the monotonic one: after a jump it goes on as before the jump for a
// while, so that a clock that is soon set right harms nothing, and then believes the wall clock.
#pragma once

#include <atomic>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace feedmill::app {

enum class ClockSource {
  kSystem,   // the machine's
  kDriven,   // stands where POST /v1/admin/clock put it; begins at `start`
  kShifted,  // begins at `start` when the server starts, then runs
};

struct JumpOptions {
  Micros jump_min = kMicrosPerMinute;   // a smaller step of the wall clock is followed without a word
  Micros hold = 10 * kMicrosPerMinute;  // how long a jump is not believed
  Micros told = kMicrosPerHour;         // how long a believed jump is still told
};

class ServiceClock final : public Clock {
 public:
  ServiceClock(ClockSource source, Micros start, const JumpOptions& options = {});
  Micros Now() const override;
  // kInvalidArgument unless driven; never goes back. Both the wall and the monotonic clock go on.
  Status Set(Micros now);
  // kInvalidArgument unless driven: puts the wall clock there and leaves the monotonic one where Set put it, as when
  // the machine's clock jumps. Set moves both on.
  Status JumpTo(Micros wall);
  // What the data says at start: its newest receipt time, and the one before the widest gap of receipt times (0: no
  // gap). A wall clock behind all of it has jumped; one inside the gap has been set right.
  void StartAfter(Micros newest, Micros before_gap);
  // Says which jump is on or has been lately, for /readyz; "" when none.
  std::string Jump() const;
  ClockSource source() const { return source_; }

 private:
  Micros Steady() const;  // never jumps
  Micros Wall() const;
  Micros NowAfterJump(Micros steady, Micros ahead) const;
  void Believe(Micros ahead, Micros steady) const FEEDMILL_REQUIRES(lock_);

  const ClockSource source_;
  const JumpOptions options_;
  const SystemClock system_;
  std::atomic<Micros> shift_;           // kShifted: added to the machine's time
  std::atomic<Micros> driven_;          // kDriven
  std::atomic<Micros> wall_ahead_ = 0;  // kDriven

  // Wall minus steady, as believed.
  mutable std::atomic<Micros> ahead_;
  mutable std::atomic<bool> doubts_ = false;
  mutable Mutex lock_;
  // What the wall clock says now, and since when (steady).
  mutable Micros doubted_ahead_ FEEDMILL_GUARDED_BY(lock_) = 0;
  mutable Micros doubted_since_ FEEDMILL_GUARDED_BY(lock_) = 0;
  mutable Micros former_ahead_ FEEDMILL_GUARDED_BY(lock_) = 0;  // believed before the last jump that was believed
  mutable Micros believed_at_ FEEDMILL_GUARDED_BY(lock_) = 0;   // steady; 0: no jump was believed
};

}  // namespace feedmill::app
