#include "app/night_schedule.h"

#include <charconv>
#include <ctime>

#include "base/time_text.h"

namespace feedmill::app {
namespace {

constexpr Micros kMinute = kMicrosPerMinute;
constexpr int kMinutesPerHour = 60;
constexpr int kHoursPerDay = 24;

// "02:30"; nothing else.
bool ReadClockFace(std::string_view text, int* hour, int* minute) {
  if (text.size() != 5 || text[2] != ':') return false;
  const auto digits = [&](size_t at, int* value) {
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + 2, *value);
    return error == std::errc() && end == begin + 2 && *begin != '-';
  };
  return digits(0, hour) && digits(3, minute) && *hour < kHoursPerDay && *minute < kMinutesPerHour;
}

// The day's instant in the zone; the zone's offset may change between here and there, so it is asked twice.
Result<Micros> NightOf(const NightSchedule& schedule, int64_t local_day) {
  FEEDMILL_ASSIGN(const int minutes, ParseTimeOfDay(schedule.at));
  const Micros local = local_day * kMicrosPerDay + minutes * kMinute;
  FEEDMILL_ASSIGN(const Micros near, OffsetOf(schedule.time_zone, local));
  FEEDMILL_ASSIGN(const Micros offset, OffsetOf(schedule.time_zone, local - near));
  return local - offset;
}

Result<int64_t> LocalDay(const NightSchedule& schedule, Micros time) {
  FEEDMILL_ASSIGN(const Micros offset, OffsetOf(schedule.time_zone, time));
  return FloorTo(time + offset, kMicrosPerDay) / kMicrosPerDay;
}

}  // namespace

Result<int> ParseTimeOfDay(std::string_view text) {
  int hour = 0;
  int minute = 0;
  if (ReadClockFace(text, &hour, &minute)) return hour * kMinutesPerHour + minute;
  return InvalidArgument("nightly.at: found \"{}\", allowed a time of day like 02:30, or nothing for no nightly", text);
}

Result<Micros> OffsetOf(std::string_view time_zone, Micros time) {
  if (time_zone == "UTC") return 0;
  if (time_zone == "local") {
    const std::time_t seconds = static_cast<std::time_t>(time / kMicrosPerSecond);
    std::tm local = {};
    ::localtime_r(&seconds, &local);
    return local.tm_gmtoff * kMicrosPerSecond;
  }
  int hour = 0;
  int minute = 0;
  const bool sign = time_zone.starts_with('+') || time_zone.starts_with('-');
  if (!sign || !ReadClockFace(time_zone.substr(1), &hour, &minute)) {
    return InvalidArgument("nightly.time_zone: found \"{}\", allowed UTC, local or an offset like +02:00", time_zone);
  }
  const Micros offset = (hour * kMinutesPerHour + minute) * kMinute;
  return time_zone.starts_with('-') ? -offset : offset;
}

Result<Micros> NextNight(const NightSchedule& schedule, Micros time) {
  FEEDMILL_ASSIGN(int64_t day, LocalDay(schedule, time));
  for (--day;; ++day) {
    FEEDMILL_ASSIGN(const Micros night, NightOf(schedule, day));
    if (night > time) return night;
  }
}

Result<Micros> LastNight(const NightSchedule& schedule, Micros time) {
  FEEDMILL_ASSIGN(int64_t day, LocalDay(schedule, time));
  for (++day;; --day) {
    FEEDMILL_ASSIGN(const Micros night, NightOf(schedule, day));
    if (night <= time) return night;
  }
}

}  // namespace feedmill::app
