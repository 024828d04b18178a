// What a failed try leaves, and how much of a large day becomes samples.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "features/replay.h"
#include "features/replay_world_for_test.h"
#include "lake/orphans.h"

namespace feedmill::features {
namespace {

constexpr Micros kStart = ReplayWorld::kStart;
constexpr Micros kEnd = kStart + (ReplayWorld::kDays + 1) * kMicrosPerDay;

class ReplayRetryTest : public testing::Test {
 protected:
  void SetUp() override {
    tables_.Write([](const WorldEvent&) { return true; });
  }
  ReplayArguments Arguments(int64_t day_samples_max = 0) {
    ReplayArguments arguments = tables_.Arguments(set_, kStart, kEnd);
    arguments.start.reset();
    arguments.day_samples_max = day_samples_max;
    return arguments;
  }
  ReplayReport Night(int64_t day_samples_max) {
    auto report = RunSampleReplay(Arguments(day_samples_max));
    EXPECT_THAT(report, IsOk());
    return report.value_or(ReplayReport{});
  }
  // Every column of every sample, in an order of their own.
  std::set<std::string> Rows() {
    std::set<std::string> texts;
    for (const auto& row :
         tables_.Query(std::string(kSampleTable), "SELECT CAST(s AS VARCHAR) FROM ads_sample_ctr s").rows)
      texts.insert(std::get<std::string>(row[0]));
    return texts;
  }
  int64_t Count(const std::string& sql) {
    return std::get<int64_t>(tables_.Query(std::string(kSampleTable), sql).rows[0][0]);
  }
  std::set<std::string> Files() {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(DataFolder())) {
      if (entry.is_regular_file()) found.insert(entry.path().filename());
    }
    return found;
  }
  std::string DataFolder() { return Arguments().catalog->DataFolder(std::string(kSampleTable)).value(); }

  FeatureSet set_ = LoadProjectFeatures(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template").value();
  ReplayWorld world_{31};
  ReplayTables tables_{world_,
                       std::string("replay_retry_") + testing::UnitTest::GetInstance()->current_test_info()->name()};
};

TEST_F(ReplayRetryTest, WhatAFailedTryWroteIsRemovedByTheNextOne) {
  ReplayArguments arguments = Arguments();
  arguments.run_id = "r1";
  ASSERT_THAT(RunSampleReplay(arguments), IsOk());
  const std::set<std::string> published = Files();
  for (const std::string& name : published) EXPECT_THAT(name, testing::HasSubstr(lake::RunMark("r1")));
  const std::string left = DataFolder() + "/samples-" + lake::RunMark("r1") + "-left.parquet";
  const std::string of_another = DataFolder() + "/samples-" + lake::RunMark("r2") + "-left.parquet";
  for (const std::string& path : {left, of_another}) std::ofstream(path) << "rows";
  ASSERT_THAT(RunSampleReplay(arguments), IsOk());
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(of_another));
  const std::set<std::string> files = Files();
  EXPECT_TRUE(std::ranges::includes(files, published)) << "what is published stays";
}

// A day of n impressions; more than the most makes every second request go, and so on, but never a part of a request.
TEST_F(ReplayRetryTest, OfALargeDayWholeRequestsAreKept) {
  const ReplayReport whole = Night(0);
  EXPECT_EQ(whole.days_thinned, 0);
  const std::set<std::string> all = Rows();
  const int64_t requests = Count("SELECT COUNT(DISTINCT request_id) FROM ads_sample_ctr");
  std::filesystem::remove_all(tables_.folder() + "/counters");

  const ReplayReport thinned = Night(whole.rows_written / ReplayWorld::kDays / 3);
  EXPECT_EQ(thinned.days_thinned, ReplayWorld::kDays);
  EXPECT_EQ(thinned.actions_applied, whole.actions_applied) << "all actions count";
  const std::set<std::string> kept = Rows();
  EXPECT_TRUE(std::ranges::includes(all, kept)) << "with the features and labels that they had";
  const int64_t kept_requests = Count("SELECT COUNT(DISTINCT request_id) FROM ads_sample_ctr");
  EXPECT_GT(kept_requests, requests / 8);
  EXPECT_LT(kept_requests, requests / 2);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM (SELECT request_id FROM ads_sample_ctr GROUP BY 1 HAVING COUNT(*) <> 6)"), 0);

  // The next night finds the thinned days up to date, and the last one as well when fewer are asked for.
  EXPECT_EQ(Night(whole.rows_written / ReplayWorld::kDays / 3).start, kEnd - kMicrosPerDay);
  EXPECT_EQ(Night(whole.rows_written / ReplayWorld::kDays / 6).start, kEnd - kMicrosPerDay);
  EXPECT_EQ(Night(0).start, kStart) << "more are asked for than there are";
  EXPECT_EQ(Rows(), all);
}

TEST_F(ReplayRetryTest, ThePartsAreAsManyAsTheMemoryWantsAndTheRowsTheSame) {
  ASSERT_EQ(Night(400).parts, 1);
  const std::set<std::string> kept = Rows();
  ReplayArguments arguments = Arguments(400);
  arguments.parts = 4;
  arguments.start = kStart;
  std::filesystem::remove_all(arguments.checkpoint_folder);
  const auto report = RunSampleReplay(arguments);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->parts, 4);
  EXPECT_EQ(Rows(), kept);
}

}  // namespace
}  // namespace feedmill::features
