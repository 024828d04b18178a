#include "cli/csv_mapping.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace feedmill::cli {
namespace {

const std::vector<std::string> kColumns = {"id", "user", "post", "when", "pos"};

constexpr const char* kMapping = R"(
[event]
event = "post_click"
message_id = "c-{id}"
user_id = "u{user}"
timestamp = "{when}"
time_format = "unix_seconds"
time_base = "2010-01-01"
[properties]
post_id = "p{post}"
position = { text = "{pos}", type = "integer" }
)";

TEST(CsvMapping, MakesAnEventOfARow) {
  const auto mapping = ParseCsvMapping("map.toml", kMapping, kColumns);
  ASSERT_TRUE(mapping.has_value()) << mapping.error().message();
  const auto text = MapCsvRow(*mapping, {"7", "12", "99", "86400.5", "3"});
  ASSERT_TRUE(text.has_value()) << text.error().message();
  EXPECT_EQ(nlohmann::json::parse(*text),
            nlohmann::json::parse(R"({"type":"track","event":"post_click","messageId":"c-7","userId":"u12",
    "timestamp":"2010-01-02T00:00:00.500000Z","properties":{"post_id":"p99","position":3}})"));
}

TEST(CsvMapping, AnEmptyColumnLeavesThePropertyOut) {
  const auto mapping = ParseCsvMapping("map.toml", kMapping, kColumns);
  const auto text = MapCsvRow(*mapping, {"7", "12", "99", "0", ""});
  ASSERT_TRUE(text.has_value());
  EXPECT_FALSE(nlohmann::json::parse(*text)["properties"].contains("position"));
}

TEST(CsvMapping, ErrorsNameWhatWasFoundAndWhatIsAllowed) {
  const auto mapping = ParseCsvMapping("map.toml", kMapping, kColumns);
  EXPECT_EQ(MapCsvRow(*mapping, {"7", "12", "99", "soon", "3"}).error().message(),
            "timestamp: found \"soon\", allowed a number of seconds or milliseconds");
  EXPECT_EQ(MapCsvRow(*mapping, {"7", "12", "99", "0", "x"}).error().message(),
            "property position: found \"x\", allowed a value of its type (integer, real or boolean)");
  EXPECT_EQ(
      ParseCsvMapping("map.toml", "[event]\nevent='e'\nmessage_id='{nope}'\nuser_id='u'\ntimestamp='t'\n", kColumns)
          .error()
          .message(),
      "map.toml: event.message_id: found column \"nope\", the file has id, user, post, when, pos");
  EXPECT_EQ(ParseCsvMapping("map.toml", "[event]\nevent='e'\n", kColumns).error().message(),
            "map.toml: event.message_id is missing");
}

}  // namespace
}  // namespace feedmill::cli
