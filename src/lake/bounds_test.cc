#include "lake/bounds.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill::lake {
namespace {

using std::string_literals::operator""s;

// Examples of the specification's appendix D: little endian, days, microseconds.
TEST(BoundsTest, IntegersHaveTheSpecificationsBytes) {
  EXPECT_EQ(EncodeIntegerBound(ColumnType::kBoolean, 1), "\1"s);
  EXPECT_EQ(EncodeIntegerBound(ColumnType::kInt, 34), "\x22\0\0\0"s);
  EXPECT_EQ(EncodeIntegerBound(ColumnType::kLong, 34), "\x22\0\0\0\0\0\0\0"s);
  EXPECT_EQ(EncodeIntegerBound(ColumnType::kDate, -1), "\xff\xff\xff\xff"s);
  EXPECT_EQ(EncodeIntegerBound(ColumnType::kTimestamptz, -2), "\xfe\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(EncodeIntegerBound(ColumnType::kString, 1), "");
}

TEST(BoundsTest, IntegersComeBack) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<int64_t>(random.Below(UINT64_MAX));
    for (const ColumnType type : {ColumnType::kLong, ColumnType::kTimestamptz})
      EXPECT_EQ(DecodeIntegerBound(type, EncodeIntegerBound(type, value)), value);
    const auto small = static_cast<int32_t>(value);
    for (const ColumnType type : {ColumnType::kInt, ColumnType::kDate})
      EXPECT_EQ(DecodeIntegerBound(type, EncodeIntegerBound(type, small)), small);
  }
}

TEST(BoundsTest, WrongLengthsAreNothingAndWidenedColumnsAreRead) {
  EXPECT_EQ(DecodeIntegerBound(ColumnType::kInt, "12345"), std::nullopt);
  EXPECT_EQ(DecodeIntegerBound(ColumnType::kTimestamptz, "1234"), std::nullopt);
  EXPECT_EQ(DecodeIntegerBound(ColumnType::kBoolean, ""), std::nullopt);
  EXPECT_EQ(DecodeIntegerBound(ColumnType::kLong, EncodeIntegerBound(ColumnType::kInt, -7)), -7);
  EXPECT_EQ(DecodeRealBound(ColumnType::kDouble, EncodeRealBound(ColumnType::kFloat, 1.5)), 1.5);
  EXPECT_EQ(DecodeRealBound(ColumnType::kFloat, EncodeRealBound(ColumnType::kDouble, 1.5)), std::nullopt);
  EXPECT_EQ(DecodeRealBound(ColumnType::kDouble, EncodeRealBound(ColumnType::kDouble, 0.1)), 0.1);
}

TEST(BoundsTest, LongTextsAreCutToSixteenCodePoints) {
  EXPECT_EQ(StringLowerBound("short"), "short");
  EXPECT_EQ(StringUpperBound("short"), "short");
  const std::string text = "abcdefghijklmnopqrst";
  EXPECT_EQ(StringLowerBound(text), "abcdefghijklmnop");
  EXPECT_EQ(StringUpperBound(text), "abcdefghijklmnoq");
  std::string umlauts;
  for (int i = 0; i < 20; ++i) umlauts += "ü";
  EXPECT_EQ(StringLowerBound(umlauts), umlauts.substr(0, 32));
  EXPECT_EQ(StringUpperBound(umlauts), umlauts.substr(0, 30) + "ý");
}

TEST(BoundsTest, UpperBoundsGrowWhereTheyCan) {
  const std::string last = "\xF4\x8F\xBF\xBF";  // U+10FFFF
  std::string lasts;
  for (int i = 0; i < 20; ++i) lasts += last;
  EXPECT_EQ(StringUpperBound(lasts), std::nullopt);
  EXPECT_EQ(StringUpperBound("a" + lasts), "b");
  std::string before_surrogates(15, 'a');
  before_surrogates += "\xED\x9F\xBFzz";  // U+D7FF: the next code point that a text may hold is U+E000
  EXPECT_EQ(StringUpperBound(before_surrogates), std::string(15, 'a') + "\xEE\x80\x80");
  EXPECT_EQ(StringUpperBound("\xff broken, and longer than sixteen"), std::nullopt);
}

TEST(BoundsTest, BoundsEncloseTheirText) {
  Random random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const char* pieces[] = {"a", "ü", "€", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"};
    for (uint64_t i = random.Below(40); i > 0; --i) text += pieces[random.Below(5)];
    EXPECT_LE(StringLowerBound(text), text);
    const auto upper = StringUpperBound(text);
    if (upper.has_value()) {
      EXPECT_GE(*upper, text);
    }
  }
}

}  // namespace
}  // namespace feedmill::lake
