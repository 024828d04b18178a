#include "lake/transform.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/matchers.h"

namespace feedmill::lake {
namespace {

Column ColumnOf(ColumnType type) {
  Column column;
  column.name = "c";
  column.type = type;
  return column;
}

// The specification: values before 1970 round towards the past, not towards zero.
TEST(TransformTest, DaysAndHoursRoundTowardsThePast) {
  const auto day = [](Micros at) { return ApplyTransform(Transform::kDay, ColumnType::kTimestamptz, at); };
  const auto hour = [](Micros at) { return ApplyTransform(Transform::kHour, ColumnType::kTimestamptz, at); };
  EXPECT_EQ(day(0), 0);
  EXPECT_EQ(day(-1), -1);
  EXPECT_EQ(day(kMicrosPerDay - 1), 0);
  EXPECT_EQ(day(-kMicrosPerDay), -1);
  EXPECT_EQ(day(-kMicrosPerDay - 1), -2);
  EXPECT_EQ(day(1'510'871'468'000'000), 17'486);  // 2017-11-16T22:31:08Z
  EXPECT_EQ(hour(1'510'871'468'000'000), 419'686);
  EXPECT_EQ(hour(-1), -1);
  EXPECT_EQ(ApplyTransform(Transform::kDay, ColumnType::kDate, 17'486), 17'486);
  EXPECT_EQ(ApplyTransform(Transform::kIdentity, ColumnType::kLong, -5), -5);
}

TEST(TransformTest, NamesGoThereAndBack) {
  for (const Transform transform : {Transform::kIdentity, Transform::kDay, Transform::kHour})
    EXPECT_EQ(TransformFromName(TransformName(transform)), transform);
  EXPECT_EQ(TransformFromName("bucket[16]"), std::nullopt);
  EXPECT_EQ(PartitionFieldName({"event_time", Transform::kDay}), "event_time_day");
  EXPECT_EQ(PartitionFieldName({"country", Transform::kIdentity}), "country");
}

TEST(TransformTest, OnlyTypesOfTheSpecificationAreTaken) {
  EXPECT_THAT(CheckTransform(Transform::kDay, ColumnOf(ColumnType::kTimestamptz)), IsOk());
  EXPECT_THAT(CheckTransform(Transform::kDay, ColumnOf(ColumnType::kDate)), IsOk());
  EXPECT_THAT(CheckTransform(Transform::kIdentity, ColumnOf(ColumnType::kString)), IsOk());
  EXPECT_THAT(
      CheckTransform(Transform::kHour, ColumnOf(ColumnType::kDate)),
      IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("'c' of type date cannot be partitioned by hour")));
  for (const ColumnType type : {ColumnType::kFloat, ColumnType::kDouble, ColumnType::kListFloat})
    EXPECT_THAT(CheckTransform(Transform::kIdentity, ColumnOf(type)), IsError(ErrorKind::kInvalidArgument));
  EXPECT_EQ(TransformResultType(Transform::kDay, ColumnType::kTimestamptz), ColumnType::kDate);
  EXPECT_EQ(TransformResultType(Transform::kHour, ColumnType::kTimestamptz), ColumnType::kInt);
  EXPECT_EQ(TransformResultType(Transform::kIdentity, ColumnType::kString), ColumnType::kString);
}

}  // namespace
}  // namespace feedmill::lake
