#include "cli/event_source.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace feedmill::cli {
namespace {

class EventSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("feedmill-source-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::filesystem::path folder_;
};

TEST_F(EventSourceTest, JsonLinesSkipEmptyLinesAndNameBadOnes) {
  const std::string path = Write("events.jsonl", "{\"a\":1}\n\n  \nnot json\n{\"b\":2}\r\n");
  auto source = OpenJsonLines(path);
  ASSERT_TRUE(source.has_value());
  std::string event;
  ASSERT_TRUE(*(*source)->Next(&event));
  EXPECT_EQ(event, "{\"a\":1}");
  const auto bad = (*source)->Next(&event);
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message(), path + ":4: found \"not json\", allowed one JSON object a line");
  ASSERT_TRUE(*(*source)->Next(&event));
  EXPECT_EQ(event, "{\"b\":2}");
  EXPECT_FALSE(*(*source)->Next(&event));
}

TEST_F(EventSourceTest, ALineThatIsNoJsonIsNamedAndTheRestGoesOn) {
  const std::vector<std::string> broken = {R"({"a":1,"b)", R"({"a":"so funny \ud83d"})", "{\"a\":\"caf\xe9\"}",
                                           R"({"a":[1})"};
  std::string text;
  for (const std::string& line : broken) text += line + "\n{\"good\":1e400}\n";
  const std::string path = Write("events.jsonl", text);
  auto source = OpenJsonLines(path);
  std::string event;
  for (size_t i = 0; i < broken.size(); ++i) {
    const auto bad = (*source)->Next(&event);
    ASSERT_FALSE(bad.has_value()) << broken[i];
    EXPECT_EQ(bad.error().message().find(path + ":" + std::to_string(2 * i + 1) + ": found what is no JSON"), 0u);
    ASSERT_TRUE(*(*source)->Next(&event));
    EXPECT_EQ(event, R"({"good":1e400})");
  }
  EXPECT_FALSE(*(*source)->Next(&event));
}

TEST_F(EventSourceTest, CsvRowsBecomeEventsAndShortRowsAreNamed) {
  const std::string csv = Write("clicks.csv", "id,user,when\n1,ada,0\n2,bob\n3,cy,60\n");
  const std::string mapping = Write("clicks.toml",
                                    "[event]\nevent = \"app_open\"\nmessage_id = \"m{id}\"\nuser_id = \"{user}\"\n"
                                    "timestamp = \"{when}\"\ntime_format = \"unix_seconds\"\n");
  auto source = OpenCsv(csv, mapping);
  ASSERT_TRUE(source.has_value()) << source.error().message();
  std::string event;
  ASSERT_TRUE(*(*source)->Next(&event));
  EXPECT_NE(event.find("\"messageId\":\"m1\""), std::string::npos) << event;
  const auto bad = (*source)->Next(&event);
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message(), csv + ":3: found 2 columns, the header has 3");
  ASSERT_TRUE(*(*source)->Next(&event));
  EXPECT_NE(event.find("1970-01-01T00:01:00"), std::string::npos) << event;
}

TEST_F(EventSourceTest, AMissingFileAndAnEmptyOneAreTold) {
  EXPECT_EQ(OpenJsonLines((folder_ / "none").string()).error().kind(), ErrorKind::kNotFound);
  const std::string mapping = Write("m.toml", "");
  EXPECT_NE(OpenCsv(Write("empty.csv", ""), mapping).error().message().find("the file is empty"), std::string::npos);
}

}  // namespace
}  // namespace feedmill::cli
