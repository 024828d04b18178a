// Instants and days as text, UTC only (RFC 3339, the part of ISO 8601 that the web uses).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill {

// "2026-11-22T21:52:06.246Z", "2026-11-22 21:52:06+01:00", "2026-11-22T21:52Z", "2026-11-22" (midnight).
// No zone means UTC. Digits past the microsecond are cut. A leap second (":60") is the second after. Years 0001..9999.
Result<Micros> ParseTime(std::string_view text);

// "2026-11-22T21:52:06.246000Z": always 27 characters for the years 0001..9999, so that text sorts as time.
std::string FormatTime(Micros time);
void AppendTime(Micros time, std::string* out);

// Days since 1970-01-01, as Iceberg's date counts them.
using Day = int32_t;

Day DayOf(Micros time);
constexpr Micros DayStart(Day day) { return day * kMicrosPerDay; }
Result<Day> ParseDay(std::string_view text);  // "2026-11-22"
std::string FormatDay(Day day);

// The greatest multiple of `unit` that is not after `time`; right before 1970 too.
constexpr Micros FloorTo(Micros time, Micros unit) {
  Micros rest = time % unit;
  return time - (rest < 0 ? rest + unit : rest);
}

}  // namespace feedmill
