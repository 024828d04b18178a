// A lake that is moved, copied or restored elsewhere: it is read where it is, and what it was made from is left alone.
#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "io/harsh_file_system.h"
#include "lake/catalog_internal.h"
#include "lake/file_pointer_store_internal.h"

namespace feedmill::lake {
namespace {

namespace fs = std::filesystem;

constexpr char kTable[] = "ods.ods_event";
constexpr Micros kNoon = 1'700'000'000'000'000;

Schema Columns() {
  Schema columns(2);
  columns[0].name = "event_id";
  columns[1].name = "part";
  columns[1].type = ColumnType::kLong;
  return columns;
}

CommitRequest Landing(const std::string& path, int64_t part, uint64_t from, uint64_t to) {
  CommitRequest request;
  DataFile file;
  file.path = path;
  file.partition = {part};
  file.record_count = static_cast<int64_t>(to - from);
  file.size_bytes = static_cast<int64_t>(path.size());
  request.files.push_back(std::move(file));
  request.landing = LandingMark{"events", {{0, from}}, {{0, to}}, fmt::format("batch-{}", to), 1};
  return request;
}

// One data folder: its own store and catalog.
struct Place {
  Place(const fs::path& folder, const Clock& clock) {
    fs::create_directories(folder / "lake");
    store = std::move(*meta::OpenStore((folder / "meta.db").string(), CatalogMigrations()));
    CatalogOptions options;
    options.warehouse = (folder / "lake").string();
    catalog = std::move(*OpenCatalog(io::PosixFileSystem(), *store, clock, options));
  }
  std::unique_ptr<meta::Store> store;
  std::unique_ptr<Catalog> catalog;
};

class MovedTest : public testing::Test {
 protected:
  MovedTest() : top_(fs::temp_directory_path() / fmt::format("feedmill_moved_{}", getpid())) {
    fs::remove_all(top_);
    Place place(A(), clock_);
    EXPECT_TRUE(place.catalog->Create(kTable, Columns(), {{"part", Transform::kIdentity}}));
    for (uint64_t i = 0; i < 4; ++i) Land(*place.catalog, i);
  }
  ~MovedTest() override { fs::remove_all(top_); }

  fs::path A() const { return top_ / "a/data"; }
  fs::path B() const { return top_ / "b/data"; }

  void Land(Catalog& catalog, uint64_t batch) {
    const std::string path = fmt::format("{}/batch-{}.parquet", *catalog.DataFolder(kTable), batch);
    std::ofstream(path) << path;
    clock_.Advance(kMicrosPerMinute);
    const auto landed = catalog.Commit(kTable, Landing(path, static_cast<int64_t>(batch % 2), batch, batch + 1));
    ASSERT_THAT(landed, IsOk());
  }

  static std::map<std::string, std::string> BytesOf(const fs::path& folder) {
    std::map<std::string, std::string> bytes;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file())
        bytes[entry.path().string()] = *io::ReadWholeFile(io::PosixFileSystem(), entry.path());
    }
    return bytes;
  }
  // All files of all snapshots are below `folder`, and there.
  static void ExpectWhole(Catalog& catalog, const fs::path& folder, size_t files, uint64_t landed) {
    const auto table = catalog.Load(kTable);
    ASSERT_THAT(table, IsOk());
    EXPECT_EQ(table->location, (folder / "lake/ods/ods_event").string());
    for (const Snapshot& snapshot : table->snapshots) {
      const auto plan = catalog.PlanScan(kTable, {}, snapshot.id);
      ASSERT_THAT(plan, IsOk());
      for (const DataFile& file : plan->files) {
        EXPECT_TRUE(file.path.starts_with(folder.string() + "/")) << file.path;
        EXPECT_TRUE(fs::exists(file.path)) << file.path;
      }
    }
    EXPECT_EQ(catalog.PlanScan(kTable, {}, std::nullopt)->files.size(), files);
    EXPECT_EQ(*catalog.LandedOffsets(kTable, "events"), (std::map<uint32_t, uint64_t>{{0, landed}}));
  }
  // What a reader finds that knows nothing of moves: every path in every file is below `folder`.
  static void ExpectForeignReadersFind(Catalog& catalog, const fs::path& folder) {
    const std::string location = catalog.Load(kTable)->metadata_location;
    EXPECT_THAT(*io::ReadWholeFile(io::PosixFileSystem(), location),
                testing::HasSubstr((folder / "lake/ods/ods_event").string() + "\""));
    TableFiles files(io::PosixFileSystem());
    const auto metadata = *files.ReadMetadata(location);
    ASSERT_FALSE(TableFiles::IsMoved(*metadata));
    for (const Snapshot& snapshot : metadata->snapshots) {
      const auto manifests = files.ReadManifests(snapshot);
      ASSERT_THAT(manifests, IsOk());
      for (const ManifestFile& manifest : *manifests) {
        const auto entries = files.ReadEntries(manifest, *metadata);
        ASSERT_THAT(entries, IsOk());
        for (const ManifestEntry& entry : *entries)
          EXPECT_TRUE(entry.file.path.starts_with(folder.string() + "/")) << entry.file.path;
      }
    }
  }

  ManualClock clock_{kNoon};
  const fs::path top_;
};

TEST_F(MovedTest, AMovedLakeIsReadAndWrittenWhereItIs) {
  fs::create_directories(B().parent_path());
  fs::rename(A(), B());
  Place place(B(), clock_);
  ExpectWhole(*place.catalog, B(), 4, 4);
  Land(*place.catalog, 4);
  ExpectWhole(*place.catalog, B(), 5, 5);
  ExpectForeignReadersFind(*place.catalog, B());
  EXPECT_FALSE(fs::exists(A()));
}

TEST_F(MovedTest, ACopyLeavesTheOriginalAlone) {
  fs::create_directories(B().parent_path());
  fs::copy(A(), B(), fs::copy_options::recursive);
  const auto before = BytesOf(A() / "lake");
  Place place(B(), clock_);
  ExpectWhole(*place.catalog, B(), 4, 4);
  EXPECT_EQ(*place.catalog->AdoptTables(), 1);
  EXPECT_EQ(*place.catalog->AdoptTables(), 0);
  ExpectForeignReadersFind(*place.catalog, B());
  Land(*place.catalog, 4);
  ASSERT_THAT(place.catalog->ExpireSnapshots(kTable, clock_.Now() + 1, 1), IsOk());
  ExpectWhole(*place.catalog, B(), 5, 5);
  ASSERT_THAT(place.catalog->Drop(kTable, true), IsOk());
  EXPECT_EQ(BytesOf(A() / "lake"), before);
  Place original(A(), clock_);
  ExpectWhole(*original.catalog, A(), 4, 4);
}

TEST_F(MovedTest, AdoptionRemovesWhatNobodyCanRead) {
  const auto before = BytesOf(A() / "lake").size();
  fs::create_directories(B().parent_path());
  fs::rename(A(), B());
  Place place(B(), clock_);
  ASSERT_EQ(*place.catalog->AdoptTables(), 1);
  EXPECT_LE(BytesOf(B() / "lake").size(), before);
}

// A copy of the folder without meta.db-wal, as a backup tool that leaves out "*-wal" makes it.
TEST_F(MovedTest, AdoptedTablesAreThereWithoutTheStoresLogOfLateChanges) {
  fs::create_directories(B().parent_path());
  fs::rename(A(), B());
  const fs::path c = top_ / "c/data";
  {
    Place place(B(), clock_);
    ASSERT_EQ(*place.catalog->AdoptTables(), 1);
    fs::create_directories(c.parent_path());
    fs::copy(B(), c, fs::copy_options::recursive);
  }
  fs::remove(c / "meta.db-wal");
  fs::remove(c / "meta.db-shm");
  Place place(c, clock_);
  ExpectWhole(*place.catalog, c, 4, 4);
}

TEST_F(MovedTest, ACopyWhoseOriginalIsGoneWorks) {
  fs::create_directories(B().parent_path());
  fs::copy(A(), B(), fs::copy_options::recursive);
  fs::remove_all(A());
  Place place(B(), clock_);
  ASSERT_EQ(*place.catalog->AdoptTables(), 1);
  Land(*place.catalog, 4);
  ExpectWhole(*place.catalog, B(), 5, 5);
  EXPECT_FALSE(fs::exists(A()));
}

TEST_F(MovedTest, AFormerVersionThatWasLostDoesNotBarTheTable) {
  const std::string location = Place(A(), clock_).catalog->Load(kTable)->snapshots.front().manifest_list;
  fs::remove(location);
  fs::create_directories(B().parent_path());
  fs::rename(A(), B());
  Place place(B(), clock_);
  ASSERT_EQ(*place.catalog->AdoptTables(), 1);
  EXPECT_EQ(place.catalog->Load(kTable)->snapshots.size(), 3u);
  ExpectWhole(*place.catalog, B(), 4, 4);
}

TEST_F(MovedTest, PointersOfTheFirstReleaseWereAbsolute) {
  fs::create_directories(B());
  const std::string path = (B() / "meta.db").string();
  {
    auto store = std::move(*meta::OpenStore(path, std::vector<meta::Migration>{CatalogMigrations()[0]}));
    ASSERT_THAT(store->Write([](meta::Transaction& transaction) -> Status {
      FEEDMILL_TRY(
          transaction.Execute("INSERT INTO lake_table VALUES ('ods.ods_event', "
                              "'/srv/ods/app/lake/ods/ods_event/metadata/00004-4f.metadata.json')"));
      return Ok();
    }),
                IsOk());
  }
  auto store = std::move(*meta::OpenStore(path, CatalogMigrations()));
  EXPECT_EQ(*MakeSqlPointerStore(*store)->Location(kTable), "ods/ods_event/metadata/00004-4f.metadata.json");
}

TEST_F(MovedTest, NothingOutsideOfTheLakeIsTouched) {
  Place place(A(), clock_);
  const fs::path outside = A() / "lake2/part.parquet";
  fs::create_directories(outside.parent_path());
  std::ofstream(outside) << "rows";
  fs::create_directories(A() / "lake/ods/ods_event2/data");
  std::ofstream(A() / "lake/ods/ods_event2/data/part.parquet") << "rows of another table";
  for (const std::string& path : {outside.string(), (A() / "lake/ods/ods_event/../../../lake2/part.parquet").string(),
                                  (A() / "lake/ods/ods_event2/data/part.parquet").string()}) {
    EXPECT_THAT(place.catalog->Commit(kTable, Landing(path, 0, 4, 5)), IsError(ErrorKind::kInvalidArgument)) << path;
  }
  for (const std::string pointer : {"../lake2/metadata/1.metadata.json", "/etc/metadata/1.metadata.json"}) {
    ASSERT_THAT(place.store->Write([&](meta::Transaction& transaction) -> Status {
      const meta::Value values[] = {pointer};
      FEEDMILL_TRY(transaction.Execute("UPDATE lake_table SET metadata_location = ?1", values));
      return Ok();
    }),
                IsOk());
    EXPECT_THAT(place.catalog->Load(kTable), IsError(ErrorKind::kCorrupt));
  }
  io::ConfinedFileSystem confined(io::PosixFileSystem(), {(A() / "lake").string()});
  TableFiles(confined).RemoveUnused({outside.string()});
  EXPECT_TRUE(fs::exists(outside));
}

// The harsh world's lake, moved from /a to /b.
void MoveHarshLake(io::FileSystem& files, const std::string& from, const std::string& to) {
  const auto names = files.List(from);
  ASSERT_THAT(names, IsOk());
  ASSERT_THAT(files.CreateDirectories(to), IsOk());
  for (const std::string& name : *names) {
    const auto bytes = io::ReadWholeFile(files, from + "/" + name);
    if (bytes) {
      ASSERT_THAT(io::WriteFileAtomically(files, to + "/" + name, *bytes), IsOk());
    } else {
      MoveHarshLake(files, from + "/" + name, to + "/" + name);
    }
  }
}

TEST_F(MovedTest, AdoptionMayBeStoppedAnywhere) {
  const auto open = [&](io::FileSystem& files, const std::string& folder) {
    CatalogOptions options;
    options.warehouse = folder;
    return FileCatalog(files, MakeFilePointerStore(files, "/meta"), clock_, options);
  };
  int finished = 0;
  for (uint64_t stop = 1; finished == 0; ++stop) {
    io::HarshFileSystem files;
    {
      FileCatalog catalog = open(files, "/a");
      ASSERT_THAT(catalog.Create(kTable, Columns(), {{"part", Transform::kIdentity}}), IsOk());
      for (uint64_t i = 0; i < 3; ++i) {
        const std::string path = fmt::format("{}/batch-{}.parquet", *catalog.DataFolder(kTable), i);
        ASSERT_THAT(io::WriteFileAtomically(files, path, path), IsOk());
        ASSERT_THAT(catalog.Commit(kTable, Landing(path, 0, i, i + 1)), IsOk());
      }
    }
    MoveHarshLake(files, "/a", "/b");
    ASSERT_THAT(files.RemoveAll("/a"), IsOk());
    files.StopAfter(stop);
    {
      FileCatalog catalog = open(files, "/b");
      finished += catalog.AdoptTables().has_value();
    }
    const auto after = files.Crash(stop);
    FileCatalog catalog = open(*after, "/b");
    ASSERT_THAT(catalog.AdoptTables(), IsOk()) << "stopped after " << stop;
    const auto plan = catalog.PlanScan(kTable, {}, std::nullopt);
    ASSERT_THAT(plan, IsOk()) << "stopped after " << stop;
    EXPECT_EQ(plan->files.size(), 3u);
    for (const DataFile& file : plan->files) EXPECT_TRUE(*after->Exists(file.path)) << file.path;
    ASSERT_LT(stop, 500u);
  }
}

}  // namespace
}  // namespace feedmill::lake
