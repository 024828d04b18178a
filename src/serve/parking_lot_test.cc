#include "serve/parking_lot.h"

#include <atomic>
#include <chrono>

#include <gtest/gtest.h>

#include "features/feature_set.h"
#include "io/file_system.h"

namespace feedmill::serve {
namespace {

constexpr Micros kLong = 60 * kMicrosPerSecond;

class ParkingLotTest : public testing::Test {
 protected:
  static void Eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 4000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(holds());
  }

  features::FeatureSet features_ =
      *features::LoadProjectFeatures(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template");
  stream::LiveState state_{features_, {}};
};

TEST_F(ParkingLotTest, GoesOnWhenTheRecordIsApplied) {
  ParkingLot lot(state_, 10);
  std::atomic<int> applied = 0, missed = 0;
  for (const LogPosition position : {LogPosition{0, 5}, LogPosition{0, 90}, LogPosition{1, 3}}) {
    ASSERT_TRUE(lot.Park({position}, Deadline::After(kLong), [&](bool came) { ++(came ? applied : missed); }));
  }
  EXPECT_EQ(lot.parked(), 3u);
  EXPECT_FALSE(lot.AreApplied(std::vector{LogPosition{1, 3}}));
  state_.SetApplied(1, 4);
  Eventually([&] { return applied == 1; });
  state_.SetApplied(0, 6);
  Eventually([&] { return applied == 2; });
  EXPECT_EQ(lot.parked(), 1u);
  lot.Close();
  EXPECT_EQ(applied, 2);
  EXPECT_EQ(missed, 1) << "closing lets the last one go on";
}

TEST_F(ParkingLotTest, WaitsForAllOfSeveralRecords) {
  ParkingLot lot(state_, 10);
  std::atomic<int> applied = 0;
  ASSERT_TRUE(lot.Park({{0, 5}, {1, 3}, {2, 0}}, Deadline::After(kLong), [&](bool came) { applied += came ? 1 : 9; }));
  state_.SetApplied(2, 1);
  state_.SetApplied(0, 6);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(applied, 0);
  state_.SetApplied(1, 4);
  Eventually([&] { return applied == 1; });
}

TEST_F(ParkingLotTest, GoesOnAtTheDeadline) {
  ParkingLot lot(state_, 10);
  std::atomic<Micros> gone = 0;
  const Micros begin = MonotonicMicros();
  ASSERT_TRUE(lot.Park({{0, 0}}, Deadline::After(30 * kMicrosPerMilli), [&](bool) { gone = MonotonicMicros(); }));
  Eventually([&] { return gone > 0; });
  EXPECT_GE(gone - begin, 30 * kMicrosPerMilli);
}

TEST_F(ParkingLotTest, HasSoManyPlacesAndNoMore) {
  ParkingLot lot(state_, 2);
  std::atomic<int> gone = 0;
  const auto park = [&] { return lot.Park({{0, 0}}, Deadline::After(kLong), [&](bool) { ++gone; }); };
  EXPECT_TRUE(park());
  EXPECT_TRUE(park());
  EXPECT_FALSE(park());
  state_.SetApplied(0, 1);
  Eventually([&] { return gone == 2; });
  EXPECT_TRUE(park());
  lot.Close();
  EXPECT_FALSE(park());
  EXPECT_EQ(gone, 3);
}

}  // namespace
}  // namespace feedmill::serve
