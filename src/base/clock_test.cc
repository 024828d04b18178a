#include "base/clock.h"

#include <gtest/gtest.h>

#include "base/deadline.h"

namespace feedmill {
namespace {

constexpr Micros kStartOf2024 = 1704067200 * kMicrosPerSecond;

TEST(SystemClockTest, TellsWallTimeInMicroseconds) {
  Micros now = SystemClock().Now();
  EXPECT_GT(now, kStartOf2024);
  EXPECT_LT(now, kStartOf2024 + 365 * 200 * kMicrosPerDay);
}

TEST(MonotonicMicrosTest, NeverGoesBack) {
  Micros before = MonotonicMicros();
  for (int i = 0; i < 1000; ++i) {
    Micros now = MonotonicMicros();
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST(ManualClockTest, StandsWhereItWasPut) {
  ManualClock clock(7);
  EXPECT_EQ(clock.Now(), 7);
  clock.Advance(5);
  EXPECT_EQ(clock.Now(), 12);
  clock.Set(3);
  EXPECT_EQ(clock.Now(), 3);
}

TEST(DeadlineTest, RunsOutAndNeverIsNegative) {
  Deadline past = Deadline::After(-kMicrosPerSecond);
  EXPECT_TRUE(past.Expired());
  EXPECT_EQ(past.Left(), 0);
  Deadline later = Deadline::After(kMicrosPerHour);
  EXPECT_FALSE(later.Expired());
  EXPECT_GT(later.Left(), 59 * kMicrosPerMinute);
  EXPECT_LE(later.Left(), kMicrosPerHour);
}

TEST(DeadlineTest, AtMostTakesTheEarlier) {
  EXPECT_LE(Deadline::Never().AtMost(kMicrosPerSecond).Left(), kMicrosPerSecond);
  EXPECT_TRUE(Deadline::After(0).AtMost(kMicrosPerHour).Expired());
}

}  // namespace
}  // namespace feedmill
