#include "lake/catalog_for_test.h"

#include <filesystem>
#include <latch>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feedmill::lake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(CatalogTest, CreatesAndLoads) {
  CreateActions();
  Reopen();
  auto table = catalog_->Load(kTable);
  ASSERT_TRUE(table) << table.error().ToString();
  EXPECT_EQ(table->schema.size(), 5u);
  EXPECT_EQ(table->schema[4].id, 5);
  EXPECT_EQ(table->schema[3].element_id, 6);
  EXPECT_EQ(table->partition_spec[0].column, "event_time");
  EXPECT_FALSE(table->current_snapshot_id);
  EXPECT_THAT(Planned(), IsEmpty());
  EXPECT_THAT(*catalog_->ListTables(), ElementsAre(kTable));
}

TEST_F(CatalogTest, NamesWhatIsWrong) {
  CreateActions();
  auto missing = catalog_->Load("dwd.absent");
  EXPECT_EQ(missing.error().kind(), ErrorKind::kNotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr(kTable));
  EXPECT_EQ(catalog_->Create(kTable, ActionColumns(), {}).error().kind(), ErrorKind::kAlreadyExists);
  for (const char* name : {"plain", ".x", "x.", "a.b.c", "a.B", "../x.y", "a/b.c", ""}) {
    EXPECT_EQ(catalog_->Create(name, ActionColumns(), {}).error().kind(), ErrorKind::kInvalidArgument) << name;
  }
  EXPECT_EQ(catalog_->Create("a.b", ActionColumns(), {{"score", Transform::kDay}}).error().kind(),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(catalog_->Create("a.b", {NewColumn("x", ColumnType::kLong), NewColumn("x", ColumnType::kLong)}, {})
                .error()
                .kind(),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(catalog_->PlanScan(kTable, {{"absent", 1, 2}}).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(catalog_->PlanScan(kTable, {{"score", 1, 2}}).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(catalog_->PlanScan(kTable, {}, 12345).error().kind(), ErrorKind::kNotFound);
}

TEST_F(CatalogTest, AppendsAndReadsHistory) {
  CreateActions();
  const DataFile first = NewFile(kDay), second = NewFile(kDay + 1);
  const Snapshot one = MustCommit(Append({first}));
  const Snapshot two = MustCommit(Append({second}));
  EXPECT_THAT(Planned(), ElementsAre(first.path, second.path));
  EXPECT_THAT(Planned({}, one.id), ElementsAre(first.path));
  EXPECT_EQ(two.parent_id, one.id);
  EXPECT_EQ(two.sequence_number, 2);
  EXPECT_EQ(two.summary.at("total-records"), "20");
  EXPECT_EQ(two.summary.at("operation"), "append");
  Reopen();
  auto table = catalog_->Load(kTable);
  ASSERT_EQ(table->snapshots.size(), 2u);
  EXPECT_EQ(table->snapshots[1].summary, two.summary);
  EXPECT_EQ(table->snapshots[1].committed_at, clock_.Now());
}

TEST_F(CatalogTest, PrunesByPartitionAndByBounds) {
  CreateActions();
  const DataFile early = NewFile(kDay - 1, 0, 9), low = NewFile(kDay, 0, 49), high = NewFile(kDay, 50, 99);
  MustCommit(Append({early}));
  MustCommit(Append({low, high}));
  const Micros midnight = kDay * kMicrosPerDay;
  EXPECT_THAT(Planned({{"event_time", midnight, {}}}), ElementsAre(low.path, high.path));
  EXPECT_THAT(Planned({{"event_time", {}, midnight}}), ElementsAre(early.path));
  EXPECT_THAT(Planned({{"event_time", {}, midnight + 1}}), ElementsAre(early.path, low.path, high.path));
  EXPECT_THAT(Planned({{"event_time", midnight, {}}, {"user_number", 50, {}}}), ElementsAre(high.path));
  EXPECT_EQ(pruned_, 2);
  EXPECT_THAT(Planned({{"user_number", {}, 50}}), ElementsAre(early.path, low.path));
  EXPECT_THAT(Planned({{"user_number", 100, 100}}), IsEmpty());
  EXPECT_EQ(pruned_, 3);
}

TEST_F(CatalogTest, ReplacesWholePartitions) {
  CreateActions();
  const DataFile old_one = NewFile(kDay), old_two = NewFile(kDay), other = NewFile(kDay + 1);
  MustCommit(Append({old_one, other}));
  const Snapshot before = MustCommit(Append({old_two}));
  const DataFile fresh = NewFile(kDay);
  const Snapshot after = MustCommit(Replace({fresh}));
  EXPECT_THAT(Planned(), ElementsAre(other.path, fresh.path));
  EXPECT_THAT(Planned({}, before.id), ElementsAre(old_one.path, old_two.path, other.path));
  EXPECT_EQ(after.summary.at("operation"), "overwrite");
  EXPECT_EQ(after.summary.at("deleted-data-files"), "2");
  EXPECT_EQ(after.summary.at("total-data-files"), "2");
  EXPECT_EQ(after.summary.at("total-files-size"), "8");
}

// What a commit costs does not grow with the days that it does not touch, nor with what was committed before.
TEST_F(CatalogTest, AReplacementReadsOnlyManifestsOfItsDays) {
  CreateActions();
  const auto metadata = folder_ / "lake/dwd/dwd_user_action/metadata";
  std::set<std::string> others;  // manifests of other days
  const auto commit_day = [&](std::optional<int64_t> day, bool other) {
    std::set<std::string> before;
    for (const auto& entry : std::filesystem::directory_iterator(metadata)) before.insert(entry.path().string());
    DataFile file = NewFile(0);
    file.partition = {day};
    MustCommit(Append({file}));
    for (const auto& entry : std::filesystem::directory_iterator(metadata)) {
      const std::string path = entry.path().string();
      if (other && path.ends_with("-m0.avro") && !before.contains(path)) others.insert(path);
    }
  };
  commit_day(std::nullopt, true);
  for (int64_t day = 0; day < 10; ++day) commit_day(kDay + day, day != 3);
  commit_day(kDay + 3, false);
  ASSERT_EQ(others.size(), 10U);
  // Whoever reads them, or metadata that this process wrote itself, fails.
  for (const std::string& path : others) std::filesystem::remove(path);
  std::filesystem::remove(catalog_->Load(kTable)->metadata_location);
  const DataFile fresh = NewFile(kDay + 3);
  const Snapshot after = MustCommit(Replace({fresh}));
  EXPECT_EQ(after.summary.at("deleted-data-files"), "2");
  EXPECT_EQ(after.summary.at("total-data-files"), "11");
  const std::vector<RangeFilter> day = {{"event_time", (kDay + 3) * kMicrosPerDay, (kDay + 4) * kMicrosPerDay}};
  EXPECT_THAT(Planned(day), ElementsAre(fresh.path));
  CommitRequest of_no_day = Replace({});
  of_no_day.replaced_partitions = {{std::nullopt}};
  EXPECT_EQ(catalog_->Commit(kTable, of_no_day).error().kind(), ErrorKind::kCorrupt) << "that one is read";
}

TEST_F(CatalogTest, EmptiesNamedPartitions) {
  CreateActions();
  const DataFile one = NewFile(kDay), two = NewFile(kDay + 1);
  MustCommit(Append({one, two}));
  CommitRequest request = Replace({});
  request.replaced_partitions = {{kDay}};
  MustCommit(request);
  EXPECT_THAT(Planned(), ElementsAre(two.path));
  request.replaced_partitions = {{kDay, 7}};
  EXPECT_EQ(catalog_->Commit(kTable, request).error().kind(), ErrorKind::kInvalidArgument);
}

TEST_F(CatalogTest, ReplacesAllOfAnUnpartitionedTable) {
  ASSERT_TRUE(catalog_->Create(kTable, ActionColumns(), {}));
  DataFile one = NewFile(0), two = NewFile(0);
  one.partition = two.partition = {};
  MustCommit(Append({one}));
  MustCommit(Replace({two}));
  EXPECT_THAT(Planned(), ElementsAre(two.path));
  MustCommit(Replace({}));
  EXPECT_THAT(Planned(), IsEmpty());
}

TEST_F(CatalogTest, ReplaceFailsWhenNewFilesLanded) {
  CreateActions();
  const Snapshot read = MustCommit(Append({NewFile(kDay)}));
  const DataFile late = NewFile(kDay), elsewhere = NewFile(kDay + 1);
  MustCommit(Append({elsewhere}));
  CommitRequest request = Replace({NewFile(kDay)});
  request.read_snapshot_id = read.id;
  const Snapshot fine = MustCommit(request);
  MustCommit(Append({late}));
  request = Replace({NewFile(kDay)});
  request.read_snapshot_id = fine.id;
  auto outcome = catalog_->Commit(kTable, request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kConflict);
  EXPECT_THAT(outcome.error().message(), HasSubstr(late.path));
}

TEST_F(CatalogTest, ARefusedCommitLeavesNoFiles) {
  CreateActions();
  const Snapshot read = MustCommit(Append({NewFile(kDay)}));
  MustCommit(Append({NewFile(kDay)}));
  const size_t before = FilesIn("metadata");
  CommitRequest request = Replace({NewFile(kDay)});
  request.read_snapshot_id = read.id;
  ASSERT_FALSE(catalog_->Commit(kTable, request));
  DataFile wrong = NewFile(kDay);
  wrong.partition = {};
  ASSERT_FALSE(catalog_->Commit(kTable, Append({wrong})));
  EXPECT_EQ(FilesIn("metadata"), before);
}

TEST_F(CatalogTest, AddsColumns) {
  CreateActions();
  MustCommit(Append({NewFile(kDay)}));
  auto wider =
      catalog_->AddColumns(kTable, {NewColumn("scene", ColumnType::kString), NewColumn("score", ColumnType::kDouble)});
  ASSERT_TRUE(wider) << wider.error().ToString();
  ASSERT_EQ(wider->schema.size(), 6u);
  EXPECT_EQ(wider->schema[5].name, "scene");
  EXPECT_EQ(wider->schema[5].id, 7);
  EXPECT_EQ(catalog_->AddColumns(kTable, {NewColumn("scene", ColumnType::kLong)}).error().kind(),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(catalog_->AddColumns(kTable, {NewColumn("x", ColumnType::kLong, true)}).error().kind(),
            ErrorKind::kInvalidArgument);
  const std::string location = catalog_->Load(kTable)->metadata_location;
  ASSERT_TRUE(catalog_->AddColumns(kTable, {NewColumn("scene", ColumnType::kString)}));
  EXPECT_EQ(catalog_->Load(kTable)->metadata_location, location) << "nothing to add, nothing written";
  const Snapshot after = MustCommit(Append({NewFile(kDay)}));
  EXPECT_EQ(after.schema_id, 1);
}

class LandingTest : public CatalogTest {
 protected:
  CommitRequest Landing(uint64_t from, uint64_t to, std::vector<DataFile> files) {
    CommitRequest request = Append(std::move(files));
    request.landing = LandingMark{"events", {{0, from}}, {{0, to}}, fmt::format("events-{}-{}", from, to), epoch_};
    return request;
  }
  int64_t epoch_ = 0;
};

TEST_F(LandingTest, OffsetsAdvanceWithTheSnapshot) {
  CreateActions();
  epoch_ = *catalog_->AcquireWriterEpoch("events");
  EXPECT_THAT(*catalog_->LandedOffsets(kTable, "events"), IsEmpty());
  const Snapshot one = MustCommit(Landing(0, 100, {NewFile(kDay)}));
  EXPECT_EQ(catalog_->LandedOffsets(kTable, "events")->at(0), 100u);
  EXPECT_EQ(one.summary.at("feedmill.offsets.events"), R"({"0":100})");
  EXPECT_EQ(one.summary.at("feedmill.batch-id"), "events-0-100");
  EXPECT_EQ(one.summary.at("feedmill.writer-epoch"), std::to_string(epoch_));
}

TEST_F(LandingTest, ARepeatedBatchAnswersItsSnapshot) {
  CreateActions();
  const CommitRequest batch = Landing(0, 100, {NewFile(kDay)});
  const Snapshot one = MustCommit(batch);
  MustCommit(Landing(100, 200, {NewFile(kDay)}));
  const Snapshot again = MustCommit(batch);
  EXPECT_EQ(again.id, one.id);
  EXPECT_EQ(Planned().size(), 2u);
}

TEST_F(LandingTest, AnotherBatchOfTheSameOffsetsIsRefused) {
  CreateActions();
  MustCommit(Landing(0, 100, {NewFile(kDay)}));
  CommitRequest other = Landing(0, 50, {NewFile(kDay)});
  auto outcome = catalog_->Commit(kTable, other);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kConflict);
  EXPECT_THAT(outcome.error().message(), HasSubstr("0:100"));
  EXPECT_EQ(Planned().size(), 1u);
}

TEST_F(LandingTest, AnOlderWriterIsFencedOff) {
  CreateActions();
  epoch_ = *catalog_->AcquireWriterEpoch("events");
  const CommitRequest stale = Landing(0, 100, {NewFile(kDay)});
  epoch_ = *catalog_->AcquireWriterEpoch("events");
  auto outcome = catalog_->Commit(kTable, stale);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kConflict);
  EXPECT_THAT(*catalog_->LandedOffsets(kTable, "events"), IsEmpty());
  MustCommit(Landing(0, 100, {NewFile(kDay)}));
}

TEST_F(LandingTest, OffsetsAndBatchesSurviveExpiry) {
  CreateActions();
  const CommitRequest batch = Landing(0, 100, {NewFile(kDay)});
  const Snapshot one = MustCommit(batch);
  MustCommit(Landing(100, 200, {NewFile(kDay)}));
  ASSERT_TRUE(catalog_->ExpireSnapshots(kTable, clock_.Now() + 1, 1));
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.size(), 1u);
  EXPECT_EQ(MustCommit(batch).id, one.id);
  EXPECT_EQ(catalog_->LandedOffsets(kTable, "events")->at(0), 200u);
}

TEST_F(CatalogTest, ManyAppendsKeepFewManifests) {
  small_manifests_max_ = 8;
  Reopen();
  CreateActions();
  for (int i = 0; i < 50; ++i) MustCommit(Append({NewFile(kDay + i)}));
  EXPECT_EQ(Planned().size(), 50u);
  EXPECT_THAT(Planned({{"event_time", kDay * kMicrosPerDay, (kDay + 1) * kMicrosPerDay}}).size(), 1u);
  auto table = catalog_->Load(kTable);
  EXPECT_EQ(table->snapshots.back().summary.at("total-data-files"), "50");
}

TEST_F(CatalogTest, OldMetadataFilesGo) {
  CreateActions();
  for (int i = 0; i < 20; ++i) MustCommit(Append({NewFile(kDay)}));
  size_t versions = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "lake/dwd/dwd_user_action/metadata")) {
    versions += entry.path().string().ends_with(".metadata.json");
  }
  EXPECT_EQ(versions, 6u) << "five in the log and the current one";
}

TEST_F(CatalogTest, TwoCatalogsCommitTogether) {
  CreateActions();
  constexpr int kThreads = 2, kCommits = 12;
  std::vector<std::string> written;
  std::vector<std::thread> threads;
  std::latch begin(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    std::vector<DataFile> files;
    for (int i = 0; i < kCommits; ++i) written.push_back(files.emplace_back(NewFile(kDay)).path);
    threads.emplace_back([this, &begin, files = std::move(files)] {
      CatalogOptions options;
      options.warehouse = (folder_ / "lake").string();
      options.commit_attempts_max = 1000;
      auto store = std::move(*meta::OpenStore((folder_ / "meta.db").string(), CatalogMigrations()));
      auto catalog = std::move(*OpenCatalog(io::PosixFileSystem(), *store, clock_, options));
      begin.arrive_and_wait();
      for (const DataFile& file : files) {
        EXPECT_TRUE(catalog->Commit(kTable, Append({file}))) << file.path;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Planned(), testing::UnorderedElementsAreArray(written));
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.size(), written.size());
}

TEST_F(CatalogTest, DropForgetsAndPurges) {
  CreateActions();
  MustCommit(Append({NewFile(kDay)}));
  ASSERT_TRUE(catalog_->Drop(kTable, true));
  EXPECT_EQ(catalog_->Load(kTable).error().kind(), ErrorKind::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "lake/dwd/dwd_user_action"));
  CreateActions();
  EXPECT_THAT(Planned(), IsEmpty());
}

}  // namespace
}  // namespace feedmill::lake
