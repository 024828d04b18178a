#include "base/result.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill {
namespace {

using ::testing::HasSubstr;

Result<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("half: found {}, allowed even numbers", value);
  return value / 2;
}

Result<int> Quarter(int value) {
  FEEDMILL_ASSIGN(int half, Half(value));
  FEEDMILL_ASSIGN(int quarter, Half(half));
  return quarter;
}

Status CheckHalf(int value) {
  FEEDMILL_TRY(Half(value));
  return Ok();
}

TEST(ResultTest, AssignHandsOnValueOrError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_THAT(Quarter(6), IsError(ErrorKind::kInvalidArgument, HasSubstr("found 3")));
}

TEST(ResultTest, TryHandsOnTheError) {
  EXPECT_THAT(CheckHalf(2), IsOk());
  EXPECT_THAT(CheckHalf(1), IsError(ErrorKind::kInvalidArgument));
}

TEST(ResultTest, ContextStandsInFront) {
  Error error = Error(ErrorKind::kIo, "no space").WithContext("a.seg");
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
  EXPECT_EQ(error.ToString(), "input/output: a.seg: no space");
}

TEST(ResultTest, EveryKindHasAName) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::kInternal); ++kind) {
    EXPECT_NE(ErrorKindName(static_cast<ErrorKind>(kind)), "unknown");
  }
}

}  // namespace
}  // namespace feedmill
