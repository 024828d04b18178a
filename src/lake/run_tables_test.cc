// What a run sees while others publish, and tables that are made beside the published ones.
#include "lake/run_tables.h"

#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "lake/orphans.h"

namespace feedmill::lake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Micros kNoon = 1'700'000'000'000'000;

class RunTablesTest : public testing::Test {
 protected:
  RunTablesTest()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_run_tables_{}", getpid())),
        clock_(kNoon) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = std::move(*meta::OpenStore((folder_ / "meta.db").string(), CatalogMigrations()));
    catalog_ = Open("");
  }
  ~RunTablesTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Catalog> Open(const std::string& staged_run) {
    CatalogOptions options;
    options.warehouse = (folder_ / "lake").string();
    auto& files = io::PosixFileSystem();
    auto catalog = staged_run.empty() ? OpenCatalog(files, *store_, clock_, options)
                                      : OpenStagedCatalog(files, *store_, clock_, options, staged_run);
    return std::move(*catalog);
  }
  static void Create(Catalog& catalog, const std::string& table, const char* column = "id") {
    Schema schema = {{0, column, ColumnType::kLong, false, "", 0}};
    EXPECT_THAT(catalog.Create(table, schema, {}), IsOk());
  }
  Result<Snapshot> Add(Catalog& catalog, const std::string& table, std::optional<int64_t> read = {}) {
    clock_.Advance(kMicrosPerMinute);
    CommitRequest request;
    request.read_snapshot_id = read;
    DataFile file;
    file.path = *catalog.DataFolder(table) + fmt::format("/part-{}.parquet", next_file_++);
    EXPECT_THAT(io::WriteFileAtomically(io::PosixFileSystem(), file.path, "rows"), IsOk());
    file.record_count = 1;
    file.size_bytes = 4;
    request.files = {file};
    return catalog.Commit(table, request);
  }
  static size_t FilesOf(Catalog& catalog, const std::string& table) {
    return catalog.PlanScan(table, {})->files.size();
  }

  const std::filesystem::path folder_;
  ManualClock clock_;
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<Catalog> catalog_;
  int next_file_ = 0;
};

TEST_F(RunTablesTest, ARunReadsWhatWasThereWhenItBegan) {
  Create(*catalog_, "ods.ods_event");
  Create(*catalog_, "dwd.dwd_post");
  ASSERT_THAT(Add(*catalog_, "ods.ods_event"), IsOk());
  ASSERT_THAT(PinRun(*store_, *catalog_, "r1"), IsOk());
  ASSERT_THAT(Add(*catalog_, "ods.ods_event"), IsOk());
  Create(*catalog_, "ods.ods_late");
  ASSERT_THAT(Add(*catalog_, "ods.ods_late"), IsOk());

  const auto run = MakeRunCatalog(*catalog_, *store_, "r1");
  EXPECT_EQ(FilesOf(*catalog_, "ods.ods_event"), 2u);
  EXPECT_EQ(FilesOf(*run, "ods.ods_event"), 1u);
  EXPECT_EQ(FilesOf(*run, "ods.ods_late"), 0u) << "a table that came later is empty to the run";
  EXPECT_FALSE(run->Load("ods.ods_late")->current_snapshot_id);
  ASSERT_THAT(PinRun(*store_, *catalog_, "r1"), IsOk()) << "a resumed run";
  EXPECT_EQ(FilesOf(*run, "ods.ods_event"), 1u);
}

TEST_F(RunTablesTest, WhatARunPublishesItSeesAndSoDoItsOtherSteps) {
  Create(*catalog_, "dwd.dwd_post");
  ASSERT_THAT(PinRun(*store_, *catalog_, "r1"), IsOk());
  const auto run = MakeRunCatalog(*catalog_, *store_, "r1");
  const auto other_step = MakeRunCatalog(*catalog_, *store_, "r1");
  ASSERT_THAT(Add(*run, "dwd.dwd_post"), IsOk());
  EXPECT_EQ(FilesOf(*other_step, "dwd.dwd_post"), 1u);
  Create(*run, "dws.dws_new");
  ASSERT_THAT(Add(*run, "dws.dws_new"), IsOk());
  EXPECT_EQ(FilesOf(*other_step, "dws.dws_new"), 1u);
}

TEST_F(RunTablesTest, ARunDoesNotPublishOverSomebodyElse) {
  Create(*catalog_, "dim.dim_user");
  ASSERT_THAT(PinRun(*store_, *catalog_, "r1"), IsOk());
  ASSERT_THAT(PinRun(*store_, *catalog_, "r2"), IsOk());
  const auto one = MakeRunCatalog(*catalog_, *store_, "r1");
  const auto two = MakeRunCatalog(*catalog_, *store_, "r2");
  ASSERT_THAT(Add(*one, "dim.dim_user"), IsOk());
  EXPECT_THAT(Add(*two, "dim.dim_user"), IsError(ErrorKind::kConflict, HasSubstr("was published after")));
  ASSERT_THAT(Add(*one, "dim.dim_user"), IsOk()) << "its own pin has moved";
  EXPECT_EQ(FilesOf(*catalog_, "dim.dim_user"), 2u);
}

TEST_F(RunTablesTest, PinnedSnapshotsDoNotExpire) {
  Create(*catalog_, "ods.ods_event");
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Add(*catalog_, "ods.ods_event"), IsOk());
  ASSERT_THAT(PinRun(*store_, *catalog_, "r1"), IsOk());
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Add(*catalog_, "ods.ods_event"), IsOk());
  const auto run = MakeRunCatalog(*catalog_, *store_, "r1");
  ASSERT_THAT(catalog_->ExpireSnapshots("ods.ods_event", clock_.Now() + 1, 1), IsOk());
  EXPECT_EQ(catalog_->Load("ods.ods_event")->snapshots.size(), 2u);
  EXPECT_EQ(FilesOf(*run, "ods.ods_event"), 3u);
  ASSERT_THAT(ForgetRun(*store_, "r1"), IsOk());
  ASSERT_THAT(catalog_->ExpireSnapshots("ods.ods_event", clock_.Now() + 1, 1), IsOk());
  EXPECT_EQ(catalog_->Load("ods.ods_event")->snapshots.size(), 1u);
  EXPECT_THAT(*RunsWithTables(*store_), IsEmpty());
}

TEST_F(RunTablesTest, ARunWhoseSnapshotIsGoneCannotGoOn) {
  Create(*catalog_, "ods.ods_event");
  ASSERT_THAT(Add(*catalog_, "ods.ods_event"), IsOk());
  ASSERT_THAT(PinRun(*store_, *catalog_, "r1"), IsOk());
  ASSERT_THAT(catalog_->Drop("ods.ods_event", true), IsOk());
  Create(*catalog_, "ods.ods_event");
  EXPECT_THAT(PinRun(*store_, *catalog_, "r1"), IsError(ErrorKind::kNotFound, HasSubstr("begin a new run")));
}

TEST_F(RunTablesTest, StagedTablesAreSeenByTheirRunUntilAllArePublished) {
  Create(*catalog_, "ods.ods_event");
  for (const char* table : {"dwd.dwd_post", "dws.dws_gone"}) {
    Create(*catalog_, table);
    ASSERT_THAT(Add(*catalog_, table), IsOk());
  }
  ASSERT_THAT(Add(*catalog_, "ods.ods_event"), IsOk());
  ASSERT_THAT(StageRun(*store_, "r1", {"dwd.dwd_post", "dws.dws_gone"}), IsOk());
  auto staged = Open("r1");
  ASSERT_THAT(PinRun(*store_, *staged, "r1"), IsOk());
  const auto run = MakeRunCatalog(*staged, *store_, "r1");
  EXPECT_THAT(*run->ListTables(), ElementsAre("ods.ods_event"));
  Create(*run, "dwd.dwd_post", "other_column");
  ASSERT_THAT(Add(*run, "dwd.dwd_post"), IsOk());
  ASSERT_THAT(Add(*run, "dwd.dwd_post"), IsOk());

  EXPECT_EQ(FilesOf(*run, "dwd.dwd_post"), 2u);
  EXPECT_EQ(FilesOf(*catalog_, "dwd.dwd_post"), 1u);
  EXPECT_THAT(*catalog_->ListTables(), ElementsAre("dwd.dwd_post", "dws.dws_gone", "ods.ods_event"));
  bool also = false;
  ASSERT_THAT(PublishStaged(*store_, "r1",
                            [&](meta::Transaction&) {
                              also = true;
                              return Ok();
                            }),
              IsOk());
  EXPECT_TRUE(also);
  EXPECT_EQ(FilesOf(*catalog_, "dwd.dwd_post"), 2u);
  EXPECT_EQ(catalog_->Load("dwd.dwd_post")->schema[0].name, "other_column");
  EXPECT_THAT(*catalog_->ListTables(), ElementsAre("dwd.dwd_post", "ods.ods_event"));
  EXPECT_THAT(*RunsWithTables(*store_), IsEmpty());
}

TEST_F(RunTablesTest, AFailedPublishChangesNothingAndAForgottenRunLeavesNothing) {
  Create(*catalog_, "dwd.dwd_post");
  ASSERT_THAT(Add(*catalog_, "dwd.dwd_post"), IsOk());
  ASSERT_THAT(StageRun(*store_, "r1", {"dwd.dwd_post"}), IsOk());
  auto staged = Open("r1");
  Create(*staged, "dwd.dwd_post");
  EXPECT_THAT(PublishStaged(*store_, "r1", [](meta::Transaction&) -> Status { return Conflict("no"); }),
              IsError(ErrorKind::kConflict));
  EXPECT_EQ(FilesOf(*catalog_, "dwd.dwd_post"), 1u);
  EXPECT_THAT(*StagedTables(*store_, "r1"), ElementsAre("dwd.dwd_post"));
  ASSERT_THAT(ForgetRun(*store_, "r1"), IsOk());
  EXPECT_THAT(*StagedTables(*store_, "r1"), IsEmpty());
  EXPECT_THAT(Open("r1")->Load("dwd.dwd_post"), IsOk());
  EXPECT_EQ(FilesOf(*catalog_, "dwd.dwd_post"), 1u);
}

TEST_F(RunTablesTest, OrphansAreWhatNoTableAndNoRunRefersTo) {
  Create(*catalog_, "dwd.dwd_post");
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Add(*catalog_, "dwd.dwd_post"), IsOk());
  ASSERT_THAT(StageRun(*store_, "r1", {"dwd.dwd_post"}), IsOk());
  auto staged = Open("r1");
  Create(*staged, "dwd.dwd_post");
  ASSERT_THAT(Add(*staged, "dwd.dwd_post"), IsOk());
  const std::string folder = *catalog_->DataFolder("dwd.dwd_post");
  for (const char* name : {"/left.parquet", "/notes.txt"})
    ASSERT_THAT(io::WriteFileAtomically(io::PosixFileSystem(), folder + name, "rows"), IsOk());

  const std::vector<Catalog*> both = {catalog_.get(), staged.get()};
  EXPECT_EQ(ScanOrphans(io::PosixFileSystem(), both, {kMicrosPerDay, true})->files, 0) << "too young";
  const auto looked = ScanOrphans(io::PosixFileSystem(), both, {0, false});
  ASSERT_THAT(looked, IsOk());
  EXPECT_THAT(looked->paths, ElementsAre(folder + "/left.parquet"));
  EXPECT_EQ(looked->unknown, 1);
  EXPECT_EQ(ScanOrphans(io::PosixFileSystem(), both, {0, true})->files, 1);
  EXPECT_FALSE(std::filesystem::exists(folder + "/left.parquet"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/notes.txt"));

  ASSERT_THAT(PublishStaged(*store_, "r1", [](meta::Transaction&) { return Ok(); }), IsOk());
  const auto former = ScanOrphans(io::PosixFileSystem(), {catalog_.get()}, {0, true});
  ASSERT_THAT(former, IsOk());
  EXPECT_GE(former->files, 3) << "what the staged table has taken the place of";
  const auto plan = catalog_->PlanScan("dwd.dwd_post", {});
  ASSERT_THAT(plan, IsOk());
  for (const DataFile& file : plan->files) EXPECT_TRUE(std::filesystem::exists(file.path));
  EXPECT_THAT(catalog_->Load("dwd.dwd_post"), IsOk());
}

}  // namespace
}  // namespace feedmill::lake
