#include "base/units.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill {
namespace {

using ::testing::HasSubstr;

TEST(UnitsTest, Durations) {
  EXPECT_EQ(ParseDuration("60s").value(), 60 * kMicrosPerSecond);
  EXPECT_EQ(ParseDuration("5ms").value(), 5 * kMicrosPerMilli);
  EXPECT_EQ(ParseDuration("250us").value(), 250);
  EXPECT_EQ(ParseDuration("7d").value(), 7 * kMicrosPerDay);
  EXPECT_EQ(ParseDuration("1.5h").value(), 90 * kMicrosPerMinute);
  EXPECT_EQ(ParseDuration("0s").value(), 0);
}

TEST(UnitsTest, DurationsNeedANumberAndAUnit) {
  for (const char* text : {"", "60", "s", "-1s", "1 s", "1.2.3s", ".s", "1w", "99999999999999999999d"}) {
    EXPECT_THAT(ParseDuration(text), IsError(ErrorKind::kInvalidArgument, HasSubstr("such as 60s"))) << text;
  }
}

TEST(UnitsTest, ByteSizes) {
  EXPECT_EQ(ParseByteSize("4096").value(), 4096u);
  EXPECT_EQ(ParseByteSize("64MiB").value(), 64u << 20);
  EXPECT_EQ(ParseByteSize("1.5KiB").value(), 1536u);
  EXPECT_EQ(ParseByteSize("2GB").value(), 2'000'000'000u);
  EXPECT_THAT(ParseByteSize("64M"), IsError(ErrorKind::kInvalidArgument, HasSubstr("found '64M'")));
  EXPECT_THAT(ParseByteSize("-1"), IsError(ErrorKind::kInvalidArgument));
}

TEST(UnitsTest, TextComesBack) {
  for (Micros duration :
       {Micros{0}, Micros{1}, kMicrosPerMilli, 90 * kMicrosPerSecond, 7 * kMicrosPerDay, Micros{1234567}}) {
    EXPECT_EQ(ParseDuration(FormatDuration(duration)).value(), duration) << FormatDuration(duration);
  }
  for (uint64_t bytes : {0ull, 1ull, 1000ull, 4096ull, 64ull << 20, 3ull << 40}) {
    EXPECT_EQ(ParseByteSize(FormatByteSize(bytes)).value(), bytes) << FormatByteSize(bytes);
  }
  EXPECT_EQ(FormatDuration(90 * kMicrosPerSecond), "90s");
  EXPECT_EQ(FormatByteSize(64 << 20), "64MiB");
}

}  // namespace
}  // namespace feedmill
