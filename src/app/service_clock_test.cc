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

// A driven clock: Set moves wall and monotonic clock alike, JumpTo the wall clock alone.
class ClockJump : public testing::Test {
 protected:
  void Go(Micros by) { ASSERT_TRUE(clock_.Set(true_ += by).has_value()); }
  Status Put(Micros ahead) { return clock_.JumpTo(true_ + ahead); }
  Micros true_ = kStart;
  ServiceClock clock_{ClockSource::kDriven, kStart, {.jump_min = kMicrosPerMinute, .hold = 10 * kMicrosPerMinute}};
};

TEST_F(ClockJump, AheadAndBackAgainIsNotFollowed) {
  for (const Micros by : {10 * kMicrosPerDay, 3650 * kMicrosPerDay, -10 * kMicrosPerDay, -3650 * kMicrosPerDay}) {
    ASSERT_TRUE(Put(by).has_value());
    EXPECT_EQ(clock_.Now(), true_);
    EXPECT_NE(clock_.Jump(), "");
    EXPECT_NE(clock_.Jump().find(by > 0 ? "s ahead" : "s back"), std::string::npos) << clock_.Jump();
    Go(5 * kMicrosPerMinute);
    EXPECT_EQ(clock_.Now(), true_);
    ASSERT_TRUE(Put(0).has_value());
    EXPECT_EQ(clock_.Now(), true_);
    EXPECT_EQ(clock_.Jump(), "");
  }
}

TEST_F(ClockJump, IsBelievedAfterAWhileAndTold) {
  ASSERT_TRUE(Put(kMicrosPerDay).has_value());
  EXPECT_EQ(clock_.Now(), true_);
  Go(11 * kMicrosPerMinute);
  EXPECT_EQ(clock_.Now(), true_ + kMicrosPerDay);
  EXPECT_EQ(clock_.Jump().find("the machine's clock jumped 86400 s ahead at "), 0U) << clock_.Jump();
  Go(2 * kMicrosPerHour);
  EXPECT_EQ(clock_.Jump(), "") << "told long enough";
}

TEST_F(ClockJump, TheWayBackOfABelievedOneIsBelievedAtOnce) {
  ASSERT_TRUE(Put(3650 * kMicrosPerDay).has_value());
  EXPECT_EQ(clock_.Now(), true_);
  Go(11 * kMicrosPerMinute);
  EXPECT_EQ(clock_.Now(), true_ + 3650 * kMicrosPerDay);
  ASSERT_TRUE(Put(5 * kMicrosPerSecond).has_value());
  EXPECT_EQ(clock_.Now(), true_ + 5 * kMicrosPerSecond);
  EXPECT_NE(clock_.Jump().find("s back at "), std::string::npos) << clock_.Jump();
}

TEST_F(ClockJump, SlowDriftIsFollowedHoweverFarItGoes) {
  for (Micros ahead = 0; ahead < 10 * kMicrosPerMinute; ahead += kMicrosPerSecond) {
    Go(kMicrosPerMinute);
    ASSERT_TRUE(Put(ahead).has_value());
    ASSERT_EQ(clock_.Now(), true_ + ahead);
    ASSERT_EQ(clock_.Jump(), "");
  }
}

TEST(ServiceClock, AtStartItIsBelievedAgainstTheLogOnlyInsideAGap) {
  const Micros real = SystemClock().Now();
  ServiceClock behind_all(ClockSource::kSystem, 0);
  behind_all.StartAfter(real + 3650 * kMicrosPerDay, 0);
  EXPECT_NEAR(static_cast<double>(behind_all.Now()), static_cast<double>(real + 3650 * kMicrosPerDay), 1e6);
  EXPECT_NE(behind_all.Jump(), "");
  ServiceClock set_right(ClockSource::kSystem, 0);
  set_right.StartAfter(real + 3650 * kMicrosPerDay, real - kMicrosPerHour);
  EXPECT_NEAR(static_cast<double>(set_right.Now()), static_cast<double>(real), 1e6);
  ServiceClock usual(ClockSource::kSystem, 0);
  usual.StartAfter(real - kMicrosPerSecond, 0);
  EXPECT_EQ(usual.Jump(), "");
}

TEST(ServiceClock, ShiftedGoesOnWhereTheLogEnds) {
  ServiceClock clock(ClockSource::kShifted, kStart);
  clock.StartAfter(kStart + kMicrosPerDay, 0);
  EXPECT_GE(clock.Now(), kStart + kMicrosPerDay);
  EXPECT_LT(clock.Now(), kStart + kMicrosPerDay + kMicrosPerHour);
  EXPECT_EQ(clock.Jump(), "");
  ServiceClock driven(ClockSource::kDriven, kStart);
  driven.StartAfter(kStart + kMicrosPerDay, 0);
  EXPECT_EQ(driven.Now(), kStart + kMicrosPerDay);
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
