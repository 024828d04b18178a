#include "app/data_folder.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/fork.h"
#include "app/lake_check.h"
#include "app/work_lock.h"
#include "base/hash.h"
#include "base/matchers.h"
#include "io/confined_file_system.h"

namespace feedmill::app {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kTable[] = "ods.ods_event";

class DataFolderTest : public testing::Test {
 protected:
  DataFolderTest() : top_(fs::temp_directory_path() / fmt::format("feedmill_data_folder_{}", getpid())) {
    fs::remove_all(top_);
    fs::create_directories(top_ / "a");
    std::ofstream(top_ / "a/feedmill.toml") << "";
    auto folder = OpenDataFolder(Paths("a"), clock_);
    EXPECT_THAT(folder, IsOk());
    Schema columns(1);
    columns[0].name = "event_id";
    EXPECT_THAT(folder->catalog->Create(kTable, columns, {}), IsOk());
    Append(*folder, "rows of the first file");
    Append(*folder, "rows of the second file");
  }
  ~DataFolderTest() override { fs::remove_all(top_); }

  ProjectPaths Paths(const std::string& name) const {
    ProjectPaths paths;
    paths.project = (top_ / name).string();
    paths.data = paths.project + "/data";
    return paths;
  }
  static void Append(const DataFolder& folder, const std::string& rows) {
    lake::DataFile file;
    file.path = fmt::format("{}/{}.parquet", *folder.catalog->DataFolder(kTable), Hash64(rows));
    std::ofstream(file.path) << rows;
    file.record_count = 1;
    file.size_bytes = static_cast<int64_t>(rows.size());
    file.crc32c = Crc32c(rows);
    lake::CommitRequest request;
    request.files.push_back(file);
    ASSERT_THAT(folder.catalog->Commit(kTable, request), IsOk());
  }
  static size_t Files(const DataFolder& folder) {
    return folder.catalog->PlanScan(kTable, {}, std::nullopt)->files.size();
  }
  static LakeCheck Check(const DataFolder& folder) {
    return *CheckLake(*folder.catalog, *folder.files,
                      {[](uint64_t, uint64_t) {}, [](const std::string&) { return Ok(); }});
  }

  const fs::path top_;
  SystemClock clock_;
};

TEST_F(DataFolderTest, KeepsItsIdentityWhereverItIsMoved) {
  const std::string id = ReadIdentity(Paths("a").data)->value().id;
  EXPECT_EQ(OpenDataFolder(Paths("a"), clock_)->identity.id, id);
  fs::rename(top_ / "a", top_ / "b");
  const auto moved = OpenDataFolder(Paths("b"), clock_);
  ASSERT_THAT(moved, IsOk());
  EXPECT_EQ(moved->identity.id, id);
  EXPECT_EQ(Files(*moved), 2u);
  EXPECT_EQ(ReadIdentity(Paths("b").data)->value().path, io::RealPath(Paths("b").data));
}

TEST_F(DataFolderTest, ACopyGoesItsOwnWay) {
  fs::copy(top_ / "a", top_ / "b", fs::copy_options::recursive);
  const auto copy = OpenDataFolder(Paths("b"), clock_);
  ASSERT_THAT(copy, IsOk());
  EXPECT_EQ(copy->identity.origin, ReadIdentity(Paths("a").data)->value().id);
  EXPECT_NE(copy->identity.id, copy->identity.origin);
  Append(*copy, "a row of its own");
  EXPECT_EQ(Files(*copy), 3u);
  EXPECT_EQ(Files(*OpenDataFolder(Paths("a"), clock_)), 2u);
}

TEST_F(DataFolderTest, SharedFilesAreRefused) {
  for (const auto& entry : fs::recursive_directory_iterator(top_ / "a")) {
    const fs::path to = top_ / "b" / fs::relative(entry.path(), top_ / "a");
    if (entry.is_directory()) fs::create_directories(to);
    if (entry.is_regular_file()) fs::create_directories(to.parent_path()), fs::create_hard_link(entry.path(), to);
  }
  EXPECT_THAT(OpenDataFolder(Paths("b"), clock_), IsError(ErrorKind::kInvalidArgument, HasSubstr("hard links")));
  fs::copy(top_ / "a", top_ / "c", fs::copy_options::recursive);
  fs::remove_all(top_ / "c/data/lake");
  fs::create_directory_symlink(top_ / "a/data/lake", top_ / "c/data/lake");
  EXPECT_THAT(OpenDataFolder(Paths("c"), clock_), IsError(ErrorKind::kInvalidArgument, HasSubstr("is a link to")));
  EXPECT_EQ(Files(*OpenDataFolder(Paths("a"), clock_)), 2u);
}

TEST_F(DataFolderTest, APartOnAnotherDiskMovesWithTheFolder) {
  fs::rename(top_ / "a/data/lake", top_ / "disk");
  fs::create_directory_symlink(top_ / "disk", top_ / "a/data/lake");
  fs::rename(top_ / "a", top_ / "moved");
  const auto moved = OpenDataFolder(Paths("moved"), clock_);
  ASSERT_THAT(moved, IsOk());
  EXPECT_EQ(Files(*moved), 2u);
  // A lake that belongs to another data folder is not taken along.
  fs::create_directories(top_ / "other");
  fs::copy(top_ / "moved/data", top_ / "other/data", fs::copy_options::recursive);
  fs::remove_all(top_ / "other/data/lake");
  fs::rename(top_ / "disk", top_ / "moved/data/lake.own");
  fs::remove(top_ / "moved/data/lake");
  fs::rename(top_ / "moved/data/lake.own", top_ / "moved/data/lake");
  fs::create_directory_symlink(top_ / "moved/data/lake", top_ / "other/data/lake");
  fs::rename(top_ / "moved", top_ / "again");
  ASSERT_THAT(OpenDataFolder(Paths("again"), clock_), IsOk());
  fs::remove(top_ / "other/data/lake");
  fs::create_directory_symlink(top_ / "again/data/lake", top_ / "other/data/lake");
  EXPECT_THAT(OpenDataFolder(Paths("other"), clock_),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("a part of another data folder")));
}

TEST_F(DataFolderTest, ABackupThatSharesUnchangedFilesChangesNoOther) {
  // As rsync --link-dest leaves them: what was the same in both is one file.
  fs::create_directories(top_ / "backup-1");
  fs::copy(top_ / "a/data", top_ / "backup-1/data", fs::copy_options::recursive);
  std::ofstream(top_ / "backup-1/data/work.lock") << "held by nobody";
  std::ofstream(top_ / "backup-1/data/log.tail") << "records";
  for (const auto& entry : fs::recursive_directory_iterator(top_ / "backup-1")) {
    const fs::path to = top_ / "backup-2" / fs::relative(entry.path(), top_ / "backup-1");
    if (entry.is_directory()) fs::create_directories(to);
    if (entry.is_regular_file()) fs::create_directories(to.parent_path()), fs::create_hard_link(entry.path(), to);
  }
  fs::remove_all(top_ / "a");
  const auto contents = [&] {
    std::map<std::string, std::string> read;
    for (const auto& entry : fs::recursive_directory_iterator(top_ / "backup-1")) {
      if (entry.is_regular_file())
        read[entry.path().string()] = *io::ReadWholeFile(io::PosixFileSystem(), entry.path().string());
    }
    return read;
  };
  const auto before = contents();
  {
    const auto started = OpenDataFolder(Paths("backup-2"), clock_);
    ASSERT_THAT(started, IsOk());
    const auto lock = WorkLock::Take(Paths("backup-2").data, "a test", 1);
    ASSERT_THAT(lock, IsOk());
    Append(*started, "a row of its own");
    auto tail = started->files->OpenForAppend(Paths("backup-2").data + "/log.tail");
    ASSERT_THAT(tail, IsOk());
    ASSERT_THAT((*tail)->Append(" and more"), IsOk());
  }
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(*io::ReadWholeFile(io::PosixFileSystem(), Paths("backup-2").data + "/log.tail"), "records and more");
}

TEST_F(DataFolderTest, ALostStoreIsNotMadeAnew) {
  for (const char* name : {"meta.db", "meta.db-wal", "meta.db-shm"}) fs::remove(top_ / "a/data" / name);
  EXPECT_THAT(OpenDataFolder(Paths("a"), clock_), IsError(ErrorKind::kNotFound, HasSubstr("feedmill lake recover")));
  EXPECT_FALSE(fs::exists(top_ / "a/data/meta.db"));
  std::ofstream(top_ / "a/data/meta.db") << "";
  EXPECT_THAT(OpenDataFolder(Paths("a"), clock_), IsError(ErrorKind::kNotFound, HasSubstr("is empty")));
}

TEST_F(DataFolderTest, NothingOutsideIsChanged) {
  const auto folder = OpenDataFolder(Paths("a"), clock_);
  EXPECT_THAT(folder->files->RemoveAll((top_ / "b").string()), IsError(ErrorKind::kPermissionDenied));
  EXPECT_THAT(folder->files->Remove((top_ / "a/feedmill.toml").string()), IsError(ErrorKind::kPermissionDenied));
}

TEST_F(DataFolderTest, AForkHasEverythingAndItsOwnIdentity) {
  Config config;
  config.paths = Paths("a");
  for (const bool links : {false, true}) {
    const std::string name = links ? "linked" : "copied";
    const auto figures = ForkProject(config, {(top_ / name).string(), links});
    ASSERT_THAT(figures, IsOk());
    EXPECT_EQ(figures->linked > 0, links);
    const auto fork = OpenDataFolder(Paths(name), clock_);
    ASSERT_THAT(fork, IsOk());
    EXPECT_EQ(fork->identity.origin, ReadIdentity(Paths("a").data)->value().id);
    EXPECT_TRUE(Check(*fork).damaged.empty());
    Append(*fork, "a row of its own");
    EXPECT_EQ(Files(*fork), 3u);
  }
  EXPECT_EQ(Files(*OpenDataFolder(Paths("a"), clock_)), 2u);
  EXPECT_THAT(ForkProject(config, {(top_ / "copied").string()}), IsError(ErrorKind::kAlreadyExists));
  EXPECT_THAT(ForkProject(config, {(top_ / "a/inside").string()}), IsError(ErrorKind::kInvalidArgument));
  std::ofstream(Paths("copied").data + "/fork.unfinished") << "";
  EXPECT_THAT(OpenDataFolder(Paths("copied"), clock_), IsError(ErrorKind::kUnavailable));
}

TEST_F(DataFolderTest, DamageIsFound) {
  auto folder = OpenDataFolder(Paths("a"), clock_);
  MetricsRegistry metrics;
  LakeScrub scrub(*folder->catalog, *folder->files, Paths("a").State() + "/scrub.json", 1, metrics);
  for (int i = 0; i < 4; ++i) ASSERT_THAT(scrub.Step(), IsOk());
  EXPECT_TRUE(Check(*folder).damaged.empty());
  const std::string path = folder->catalog->PlanScan(kTable, {}, std::nullopt)->files[1].path;
  const auto changed_at = fs::last_write_time(path);
  std::fstream(path, std::ios::in | std::ios::out) << "Rows";
  fs::last_write_time(path, changed_at);
  const LakeCheck check = Check(*folder);
  ASSERT_EQ(check.damaged.size(), 1u);
  EXPECT_EQ(check.damaged[0].path, path);
  EXPECT_THAT(check.damaged[0].why, HasSubstr(path));
  for (int i = 0; i < 4; ++i) ASSERT_THAT(scrub.Step(), IsOk());
  EXPECT_THAT(metrics.PrometheusText(), HasSubstr("feedmill_lake_damaged_files 1"));
  LakeScrub again(*folder->catalog, *folder->files, Paths("a").State() + "/scrub.json", 1, metrics);
  ASSERT_THAT(again.Step(), IsOk());
  EXPECT_THAT(metrics.PrometheusText(), HasSubstr("feedmill_lake_damaged_files 1")) << "remembered over a restart";
}

}  // namespace
}  // namespace feedmill::app
