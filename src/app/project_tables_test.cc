#include "app/project_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fmt/ranges.h>

#include "base/matchers.h"
#include "io/file_system.h"

namespace feedmill::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A copy of the template, with changes.
class ProjectTablesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("project_tables_{}_{}", testing::UnitTest::GetInstance()->current_test_info()->name(),
                          static_cast<int>(getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(FEEDMILL_SOURCE_DIR "/template", folder_, std::filesystem::copy_options::recursive);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Replace(const std::string& file, const std::string& from, const std::string& to) {
    const std::string path = folder_ / file;
    std::string text = io::ReadWholeFile(io::PosixFileSystem(), path).value();
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << file << " has no " << from;
    std::ofstream(path) << text.replace(at, from.size(), to);
  }

  void Load() {
    query::EngineOptions options;
    options.temporary_directory = folder_ / "tmp";
    engine_ = query::OpenEngine(options).value();
    const auto session = engine_->NewSession().value();
    io::FileSystem& files = io::PosixFileSystem();
    auto project = warehouse::LoadProject(files, folder_, *session);
    ASSERT_THAT(project, IsOk());
    const auto plan = ingest::TrackingPlan::Load(files, folder_ / "events");
    ASSERT_THAT(plan, IsOk());
    const auto set = features::LoadProjectFeatures(files, folder_);
    ASSERT_THAT(set, IsOk());
    const auto columns = DescribeTables(*project, **plan, nullptr, *session);
    ASSERT_THAT(columns, IsOk());
    columns_ = *columns;
    read_ = CheckColumnsRead(*project, columns_, *set);
    selects_ = CheckSelects(*project, columns_, nullptr);
    unknown_ = UnknownEvents(*project, **plan, *session);
  }

  std::filesystem::path folder_;
  std::unique_ptr<query::Engine> engine_;
  warehouse::ModelColumns columns_;
  Status read_ = Ok();
  Status selects_ = Ok();
  std::vector<std::string> unknown_;
};

TEST_F(ProjectTablesTest, TheTemplateIsWhole) {
  Load();
  EXPECT_THAT(columns_.faults, IsEmpty());
  EXPECT_THAT(selects_, IsOk());
  EXPECT_THAT(read_, IsOk());
  EXPECT_THAT(unknown_, IsEmpty());
  EXPECT_TRUE(columns_.tables.contains("dwd_impression"));
  EXPECT_TRUE(columns_.tables.contains("ads_trending"));
}

TEST_F(ProjectTablesTest, AColumnThatTheNightReadsAndTheSelectDoesNotGiveIsNamed) {
  Replace("warehouse/dwd/dwd_user_action.sql", "  a.about_topic AS topic,\n", "");
  Load();
  EXPECT_THAT(read_, IsError(ErrorKind::kInvalidArgument,
                             HasSubstr("warehouse/dwd/dwd_user_action.sql: the SELECT gives no column \"topic\", which "
                                       "domain.toml item.post.category reads")));
}

TEST_F(ProjectTablesTest, SoIsOneOfAnotherType) {
  Replace("warehouse/dwd/dwd_user_action.sql", "  u.user_key,\n", "  CAST(u.user_key AS VARCHAR) AS user_key,\n");
  Load();
  EXPECT_THAT(read_,
              IsError(ErrorKind::kInvalidArgument,
                      HasSubstr("\"user_key\", which the nightly's own steps read, is STRING; allowed: BIGINT")));
}

TEST_F(ProjectTablesTest, AnActionByAPropertyWithoutAColumnIsNamed) {
  Replace("domain.toml", "value = \"dwell_ms\"", "value = \"stayed_ms\"");
  Load();
  EXPECT_THAT(read_,
              IsError(ErrorKind::kInvalidArgument, HasSubstr("no column \"stayed_ms\", which domain.toml action.")));
}

TEST_F(ProjectTablesTest, SqlAndChecksThatNameNoColumnAreFaults) {
  Replace("warehouse/ads/ads_trending.sql", "AND post_key IS NOT NULL", "AND post_keys IS NOT NULL");
  Replace("warehouse/checks/dwd_user_action.dqdl", "\"event_id\"", "\"event_idd\"");
  Load();
  EXPECT_THAT(columns_.faults, testing::UnorderedElementsAre(HasSubstr("warehouse/ads/ads_trending.sql: line "),
                                                             HasSubstr("warehouse/checks/dwd_user_action.dqdl:")))
      << fmt::format("{}", fmt::join(columns_.faults, "\n"));
}

TEST_F(ProjectTablesTest, AnEventThatThePlanHasNotIsNamed) {
  Replace("warehouse/dwd/dwd_post_event.sql", "'post_create'", "'post_creat'");
  Load();
  EXPECT_THAT(unknown_, ElementsAre(AllOf(HasSubstr("warehouse/dwd/dwd_post_event.sql:"),
                                          HasSubstr("no event of the tracking plan is called \"post_creat\""))));
}

TEST_F(ProjectTablesTest, WhatReadsATableThatNobodyKnowsYetIsLeftOut) {
  std::ofstream(folder_ / "warehouse/ads/ads_shown.sql")
      << "-- model: ads_shown\n-- doc: samples by user\n-- materialize: full\n-- timeout: 1m\n-- key: user_key\n"
         "-- reads: ads_sample_ctr stable\nSELECT user_key, COUNT(*) AS samples FROM ads_sample_ctr GROUP BY "
         "user_key\n";
  Load();
  EXPECT_THAT(columns_.faults, IsEmpty());
  EXPECT_FALSE(columns_.tables.contains("ads_shown"));
}

}  // namespace
}  // namespace feedmill::app
