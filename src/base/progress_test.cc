#include "base/progress.h"

#include <gtest/gtest.h>

namespace feedmill {
namespace {

TEST(ProgressTest, LineShowsShareRateAndTimeLeft) {
  ProgressState state{.label = "import", .unit = "events", .done = 50, .total = 200, .elapsed = 10 * kMicrosPerSecond};
  EXPECT_EQ(ProgressLine(state), "import   25 %  50/200 events  5/s  30.0 s left");
  state.bar = true;
  EXPECT_EQ(ProgressLine(state), "import  [#######.......................]   25 %  50/200 events  5/s  30.0 s left");
  state.finished = true;
  state.done = 200;
  EXPECT_EQ(ProgressLine(state), "import  [##############################]  100 %  200/200 events  20/s  in 10.0 s");
}

TEST(ProgressTest, LineWithoutATotalOrAnythingDone) {
  ProgressState state{.label = "x", .unit = "rows", .elapsed = kMicrosPerSecond};
  EXPECT_EQ(ProgressLine(state), "x  0 rows  0/s");
  state.total = 5;
  EXPECT_EQ(ProgressLine(state), "x    0 %  0/5 rows  0/s");
  state.done = 9;
  EXPECT_EQ(ProgressLine(state), "x  100 %  9/5 rows  9/s") << "more than was announced";
}

TEST(ProgressTest, NumbersAreShort) {
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(3.14159), "3.14");
  EXPECT_EQ(ShortNumber(9'999), "9999");
  EXPECT_EQ(ShortNumber(12'345), "12.3k");
  EXPECT_EQ(ShortNumber(999'999), "1M");
  EXPECT_EQ(ShortNumber(1'234'567), "1.23M");
  EXPECT_EQ(ShortNumber(5e9), "5G");
}

TEST(ProgressTest, DurationsAreShort) {
  EXPECT_EQ(ShortDuration(12), "12 us");
  EXPECT_EQ(ShortDuration(350 * kMicrosPerMilli), "350 ms");
  EXPECT_EQ(ShortDuration(4200 * kMicrosPerMilli), "4.2 s");
  EXPECT_EQ(ShortDuration(185 * kMicrosPerSecond), "3 min 05 s");
  EXPECT_EQ(ShortDuration(130 * kMicrosPerMinute), "2 h 10 min");
}

TEST(ProgressTest, PrintsItsEndOnce) {
  testing::internal::CaptureStderr();
  {
    Progress progress("load", 10, "rows");
    progress.Add(4);
    progress.Set(10);
    progress.Finish();
  }
  std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 1) << printed;
  EXPECT_NE(printed.find("10/10 rows"), std::string::npos) << printed;
}

}  // namespace
}  // namespace feedmill
