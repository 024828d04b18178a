#include "lake/catalog.h"

#include <filesystem>
#include <latch>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lake/bounds.h"

namespace feedmill::lake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Micros kNoon = 1'700'000'000'000'000;
constexpr int64_t kDay = kNoon / kMicrosPerDay;

// Over the operating system's files and SQLite, as the product runs it.
class CatalogTest : public testing::Test {
 protected:
  CatalogTest()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_lake_{}", getpid())), clock_(kNoon) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = std::move(*meta::OpenStore((folder_ / "meta.db").string(), CatalogMigrations()));
    Reopen();
  }
  ~CatalogTest() override { std::filesystem::remove_all(folder_); }

  void Reopen() {
    CatalogOptions options;
    options.warehouse = (folder_ / "lake").string();
    options.small_manifests_max = small_manifests_max_;
    options.snapshots_kept_max = snapshots_kept_max_;
    options.metadata_versions_kept_max = 5;
    catalog_ = std::move(*OpenCatalog(io::PosixFileSystem(), *store_, clock_, options));
  }

  static Column NewColumn(std::string name, ColumnType type, bool required = false) {
    Column column;
    column.name = std::move(name);
    column.type = type;
    column.required = required;
    return column;
  }
  static Schema ActionColumns() {
    return {NewColumn("event_id", ColumnType::kString, true), NewColumn("event_time", ColumnType::kTimestamptz, true),
            NewColumn("score", ColumnType::kDouble), NewColumn("vector", ColumnType::kListFloat),
            NewColumn("user_number", ColumnType::kLong)};
  }
  void CreateActions() {
    auto created = catalog_->Create(kTable, ActionColumns(), {{"event_time", Transform::kDay}});
    ASSERT_TRUE(created) << created.error().ToString();
  }

  // A file that stands for Parquet: the catalog never looks inside.
  DataFile NewFile(int64_t day, int64_t user_low = 0, int64_t user_high = 100) {
    auto folder = catalog_->DataFolder(kTable);
    EXPECT_TRUE(folder);
    DataFile file;
    file.path = fmt::format("{}/part-{:05d}.parquet", *folder, next_file_++);
    EXPECT_TRUE(io::WriteFileAtomically(io::PosixFileSystem(), file.path, "rows"));
    file.partition = {day};
    file.record_count = 10;
    file.size_bytes = 4;
    ColumnStatistics users{10, 0, 80, EncodeIntegerBound(ColumnType::kLong, user_low),
                           EncodeIntegerBound(ColumnType::kLong, user_high)};
    file.statistics[5] = users;
    return file;
  }
  static CommitRequest Append(std::vector<DataFile> files) {
    CommitRequest request;
    request.files = std::move(files);
    return request;
  }
  static CommitRequest Replace(std::vector<DataFile> files) {
    CommitRequest request = Append(std::move(files));
    request.operation = CommitRequest::Operation::kReplacePartitions;
    return request;
  }
  Snapshot MustCommit(const CommitRequest& request) {
    clock_.Advance(kMicrosPerMinute);
    auto snapshot = catalog_->Commit(kTable, request);
    EXPECT_TRUE(snapshot) << snapshot.error().ToString();
    return snapshot.value_or(Snapshot());
  }
  std::vector<std::string> Planned(const std::vector<RangeFilter>& filters = {}, std::optional<int64_t> snapshot = {}) {
    auto plan = catalog_->PlanScan(kTable, filters, snapshot);
    EXPECT_TRUE(plan) << plan.error().ToString();
    std::vector<std::string> paths;
    for (const DataFile& file : plan->files) paths.push_back(file.path);
    pruned_ = plan->files_pruned;
    return paths;
  }
  size_t FilesIn(const char* sub) const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder_ / "lake/dwd/dwd_user_action" / sub))
      ++count;
    return count;
  }

  const std::string kTable = "dwd.dwd_user_action";
  const std::filesystem::path folder_;
  ManualClock clock_;
  int64_t small_manifests_max_ = 100;
  int snapshots_kept_max_ = 500;
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<Catalog> catalog_;
  int next_file_ = 0;
  int64_t pruned_ = 0;
};

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

TEST_F(CatalogTest, ExpiryRemovesWhatNobodyUses) {
  small_manifests_max_ = 4;
  Reopen();
  CreateActions();
  for (int i = 0; i < 10; ++i) MustCommit(Append({NewFile(kDay + i % 2)}));
  const DataFile fresh = NewFile(kDay);
  MustCommit(Replace({fresh}));
  EXPECT_EQ(FilesIn("data"), 11u);
  ASSERT_TRUE(catalog_->ExpireSnapshots(kTable, clock_.Now() + 1, 1));
  EXPECT_EQ(FilesIn("data"), 6u) << "five of the other day and the fresh one";
  const auto planned = Planned();
  EXPECT_EQ(planned.size(), 6u);
  for (const std::string& path : planned) EXPECT_TRUE(std::filesystem::exists(path)) << path;
  MustCommit(Append({NewFile(kDay)}));
  EXPECT_EQ(Planned().size(), 7u);
}

TEST_F(CatalogTest, ExpiryReadsOnlyWhatIsBesideTheExpired) {
  CreateActions();
  for (int i = 0; i < 12; ++i) MustCommit(i % 3 == 2 ? Replace({NewFile(kDay)}) : Append({NewFile(kDay)}));
  const auto snapshots = catalog_->Load(kTable)->snapshots;
  // Lists of kept snapshots that are not next to an expired one: whoever reads them fails.
  for (size_t i = 5; i + 1 < snapshots.size(); ++i) std::filesystem::remove(snapshots[i].manifest_list);
  const auto expired = catalog_->ExpireSnapshots(kTable, snapshots[4].committed_at, 1);
  ASSERT_TRUE(expired) << expired.error().ToString();
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.size(), 8u);
  EXPECT_EQ(FilesIn("data"), 10u) << "the two that the first replacement emptied are gone";
}

TEST_F(CatalogTest, ExpiryKeepsTheYoungAndTheNewest) {
  CreateActions();
  for (int i = 0; i < 6; ++i) MustCommit(Append({NewFile(kDay)}));
  ASSERT_TRUE(catalog_->ExpireSnapshots(kTable, clock_.Now() - kMicrosPerMinute, 1));
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.size(), 2u);
  ASSERT_TRUE(catalog_->ExpireSnapshots(kTable, clock_.Now() + 1, 2));
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.size(), 2u);
  EXPECT_EQ(Planned().size(), 6u) << "appended files outlive the snapshots that added them";
}

// Every commit writes the metadata of all snapshots that are kept: however often a table is committed to, they are few.
TEST_F(CatalogTest, ExpiryKeepsNoMoreYoungSnapshotsThanTheMost) {
  snapshots_kept_max_ = 4;
  Reopen();
  CreateActions();
  for (int i = 0; i < 10; ++i) MustCommit(Append({NewFile(kDay)}));
  ASSERT_TRUE(catalog_->ExpireSnapshots(kTable, clock_.Now() - 365 * kMicrosPerDay, 1));
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.size(), 4u);
  ASSERT_TRUE(catalog_->ExpireSnapshots(kTable, clock_.Now() - 365 * kMicrosPerDay, 7));
  EXPECT_EQ(Planned().size(), 10u);
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
