// When the nightly runs by itself: the next instant of a time of day.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::app {

struct NightSchedule {
  std::string at = "02:30";       // "" = never
  std::string time_zone = "UTC";  // or "local" (this machine's, TZ), or an offset like "+02:00"
};

// Minutes from midnight. kInvalidArgument says what is allowed.
Result<int> ParseTimeOfDay(std::string_view text);
// Of the zone at that instant. kInvalidArgument says what is allowed.
Result<Micros> OffsetOf(std::string_view time_zone, Micros time);

// The first instant of the schedule after `time`, and the last one at or before it. `schedule.at` is not empty.
Result<Micros> NextNight(const NightSchedule& schedule, Micros time);
Result<Micros> LastNight(const NightSchedule& schedule, Micros time);

}  // namespace feedmill::app
