#include "app/keeper.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "ingest/event_tables.h"
#include "jobs/run_store.h"
#include "lake/run_tables.h"
#include "warehouse/interval_store.h"

namespace feedmill::app {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr Micros kNow = 1'700'000'000'000'000;

class KeeperTest : public testing::Test {
 protected:
  KeeperTest() : project_(fs::temp_directory_path() / fmt::format("feedmill_keeper_{}", getpid())) {
    fs::remove_all(project_);
    fs::create_directories(project_);
    config_.paths.project = project_;
    config_.paths.data = (project_ / "data").string();
    folder_ = std::move(*OpenDataFolder(config_.paths, clock_));
    keeper_ = std::make_unique<Keeper>(config_, folder_, clock_, clock_, metrics_);
  }
  ~KeeperTest() override { fs::remove_all(project_); }

  void AddBundle(const std::string& id, Micros created_at) {
    registry::BundleManifest manifest;
    manifest.id = id;
    manifest.created_at = created_at;
    const std::string folder = config_.paths.Bundles() + "/" + id;
    fs::create_directories(folder);
    ASSERT_THAT(folder_.registry->Add(manifest, folder), IsOk());
  }
  bool HasBundle(const std::string& id) { return fs::exists(config_.paths.Bundles() + "/" + id); }
  // A file or folder that is so many days old by the machine's clock.
  void Age(const std::string& path, int days) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(24 * days));
  }
  void AddRun(const std::string& id, Micros started_at) {
    jobs::RunRecord run;
    run.id = id;
    run.kind = "nightly";
    run.parameters = "{}";
    run.started_at = started_at;
    ASSERT_THAT(jobs::BeginRun(*folder_.store, run), IsOk());
    ASSERT_THAT(jobs::EndRun(*folder_.store, id, "failed", started_at), IsOk());
    std::ofstream(config_.paths.Runs() + "/" + id + ".json") << "{}";
  }
  void AddRows(const std::string& table, int commits) {
    const Schema schema = {{0, "id", ColumnType::kLong, false, "", 0}};
    ASSERT_THAT(folder_.catalog->Create(table, schema, {}), IsOk());
    for (int i = 0; i < commits; ++i) {
      lake::CommitRequest request;
      lake::DataFile file;
      file.path = *folder_.catalog->DataFolder(table) + fmt::format("/{}.parquet", next_file_++);
      ASSERT_THAT(io::WriteFileAtomically(io::PosixFileSystem(), file.path, "rows"), IsOk());
      file.record_count = 1;
      file.size_bytes = 4;
      request.files = {file};
      ASSERT_THAT(folder_.catalog->Commit(table, request), IsOk());
      clock_.Advance(kMicrosPerMinute);
    }
  }

  const fs::path project_;
  Config config_;
  ManualClock clock_{kNow};
  MetricsRegistry metrics_;
  DataFolder folder_;
  std::unique_ptr<Keeper> keeper_;
  int next_file_ = 0;
};

TEST_F(KeeperTest, OldBundlesGoButNotTheNewestNorTheLiveOne) {
  config_.retention.bundles_min = 2;
  AddBundle("live", kNow - 90 * kMicrosPerDay);
  ASSERT_THAT(folder_.registry->Promote("live", true), IsOk());
  AddBundle("old", kNow - 80 * kMicrosPerDay);
  AddBundle("young", kNow - 2 * kMicrosPerDay);
  AddBundle("second", kNow - 79 * kMicrosPerDay);
  AddBundle("newest", kNow - kMicrosPerDay);
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_TRUE(HasBundle("live"));
  EXPECT_FALSE(HasBundle("old"));
  EXPECT_FALSE(HasBundle("second"));
  EXPECT_TRUE(HasBundle("young"));
  EXPECT_TRUE(HasBundle("newest"));
  EXPECT_EQ(folder_.registry->List()->size(), 3u);
  EXPECT_EQ(keeper_->Figures().at("bundles").removed, 2u);
  EXPECT_THAT(metrics_.PrometheusText(), HasSubstr("feedmill_keeper_removed_total{part=\"bundles\"} 2"));
}

// Names come from the metadata store and from folders that anybody may have written to.
TEST_F(KeeperTest, NothingOutsideOfTheFolderIsRemoved) {
  const fs::path outside = project_ / "outside";
  fs::create_directories(outside / "training-1");
  std::ofstream(outside / "training-1/rows") << "rows";
  config_.retention.bundles_min = 1;
  AddBundle("../../outside", kNow - 80 * kMicrosPerDay);
  AddBundle("newest", kNow);
  EXPECT_THAT(keeper_->Sweep(), IsError(ErrorKind::kPermissionDenied, HasSubstr("outside of")));
  EXPECT_TRUE(fs::exists(outside / "training-1/rows"));
  fs::create_directory_symlink(outside / "training-1", config_.paths.Temporary() + "/training-2");
  Age(outside / "training-1", 30);
  EXPECT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_TRUE(fs::exists(outside / "training-1/rows")) << "a link goes, and not what it leads to";
  EXPECT_FALSE(fs::is_symlink(config_.paths.Temporary() + "/training-2"));
  fs::remove_all(config_.paths.Temporary());
  fs::create_directory_symlink(outside, config_.paths.Temporary());
  EXPECT_THAT(keeper_->Sweep(), IsError(ErrorKind::kPermissionDenied)) << "made a link while the server runs";
  EXPECT_TRUE(fs::exists(outside / "training-1/rows"));
}

TEST_F(KeeperTest, FoldersOfBundlesThatWereNeverRecordedGo) {
  AddBundle("recorded", kNow);
  for (const char* name : {"half", "just_made"}) fs::create_directories(config_.paths.Bundles() + "/" + name);
  Age(config_.paths.Bundles() + "/recorded", 30);
  Age(config_.paths.Bundles() + "/half", 2);
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_TRUE(HasBundle("recorded"));
  EXPECT_FALSE(HasBundle("half"));
  EXPECT_TRUE(HasBundle("just_made"));
}

TEST_F(KeeperTest, WhatIsNotKnownStays) {
  const std::string tmp = config_.paths.Temporary();
  for (const char* name : {"training-1", "training-2", "duckdb_temp_storage-1.tmp", "notes"}) {
    fs::create_directories(tmp + "/" + name);
    Age(tmp + "/" + name, 30);
  }
  Age(tmp + "/training-2", 2);
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_FALSE(fs::exists(tmp + "/training-1"));
  EXPECT_TRUE(fs::exists(tmp + "/training-2"));
  EXPECT_FALSE(fs::exists(tmp + "/duckdb_temp_storage-1.tmp"));
  EXPECT_TRUE(fs::exists(tmp + "/notes"));
}

TEST_F(KeeperTest, RecordsOfOldRunsGoWithTheirReportsAndPins) {
  config_.retention.runs_min = 1;
  AddRun("ancient", kNow - 200 * kMicrosPerDay);
  AddRun("recent", kNow - 10 * kMicrosPerDay);
  ASSERT_THAT(lake::PinRun(*folder_.store, *folder_.catalog, "recent"), IsOk());
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_THAT(jobs::LoadRun(*folder_.store, "ancient"), IsError(ErrorKind::kNotFound));
  EXPECT_FALSE(fs::exists(config_.paths.Runs() + "/ancient.json"));
  EXPECT_THAT(jobs::LoadRun(*folder_.store, "recent"), IsOk());
  EXPECT_FALSE(*lake::IsPinned(*folder_.store, "recent")) << "older than snapshots are kept";
}

TEST_F(KeeperTest, IntervalsOfTablesThatAreNoMoreGo) {
  AddRows("dwd.dwd_post", 1);
  for (const char* model : {"dwd_post", "dwd_gone"}) {
    warehouse::IntervalState state;
    state.model = model;
    state.start = kMicrosPerDay;
    state.updated_at = kNow - 60 * kMicrosPerDay;
    ASSERT_THAT(warehouse::SaveIntervals(*folder_.store, {state}), IsOk());
  }
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_EQ(warehouse::LoadIntervals(*folder_.store, "dwd_post")->size(), 1u);
  EXPECT_EQ(warehouse::LoadIntervals(*folder_.store, "dwd_gone")->size(), 0u);
}

TEST_F(KeeperTest, OneTableThatFailsDoesNotKeepTheOthersFromTheirTurn) {
  config_.retention.snapshots_min = 1;
  for (const char* table : {"aaa.broken", "zzz.whole"}) AddRows(table, 4);
  const auto broken = folder_.catalog->Load("aaa.broken");
  fs::remove(broken->snapshots.front().manifest_list);
  clock_.Advance(10 * kMicrosPerDay);
  EXPECT_THAT(keeper_->ExpireSnapshots(), IsError(ErrorKind::kNotFound, HasSubstr("aaa.broken")));
  EXPECT_EQ(folder_.catalog->Load("zzz.whole")->snapshots.size(), 1u);
  EXPECT_THAT(keeper_->Figures().at("snapshots").error, HasSubstr("aaa.broken"));
}

TEST_F(KeeperTest, RawHoursGoWhenTheirTimeIsOver) {
  const std::string table(ingest::kEventTable);
  ASSERT_THAT(folder_.catalog->Create(table, ingest::StandardEventColumns(), ingest::RawTablePartition()), IsOk());
  constexpr int64_t kThisHour = kNow / kMicrosPerHour;
  for (const int64_t hours_ago : {70 * 24, 60 * 24 + 2, 60 * 24 - 2, 0}) {
    lake::DataFile file;
    file.path = *folder_.catalog->DataFolder(table) + fmt::format("/{}.parquet", hours_ago);
    ASSERT_THAT(io::WriteFileAtomically(io::PosixFileSystem(), file.path, "rows"), IsOk());
    file.partition = {kThisHour - hours_ago};
    file.record_count = 1;
    file.size_bytes = 4;
    lake::CommitRequest request;
    request.files = {file};
    ASSERT_THAT(folder_.catalog->Commit(table, request), IsOk());
  }
  const auto hours_ago = [&] {
    std::set<int64_t> found;
    const auto plan = folder_.catalog->PlanScan(table, {});
    for (const lake::DataFile& file : plan->files) found.insert(kThisHour - *file.partition[0]);
    return found;
  };
  config_.retention.raw = 0;
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_EQ(hours_ago().size(), 4u) << "kept for ever";
  config_.retention.raw = 60 * kMicrosPerDay;
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_EQ(hours_ago(), (std::set<int64_t>{0, 60 * 24 - 2}));
  EXPECT_EQ(keeper_->Figures().at("raw").removed, 2u);
  const auto snapshots = folder_.catalog->Load(table)->snapshots.size();
  ASSERT_THAT(keeper_->Sweep(), IsOk());
  EXPECT_EQ(folder_.catalog->Load(table)->snapshots.size(), snapshots) << "nothing more to do makes no version";
}

TEST_F(KeeperTest, OrphansAreOnlyCountedInADryRun) {
  AddRows("dwd.dwd_post", 2);
  const std::string orphan = *folder_.catalog->DataFolder("dwd.dwd_post") + "/left.parquet";
  std::ofstream(orphan) << "rows";
  Age(orphan, 3);
  config_.retention.orphans_dry_run = true;
  ASSERT_THAT(keeper_->RemoveOrphans(), IsOk());
  EXPECT_TRUE(fs::exists(orphan));
  config_.retention.orphans_dry_run = false;
  ASSERT_THAT(keeper_->RemoveOrphans(), IsOk());
  EXPECT_FALSE(fs::exists(orphan));
  EXPECT_EQ(folder_.catalog->PlanScan("dwd.dwd_post", {})->files.size(), 2u);
}

TEST_F(KeeperTest, DiskIsToldByPart) {
  AddRows("dwd.dwd_post", 1);
  const auto disk = DiskByPart(config_.paths.data);
  EXPECT_GT(disk.at("lake"), 0u);
  EXPECT_GT(disk.at("meta"), 0u);
}

}  // namespace
}  // namespace feedmill::app
