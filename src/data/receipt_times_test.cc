#include "data/receipt_times.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill {
namespace {

constexpr Micros kT = 20'000 * kMicrosPerDay;

TEST(ReceiptTimes, OvertakingIsNoStep) {
  ReceiptTimes times;
  EXPECT_FALSE(times.Observe(0, kT));
  EXPECT_FALSE(times.Observe(1, kT - kReceiptSkewMax));
  EXPECT_FALSE(times.Observe(2, 0)) << "unknown";
  EXPECT_TRUE(times.Observe(3, kT - kReceiptSkewMax - 1));
  EXPECT_EQ(times.newest(), kT - kReceiptSkewMax - 1);
}

TEST(ReceiptTimes, WhatWasReceivedAheadCountsAsReceivedWhenTheClockWasBack) {
  ReceiptTimes times;
  times.Observe(0, kT);
  times.Observe(1, kT + 3650 * kMicrosPerDay);
  times.Observe(2, kT + 3651 * kMicrosPerDay);
  EXPECT_TRUE(times.Observe(3, kT + 5));
  EXPECT_FALSE(times.Observe(4, kT + 9));
  EXPECT_EQ(times.Clamp(0, kT), kT);
  EXPECT_EQ(times.Clamp(1, kT + 3650 * kMicrosPerDay), kT + 5);
  EXPECT_EQ(times.Clamp(2, kT + 1), kT + 1);
  EXPECT_EQ(times.Clamp(3, kT + 5), kT + 5);
  EXPECT_EQ(times.Clamp(4, kT + 9), kT + 9);
}

// The slow twin looks through all steps behind each record.
TEST(ReceiptTimes, EqualsALookThroughAllLaterSteps) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<Micros> received;
    Micros clock = kT;
    for (int i = 0; i < 300; ++i) {
      clock += static_cast<Micros>(random.Below(10 * kMicrosPerSecond));
      if (random.Chance(0.03)) clock += static_cast<Micros>(random.Below(20 * kMicrosPerDay)) - 10 * kMicrosPerDay;
      received.push_back(clock);
    }
    ReceiptTimes times;
    std::vector<bool> is_step;
    for (size_t i = 0; i < received.size(); ++i) is_step.push_back(times.Observe(i, received[i]));
    for (size_t i = 0; i < received.size(); ++i) {
      Micros expected = received[i];
      for (size_t j = i + 1; j < received.size(); ++j) {
        if (is_step[j]) expected = std::min(expected, received[j]);
      }
      ASSERT_EQ(times.Clamp(i, received[i]), expected) << round << " " << i;
      for (size_t j = i + 1; j < received.size(); ++j) {
        ASSERT_TRUE(!is_step[j] || times.Clamp(i, received[i]) <= received[j]) << round << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace feedmill
