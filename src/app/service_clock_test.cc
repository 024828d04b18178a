#include "app/service_clock.h"

#include <gtest/gtest.h>

namespace feedmill::app {
namespace {

constexpr Micros kStart = 20'000 * kMicrosPerDay;

TEST(ServiceClock, DrivenStandsWhereItWasPutAndNeverGoesBack) {
  ServiceClock clock(ClockSource::kDriven, kStart);
  EXPECT_EQ(clock.Now(), kStart);
  ASSERT_TRUE(clock.Set(kStart + 5).has_value());
  EXPECT_EQ(clock.Now(), kStart + 5);
  const Status back = clock.Set(kStart);
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(clock.Now(), kStart + 5);
}

TEST(ServiceClock, ShiftedBeginsAtItsStartAndRuns) {
  const ServiceClock clock(ClockSource::kShifted, kStart);
  const Micros first = clock.Now();
  EXPECT_GE(first, kStart);
  EXPECT_LT(first, kStart + kMicrosPerHour);
  const Micros begin = MonotonicMicros();
  while (MonotonicMicros() < begin + 2'000) {
  }
  EXPECT_GT(clock.Now(), first);
}

TEST(ServiceClock, OnlyADrivenClockCanBeSet) {
  ServiceClock clock(ClockSource::kSystem, kStart);
  EXPECT_FALSE(clock.Set(kStart).has_value());
  EXPECT_NEAR(static_cast<double>(clock.Now()), static_cast<double>(SystemClock().Now()), 1e6);
}

}  // namespace
}  // namespace feedmill::app
