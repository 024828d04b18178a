#include "app/night_schedule.h"

#include <cstdlib>
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/time_text.h"

namespace feedmill::app {
namespace {

std::string Next(const NightSchedule& schedule, const char* time) {
  return FormatTime(NextNight(schedule, *ParseTime(time)).value());
}
std::string Last(const NightSchedule& schedule, const char* time) {
  return FormatTime(LastNight(schedule, *ParseTime(time)).value());
}

TEST(NightSchedule, TheNextAndTheLastNight) {
  const NightSchedule schedule{"02:30", "UTC"};
  EXPECT_EQ(Next(schedule, "2026-03-01T00:00:00Z"), FormatTime(*ParseTime("2026-03-01T02:30:00Z")));
  EXPECT_EQ(Next(schedule, "2026-03-01T02:30:00Z"), FormatTime(*ParseTime("2026-03-02T02:30:00Z")));
  EXPECT_EQ(Last(schedule, "2026-03-01T02:30:00Z"), FormatTime(*ParseTime("2026-03-01T02:30:00Z")));
  EXPECT_EQ(Last(schedule, "2026-03-01T02:29:59Z"), FormatTime(*ParseTime("2026-02-28T02:30:00Z")));
}

TEST(NightSchedule, InAZone) {
  EXPECT_EQ(Next({"02:30", "+05:30"}, "2026-03-01T00:00:00Z"), FormatTime(*ParseTime("2026-03-01T21:00:00Z")));
  EXPECT_EQ(Next({"23:00", "-08:00"}, "2026-03-01T08:00:00Z"), FormatTime(*ParseTime("2026-03-02T07:00:00Z")));
  ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  ::tzset();
  EXPECT_EQ(Next({"04:00", "local"}, "2026-03-28T12:00:00Z"), FormatTime(*ParseTime("2026-03-29T02:00:00Z")))
      << "the night in which the clock goes forward";
  EXPECT_EQ(Next({"04:00", "local"}, "2026-03-27T12:00:00Z"), FormatTime(*ParseTime("2026-03-28T03:00:00Z")));
}

TEST(NightSchedule, SaysWhatIsAllowed) {
  for (const char* wrong : {"2:30", "24:00", "02:60", "02-30", "-1:30", "0230", ""}) {
    EXPECT_THAT(ParseTimeOfDay(wrong), IsError(ErrorKind::kInvalidArgument)) << wrong;
  }
  EXPECT_THAT(OffsetOf("Europe/Nowhere", 0), IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("+02:00")));
}

}  // namespace
}  // namespace feedmill::app
