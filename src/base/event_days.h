// Where the bulk of some events lies in time, told from how many there are a day: what "the last 14 days of events"
// hangs on when the newest event may be years old, or have come from a clock that is wrong.
#pragma once

#include <cstdint>
#include <map>

#include "base/clock.h"
#include "base/time_text.h"

namespace feedmill {

using DayRows = std::map<Day, int64_t>;  // UTC days that have rows

// The end of the newest day that lies before `end` and, with the days after it, holds at least a hundredth of the
// newest 28 days that have rows; `end` when that day has not ended by then, or when there is no row.
Micros BulkEnd(const DayRows& rows, Micros end);

// The midnight with which the newest `days` days that have rows before `bulk_end` begin: as many days back, and further
// where days without rows lie between.
Micros BulkStart(const DayRows& rows, Micros bulk_end, int days);

}  // namespace feedmill
