// What is not as it was written is refused by name; and what is lost is made again from what is left.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/matchers.h"
#include "base/random.h"
#include "lake/catalog.h"
#include "lake/inventory.h"
#include "lake/recover.h"
#include "lake/table_files.h"
#include "lake/verified_files.h"

namespace feedmill::lake {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kTable[] = "ods.ods_event";
constexpr Micros kNoon = 1'700'000'000'000'000;

class DamageTest : public testing::Test {
 protected:
  DamageTest() : folder_(fs::temp_directory_path() / fmt::format("feedmill_damage_{}", getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "lake");
    Open();
    Schema columns(2);
    columns[0].name = "event_id";
    columns[1].name = "part";
    columns[1].type = ColumnType::kLong;
    EXPECT_TRUE(catalog_->Create(kTable, columns, {{"part", Transform::kIdentity}}));
    for (uint64_t i = 0; i < 3; ++i) Land(i);
  }
  ~DamageTest() override { fs::remove_all(folder_); }

  std::string Warehouse() const { return (folder_ / "lake").string(); }
  void Open() {
    catalog_.reset();
    store_.reset();
    store_ = std::move(*meta::OpenStore((folder_ / "meta.db").string(), CatalogMigrations()));
    Forget();
  }
  // A catalog that has read nothing yet.
  void Forget() {
    CatalogOptions options;
    options.warehouse = Warehouse();
    catalog_ = std::move(*OpenCatalog(io::PosixFileSystem(), *store_, clock_, options));
  }

  DataFile NewFile(const std::string& name, int64_t part) {
    DataFile file;
    file.path = fmt::format("{}/{}.parquet", *catalog_->DataFolder(kTable), name);
    const std::string rows = "rows of " + name;
    std::ofstream(file.path) << rows;
    file.partition = {part};
    file.record_count = 1;
    file.size_bytes = static_cast<int64_t>(rows.size());
    file.crc32c = Crc32c(rows);
    return file;
  }
  void Land(uint64_t batch, int64_t epoch = 1) {
    CommitRequest request;
    request.files = {NewFile(fmt::format("batch-{}", batch), static_cast<int64_t>(batch % 2))};
    request.landing = LandingMark{"events", {{0, batch}}, {{0, batch + 1}}, fmt::format("batch-{}", batch), epoch};
    clock_.Advance(kMicrosPerMinute);
    ASSERT_THAT(catalog_->Commit(kTable, request), IsOk());
  }
  std::vector<DataFile> Planned() {
    const auto plan = catalog_->PlanScan(kTable, {}, std::nullopt);
    EXPECT_THAT(plan, IsOk());
    return plan ? plan->files : std::vector<DataFile>{};
  }
  static std::string Told(const std::vector<DataFile>& files) {
    std::string text;
    for (const DataFile& file : files) {
      text += fmt::format("{} {} {} {} {};", file.path, file.record_count, file.size_bytes, file.crc32c.value_or(0),
                          file.partition[0].value_or(-1));
    }
    return text;
  }
  static std::string FileOf(const Inventory& inventory, LakeFile::Kind kind) {
    return std::ranges::find(inventory.files, kind, &LakeFile::kind)->path;
  }

  const fs::path folder_;
  ManualClock clock_{kNoon};
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(DamageTest, AFlippedBitOfMetadataIsRefusedOrHarmless) {
  const std::string wanted = Told(Planned());
  const Inventory inventory = *catalog_->TakeInventory(kTable);
  EXPECT_TRUE(inventory.damaged.empty());
  Random random(1);
  for (const auto kind : {LakeFile::Kind::kMetadata, LakeFile::Kind::kManifestList, LakeFile::Kind::kManifest}) {
    const std::string path = FileOf(inventory, kind);
    const std::string bytes = *io::ReadWholeFile(io::PosixFileSystem(), path);
    int refused = 0;
    for (size_t at = 0; at < bytes.size(); ++at) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << random.Below(8));
      std::ofstream(path, std::ios::binary) << flipped;
      Forget();
      const auto plan = catalog_->PlanScan(kTable, {}, std::nullopt);
      if (plan) {
        ASSERT_EQ(Told(plan->files), wanted) << path << " byte " << at;
        continue;
      }
      ++refused;
      ASSERT_THAT(plan.error().message(), HasSubstr(path)) << at;
    }
    EXPECT_GT(refused, static_cast<int>(bytes.size() * 9 / 10)) << path;
    std::ofstream(path, std::ios::binary) << bytes;
  }
}

TEST_F(DamageTest, AFlippedBitOfADataFileIsNamed) {
  const DataFile file = Planned()[1];
  VerifiedFiles verified;
  ASSERT_THAT(verified.Check(file), IsOk());
  const std::string bytes = *io::ReadWholeFile(io::PosixFileSystem(), file.path);
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] ^= 4;
    std::ofstream(file.path, std::ios::binary) << flipped;
    EXPECT_THAT(VerifiedFiles().Check(file), IsError(ErrorKind::kCorrupt, HasSubstr(file.path))) << at;
  }
  std::ofstream(file.path, std::ios::binary) << bytes << "more";
  EXPECT_THAT(verified.Check(file), IsError(ErrorKind::kCorrupt, HasSubstr("bytes")))
      << "a file that looks other than before is read again";
  fs::remove(file.path);
  EXPECT_THAT(verified.Check(file), IsError(ErrorKind::kNotFound));
}

TEST_F(DamageTest, AnInventoryNamesEveryFileOnceAndWhatIsMissing) {
  const Inventory whole = *catalog_->TakeInventory(kTable);
  std::set<std::string> paths;
  for (const LakeFile& file : whole.files) {
    EXPECT_TRUE(paths.insert(file.path).second) << file.path;
    EXPECT_TRUE(fs::exists(file.path)) << file.path;
    const bool sound_data = file.crc32c && file.current;
    EXPECT_TRUE(sound_data || file.kind != LakeFile::Kind::kData) << file.path;
  }
  EXPECT_EQ(paths.size(), 1u + 3 + 3 + 3) << "metadata, lists, manifests, data";
  const std::string list = catalog_->Load(kTable)->snapshots[0].manifest_list;
  fs::remove(list);
  const Inventory rest = *catalog_->TakeInventory(kTable);
  ASSERT_EQ(rest.damaged.size(), 1u);
  EXPECT_THAT(rest.damaged[0].message(), HasSubstr(list));
}

TEST_F(DamageTest, AFileIsReplaced) {
  const DataFile damaged = Planned()[1];
  CommitRequest request;
  request.operation = CommitRequest::Operation::kReplaceFiles;
  request.replaced_files = {damaged.path};
  request.files = {NewFile("again", *damaged.partition[0])};
  ASSERT_THAT(catalog_->Commit(kTable, request), IsOk());
  const auto now = Planned();
  EXPECT_EQ(now.size(), 3u);
  EXPECT_EQ(std::ranges::find(now, damaged.path, &DataFile::path), now.end());
  EXPECT_NE(std::ranges::find(now, request.files[0].path, &DataFile::path), now.end());
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.back().summary.at("feedmill.offsets.events"), R"({"0":3})")
      << "where landing stands is told by every version";
  EXPECT_THAT(catalog_->Commit(kTable, request), IsError(ErrorKind::kConflict)) << "it is gone";
}

TEST_F(DamageTest, ACatalogIsMadeAgainFromTheFiles) {
  const std::string wanted = Told(Planned());
  ASSERT_THAT(catalog_->ExpireSnapshots(kTable, clock_.Now() + 1, 1), IsOk());
  EXPECT_EQ(*FindOneTable(io::PosixFileSystem(), Warehouse()), kTable);
  const auto tables = FindTables(io::PosixFileSystem(), Warehouse());
  ASSERT_THAT(tables, IsOk());
  ASSERT_EQ(tables->size(), 1u);
  EXPECT_EQ((*tables)[0].landed, (std::map<std::string, Offsets>{{"events", {{0, 3}}}}));
  EXPECT_EQ((*tables)[0].rows, 3);
  EXPECT_THAT(KeepTables(*store_, *tables), IsError(ErrorKind::kAlreadyExists));
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(folder_.string() + "/meta.db" + suffix);
  Open();
  ASSERT_THAT(KeepTables(*store_, *tables), IsOk());
  EXPECT_EQ(Told(Planned()), wanted);
  EXPECT_EQ(catalog_->LandedOffsets(kTable, "events")->at(0), 3u);
  EXPECT_EQ(*catalog_->AcquireWriterEpoch("events"), 2) << "who landed before is fenced off";
  Land(3, 2);
}

TEST_F(DamageTest, ATableGoesBackToItsNewestWholeVersion) {
  const std::string before = Told(Planned());
  Land(3);
  const std::string wanted = Told(Planned());
  const auto flip = [](const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out);
    file.seekp(40);
    file << "~~";
  };
  flip(catalog_->Load(kTable)->metadata_location);
  Forget();
  ASSERT_THAT(catalog_->Load(kTable), IsError(ErrorKind::kCorrupt));
  const auto whole = FindTable(io::PosixFileSystem(), Warehouse(), kTable);
  ASSERT_THAT(whole, IsOk());
  ASSERT_THAT(GoBack(io::PosixFileSystem(), *store_, Warehouse(), *whole), IsOk());
  Forget();
  EXPECT_EQ(Told(Planned()), before);
  EXPECT_EQ(*catalog_->LandedOffsets(kTable, "events"), (Offsets{{0, 3}}));
  EXPECT_TRUE(catalog_->TakeInventory(kTable)->damaged.empty());
  Land(3);  // the batch that was committed before, by its name
  EXPECT_EQ(Told(Planned()), wanted);
  fs::remove(catalog_->Load(kTable)->snapshots[0].manifest_list);
  flip(catalog_->Load(kTable)->snapshots.back().manifest_list);
  Forget();
  ASSERT_THAT(
      GoBack(io::PosixFileSystem(), *store_, Warehouse(), *FindTable(io::PosixFileSystem(), Warehouse(), kTable)),
      IsOk());
  Forget();
  EXPECT_EQ(Told(Planned()), before);
  EXPECT_TRUE(catalog_->TakeInventory(kTable)->damaged.empty()) << "former versions that are lost are left out";
  EXPECT_EQ(catalog_->Load(kTable)->snapshots.size(), 2u);
  EXPECT_THAT(catalog_->ExpireSnapshots(kTable, clock_.Now() + 1, 1), IsOk());
  EXPECT_THAT(FindTable(io::PosixFileSystem(), Warehouse(), "ods.none"), IsError(ErrorKind::kNotFound));
}

TEST_F(DamageTest, TheNewestWholeVersionIsTaken) {
  const auto before = *FindTables(io::PosixFileSystem(), Warehouse());
  Land(3);
  fs::remove(catalog_->Load(kTable)->snapshots.back().manifest_list);
  const auto found = *FindTables(io::PosixFileSystem(), Warehouse());
  EXPECT_EQ(found[0].pointer, before[0].pointer);
  EXPECT_EQ(found[0].landed.at("events"), (Offsets{{0, 3}})) << "as far as that version had come";
  EXPECT_EQ(found[0].damaged_newer.size(), 1u);
}

}  // namespace
}  // namespace feedmill::lake
