#include "ingest/tracking_plan.h"

#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/event_tables.h"

namespace feedmill::ingest {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class TrackingPlanTest : public testing::Test {
 protected:
  TrackingPlanTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("plan_test_{}", ::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~TrackingPlanTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(io::WriteFileAtomically(io::PosixFileSystem(), (folder_ / name).string(), text));
  }
  Result<std::shared_ptr<const TrackingPlan>> Load() {
    return TrackingPlan::Load(io::PosixFileSystem(), folder_.string());
  }
  std::string LoadError() {
    auto plan = Load();
    return plan ? "" : plan.error().message();
  }

  std::filesystem::path folder_;
};

TEST_F(TrackingPlanTest, TheTemplateLoads) {
  auto plan = TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  ASSERT_TRUE(plan) << plan.error().ToString();
  EXPECT_EQ((*plan)->event_names().size(), 22u);
  std::map<std::string, ColumnType> columns;
  for (const auto& column : (*plan)->typed_columns()) columns[column.name] = column.type;
  std::map<std::string, ColumnType> expected = {
      {"author_id", ColumnType::kString}, {"dwell_ms", ColumnType::kLong},         {"lang", ColumnType::kString},
      {"nsfw", ColumnType::kBoolean},     {"position", ColumnType::kLong},         {"post_id", ColumnType::kString},
      {"query", ColumnType::kString},     {"request_id", ColumnType::kString},     {"scene", ColumnType::kString},
      {"source", ColumnType::kString},    {"target_user_id", ColumnType::kString}, {"text_length", ColumnType::kLong},
      {"title", ColumnType::kString},     {"topic", ColumnType::kString},          {"community", ColumnType::kString},
      {"reason", ColumnType::kString},    {"expires_at", ColumnType::kString}};
  EXPECT_EQ(columns, expected);
  EXPECT_NE((*plan)->Find("track", "feed_impression"), nullptr);
  EXPECT_NE((*plan)->Find("identify", ""), nullptr);
  EXPECT_EQ((*plan)->Find("track", "identify"), nullptr);
  EXPECT_EQ((*plan)->Find("page", ""), nullptr);
  EXPECT_EQ(EventTableSchema((*plan)->typed_columns()).size(), StandardEventColumns().size() + expected.size());
}

TEST_F(TrackingPlanTest, AllFaultsAreReportedWithFileAndLine) {
  Write("a.json", "{\"type\": \"object\",\n \"colour\": 1}");
  Write("b.json", "{\"type\": \"object\",\n \"properties\": {\"x\": {\"type\": \"integer\"}}}");
  Write("c.json", "{\"type\": \"object\",\n \"properties\": {\n\"x\": {\"type\": \"string\"}}}");
  Write("d.json", "{\"type\":");
  Write("e.json", "{\"type\": \"string\"}");
  Write("f.json", "{\"type\": \"object\", \"properties\": {\"country\": {\"type\": \"string\"}}}");
  Write("g.json", "{\"type\": \"object\", \"properties\": {\"x y\": {\"type\": \"string\"}}}");
  Write("h.json", "{\"type\": \"object\", \"title\": \"b\"}");
  std::string error = LoadError();
  std::string folder = folder_.string();
  EXPECT_THAT(error, HasSubstr(folder + "/a.json:2: unknown keyword 'colour'"));
  EXPECT_THAT(error,
              HasSubstr(folder + "/c.json:3: property 'x' is string here, and 'x' is long at " + folder + "/b.json:2"));
  EXPECT_THAT(error, HasSubstr(folder + "/d.json:1: "));
  EXPECT_THAT(error, HasSubstr(folder + "/e.json:1: an event's schema must say \"type\": \"object\""));
  EXPECT_THAT(error, HasSubstr(folder + "/f.json:1: property 'country' has the name of a standard column"));
  EXPECT_THAT(error, HasSubstr(folder + "/g.json:1: property 'x y' can be no column"));
  EXPECT_THAT(error, HasSubstr(folder + "/h.json:1: event 'b' has a file already"));
}

TEST_F(TrackingPlanTest, AnEmptyOrMissingFolderIsAnError) {
  EXPECT_THAT(LoadError(), HasSubstr("no event: at least one file <event>.json is needed"));
  EXPECT_FALSE(TrackingPlan::Load(io::PosixFileSystem(), (folder_ / "nowhere").string()));
}

TEST_F(TrackingPlanTest, TheTitleIsTheName) {
  Write("order.json",
        R"({"type":"object","title":"Order Completed","properties":{"price":{"type":["number","null"]}}})");
  auto plan = Load();
  ASSERT_TRUE(plan) << plan.error().ToString();
  EXPECT_NE((*plan)->Find("track", "Order Completed"), nullptr);
  EXPECT_EQ((*plan)->Find("track", "order"), nullptr);
  ASSERT_EQ((*plan)->typed_columns().size(), 1u);
  EXPECT_EQ((*plan)->typed_columns()[0].type, ColumnType::kDouble);
}

TEST_F(TrackingPlanTest, AnEventMaySayWhoSendsIt) {
  Write("a.json", "{\"type\": \"object\",\n \"x-from\": \"me\"}");
  Write("b.json", "{\"type\": \"object\",\n \"properties\": {\"x\": {\"type\": \"string\", \"x-from\": \"servers\"}}}");
  Write("c.json", "{\"type\": \"object\", \"x-from\": \"anyone\"}");
  const std::string error = LoadError();
  EXPECT_THAT(error, HasSubstr("/a.json:2: x-from: allowed are \"anyone\" and \"servers\""));
  EXPECT_THAT(error, HasSubstr("/b.json:2: x-from: allowed for an event, not for a property"));
  EXPECT_THAT(error, testing::Not(HasSubstr("c.json")));
  Write("a.json", "{\"type\": \"object\", \"properties\": {\"t\": {\"type\": \"string\",\n \"format\": \"uri\"}}}");
  EXPECT_THAT(LoadError(), HasSubstr("/a.json:2: format: allowed is \"date-time\""));
}

}  // namespace
}  // namespace feedmill::ingest
