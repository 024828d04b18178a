// Time left is an argument (after Vespa's vespalib/util/deadline): a function that may take long is given a Deadline.
#pragma once

#include <algorithm>
#include <limits>

#include "base/clock.h"

namespace feedmill {

class Deadline {
 public:
  static Deadline After(Micros from_now) { return Deadline(MonotonicMicros() + from_now); }
  static Deadline Never() { return Deadline(std::numeric_limits<Micros>::max()); }

  // Microseconds left, never negative.
  Micros Left() const { return std::max<Micros>(0, at_ - MonotonicMicros()); }
  bool Expired() const { return Left() == 0; }
  // The earlier of this one and `from_now`, for a stage with a budget of its own.
  Deadline AtMost(Micros from_now) const { return Deadline(std::min(at_, MonotonicMicros() + from_now)); }

 private:
  explicit Deadline(Micros at) : at_(at) {}
  Micros at_;
};

}  // namespace feedmill
