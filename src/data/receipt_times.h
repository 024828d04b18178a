// When the server had its records, under a clock that may have been ahead for a while. The rule: a record's receipt
// time is never later than that of a step back at a higher offset of its partition. A step back is a record whose
// receipt time is more than kReceiptSkewMax earlier than the newest one before it, as this rule counts them: by then
// the clock had been set right. The live state, its replay and the raw tables use this one implementation.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace feedmill {

// Receipt times of neighbours in the log differ by this much without a fault: requests overtake each other.
inline constexpr Micros kReceiptSkewMax = kMicrosPerMinute;

struct ReceiptStep {
  uint64_t offset = 0;  // of the first record under the clock that was set right
  Micros time = 0;      // its receipt time
};

// Of one partition. Not synchronised.
class ReceiptTimes {
 public:
  // Takes note of a record, in rising order of offsets; 0 is an unknown time. True when it is a step back.
  bool Observe(uint64_t offset, Micros received);
  // `time`, or the earliest time that a step behind `offset` allows.
  Micros Clamp(uint64_t offset, Micros time) const;
  // Of the records observed, as the rule counts them; 0 before the first.
  Micros newest() const { return newest_; }
  const std::vector<ReceiptStep>& steps() const { return steps_; }
  // Goes on behind a checkpoint, which holds what came before.
  void StartFrom(Micros newest) { newest_ = newest; }

 private:
  Micros newest_ = 0;
  std::vector<ReceiptStep> steps_;  // offsets and times rise
};

}  // namespace feedmill
