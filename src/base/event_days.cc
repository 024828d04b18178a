#include "base/event_days.h"

#include <algorithm>
#include <iterator>

namespace feedmill {
namespace {

constexpr int kDaysCompared = 28;
constexpr double kBulkShare = 0.01;

}  // namespace

Micros BulkEnd(const DayRows& rows, Micros end) {
  const auto first = std::make_reverse_iterator(rows.lower_bound(DayOf(end - 1) + 1));
  double all = 0;
  int compared = 0;
  for (auto day = first; day != rows.rend() && compared < kDaysCompared; ++day, ++compared)
    all += static_cast<double>(day->second);
  double newest = 0;
  for (auto day = first; day != rows.rend(); ++day) {
    newest += static_cast<double>(day->second);
    if (newest > 0 && newest >= all * kBulkShare) return std::min(end, DayStart(day->first) + kMicrosPerDay);
  }
  return end;
}

Micros BulkStart(const DayRows& rows, Micros bulk_end, int days) {
  const auto first = std::make_reverse_iterator(rows.lower_bound(DayOf(bulk_end - 1) + 1));
  Micros start = FloorTo(bulk_end - 1, kMicrosPerDay) - (days - 1) * kMicrosPerDay;
  for (auto day = first; day != rows.rend() && days > 0; ++day, --days) start = std::min(start, DayStart(day->first));
  return start;
}

}  // namespace feedmill
