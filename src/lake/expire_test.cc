#include "lake/expire.h"

#include "lake/catalog_for_test.h"

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

}  // namespace
}  // namespace feedmill::lake
