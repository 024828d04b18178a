#include "base/time_text.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/random.h"

namespace feedmill {
namespace {

using ::testing::HasSubstr;

constexpr Micros kExample = 1795384326246000;  // 2026-11-22T21:52:06.246Z

TEST(TimeTextTest, FormatsWithMicroseconds) {
  EXPECT_EQ(FormatTime(kExample), "2026-11-22T21:52:06.246000Z");
  EXPECT_EQ(FormatTime(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatTime(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(TimeTextTest, ReadsWhatTheWebWrites) {
  for (const char* text :
       {"2026-11-22T21:52:06.246Z", "2026-11-22t21:52:06.246z", "2026-11-22 21:52:06.246",
        "2026-11-22T22:52:06.246+01:00", "2026-11-22T16:22:06,246000-0530", "2026-11-22T23:52:06.246000999+02"}) {
    EXPECT_EQ(ParseTime(text).value(), kExample) << text;
  }
  EXPECT_EQ(FormatTime(ParseTime("2026-11-22T21:52Z").value()), "2026-11-22T21:52:00.000000Z");
  EXPECT_EQ(FormatTime(ParseTime("2026-11-22").value()), "2026-11-22T00:00:00.000000Z");
  EXPECT_EQ(FormatTime(ParseTime("2016-12-31T23:59:60Z").value()), "2017-01-01T00:00:00.000000Z");
}

TEST(TimeTextTest, RefusesWhatIsNoTime) {
  for (const char* text : {"", "now", "2026-13-01", "2026-02-29", "2026-11-22T", "2026-11-22T25:00:00Z",
                           "2026-11-22T21:60Z", "2026-11-22T21:52:06.Z", "2026-11-22T21:52:06+",
                           "2026-11-22T21:52:06Zx", "0000-01-01", "2026-1-1", " 2026-11-22", "1795384326246"}) {
    EXPECT_THAT(ParseTime(text), IsError(ErrorKind::kInvalidArgument, HasSubstr("allowed RFC 3339"))) << text;
  }
}

TEST(TimeTextTest, EveryTimeComesBack) {
  Random random(1);
  Micros first = ParseTime("0001-01-01").value();
  Micros last = ParseTime("9999-12-31T23:59:59.999999Z").value();
  for (int i = 0; i < 20'000; ++i) {
    Micros time = random.Between(first, last);
    std::string text = FormatTime(time);
    ASSERT_EQ(text.size(), 27u);
    ASSERT_EQ(ParseTime(text).value(), time) << text;
  }
}

TEST(TimeTextTest, DaysAreFloors) {
  EXPECT_EQ(DayOf(0), 0);
  EXPECT_EQ(DayOf(-1), -1);
  EXPECT_EQ(DayOf(kMicrosPerDay), 1);
  EXPECT_EQ(DayStart(DayOf(kExample)), ParseTime("2026-11-22").value());
  EXPECT_EQ(ParseDay("1970-01-02").value(), 1);
  EXPECT_EQ(FormatDay(ParseDay("2024-02-29").value()), "2024-02-29");
  EXPECT_THAT(ParseDay("2024-02-30"), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(ParseDay("2024-02-29T00:00Z"), IsError(ErrorKind::kInvalidArgument));
}

TEST(TimeTextTest, FloorToGoesDownBelowZeroToo) {
  EXPECT_EQ(FloorTo(3 * kMicrosPerHour + 5, kMicrosPerHour), 3 * kMicrosPerHour);
  EXPECT_EQ(FloorTo(-1, kMicrosPerHour), -kMicrosPerHour);
  EXPECT_EQ(FloorTo(-kMicrosPerHour, kMicrosPerHour), -kMicrosPerHour);
}

}  // namespace
}  // namespace feedmill
