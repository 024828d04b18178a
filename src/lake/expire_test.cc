#include "lake/expire.h"

#include "base/matchers.h"
#include "lake/catalog_for_test.h"
#include "lake/orphans.h"

namespace feedmill::lake {
namespace {

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

TEST_F(CatalogTest, LeftoversAreOfTheRunAndOfNoVersion) {
  ASSERT_THAT(RemoveLeftovers(io::PosixFileSystem(), *catalog_, kTable, "r1"), IsOk()) << "there is no table yet";
  CreateActions();
  const std::string folder = *catalog_->DataFolder(kTable);
  const auto put = [&](const std::string& name) {
    DataFile file = NewFile(kDay);
    const std::string path = folder + "/" + name + ".parquet";
    std::filesystem::rename(file.path, path);
    file.path = path;
    return file;
  };
  const DataFile replaced = put("a-" + RunMark("r1")), published = put("b-" + RunMark("r1"));
  MustCommit(Append({replaced}));
  MustCommit(Replace({published}));
  const DataFile left = put("c-" + RunMark("r1")), other = put("d-" + RunMark("r2")), nobodys = put("e");
  const auto report = RemoveLeftovers(io::PosixFileSystem(), *catalog_, kTable, "r1");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->paths, std::vector{left.path});
  for (const DataFile& file : {replaced, published, other, nobodys})
    EXPECT_TRUE(std::filesystem::exists(file.path)) << file.path;
  EXPECT_FALSE(std::filesystem::exists(left.path));
}

}  // namespace
}  // namespace feedmill::lake
