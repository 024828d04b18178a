#include "query/statistics_bounds.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "lake/bounds.h"

namespace feedmill::query {
namespace {

TEST(StatisticsBounds, IntegersAndTimes) {
  EXPECT_EQ(LowerBound(ColumnType::kLong, "-9223372036854775808"), std::string("\0\0\0\0\0\0\0\x80", 8));
  EXPECT_EQ(UpperBound(ColumnType::kInt, "258"), std::string("\x02\x01\0\0", 4));
  EXPECT_EQ(LowerBound(ColumnType::kBoolean, "1"), std::string("\x01", 1));
  EXPECT_EQ(LowerBound(ColumnType::kDate, "1970-01-02"), std::string("\x01\0\0\0", 4));
  EXPECT_EQ(ParseInstant("1970-01-01 00:00:01.5+00"), 1'500'000);
  EXPECT_EQ(ParseInstant("1969-12-31 23:59:59.999999+00"), -1);
}

TEST(StatisticsBounds, WhatCannotBeReadGivesNoBound) {
  EXPECT_EQ(LowerBound(ColumnType::kLong, "170141183460469231731687303715884105727"), std::nullopt);
  EXPECT_EQ(LowerBound(ColumnType::kTimestamptz, "infinity"), std::nullopt);
  EXPECT_EQ(LowerBound(ColumnType::kTimestamptz, "0044-03-15 (BC) 00:00:00+00"), std::nullopt);
  EXPECT_EQ(LowerBound(ColumnType::kDouble, "nan"), std::nullopt);
  EXPECT_EQ(LowerBound(ColumnType::kListFloat, "1"), std::nullopt);
}

TEST(StatisticsBounds, ZeroCoversBothSigns) {
  EXPECT_EQ(LowerBound(ColumnType::kDouble, "0.0"), lake::EncodeRealBound(ColumnType::kDouble, -0.0));
  EXPECT_EQ(UpperBound(ColumnType::kDouble, "-0.0"), lake::EncodeRealBound(ColumnType::kDouble, 0.0));
}

TEST(StatisticsBounds, LongStringsAreCut) {
  EXPECT_EQ(LowerBound(ColumnType::kString, "abcdefghijklmnopqrst"), "abcdefghijklmnop");
  EXPECT_EQ(UpperBound(ColumnType::kString, "abcdefghijklmnopqrst"), "abcdefghijklmnoq");
  EXPECT_EQ(UpperBound(ColumnType::kString, "short"), "short");
}

}  // namespace
}  // namespace feedmill::query
