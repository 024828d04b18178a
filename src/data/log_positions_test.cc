#include "data/log_positions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feedmill {
namespace {

using testing::ElementsAre;

TEST(LogPositions, AreReadAsTheyAreWritten) {
  const std::vector<LogPosition> positions = {{0, 123}, {2, 9}, {63, 18'446'744'073'709'551'615u}};
  EXPECT_EQ(FormatLogPositions(positions), "0:123,2:9,63:18446744073709551615");
  EXPECT_EQ(ParseLogPositions(FormatLogPositions(positions)), positions);
  EXPECT_EQ(FormatLogPositions({}), "");
}

TEST(LogPositions, NothingElseIsRead) {
  for (const char* text : {"", ",", "0", "0:", ":1", "0:1,", ",0:1", "0:-1", "0:+1", " 0:1", "0:1 ", "0:1;1:2", "a:b",
                           "0:1:2", "4294967296:0", "0:18446744073709551616"}) {
    EXPECT_FALSE(ParseLogPositions(text)) << text;
  }
  std::string many = "0:1";
  for (size_t i = 1; i < kLogPositionsMax; ++i) many += ",0:1";
  EXPECT_TRUE(ParseLogPositions(many));
  EXPECT_FALSE(ParseLogPositions(many + ",0:1"));
}

}  // namespace
}  // namespace feedmill
