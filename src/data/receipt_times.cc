#include "data/receipt_times.h"

#include <algorithm>

namespace feedmill {

bool ReceiptTimes::Observe(uint64_t offset, Micros received) {
  if (received == 0) return false;
  if (received >= newest_ - kReceiptSkewMax) {
    newest_ = std::max(newest_, received);
    return false;
  }
  // A step further back says all that the former ones said.
  while (!steps_.empty() && steps_.back().time >= received) steps_.pop_back();
  steps_.push_back({offset, received});
  newest_ = received;
  return true;
}

Micros ReceiptTimes::Clamp(uint64_t offset, Micros time) const {
  const auto step = std::ranges::upper_bound(steps_, offset, {}, &ReceiptStep::offset);
  return step == steps_.end() ? time : std::min(time, step->time);
}

}  // namespace feedmill
