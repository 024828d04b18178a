#include "registry/registry.h"

#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill::registry {
namespace {

using testing::HasSubstr;

class RegistryTest : public testing::Test {
 protected:
  RegistryTest()
      : path_((std::filesystem::temp_directory_path() / fmt::format("feedmill_registry_{}.db", getpid())).string()) {
    Remove();
    const auto migrations = RegistryMigrations();
    store_ = meta::OpenStore(path_, migrations).value();
    registry_ = OpenRegistry(*store_, clock_).value();
  }
  ~RegistryTest() override {
    store_.reset();
    Remove();
  }
  void Remove() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }
  // A candidate measured beside `beside`.
  void Add(const std::string& id, const std::string& beside, std::map<std::string, double> metrics) {
    BundleManifest manifest;
    manifest.id = id;
    manifest.created_at = ++created_;
    manifest.compared_to = beside;
    manifest.metrics = std::move(metrics);
    ASSERT_THAT(registry_->Add(manifest, "bundles/" + id), IsOk());
  }
  void AddBetter(const std::string& id, const std::string& beside) {
    Add(id, beside, {{"ndcg10", 0.5}, {"auc", 0.7}, {"live_ndcg10", 0.4}, {"live_auc", 0.8}});
  }
  std::string LiveId() {
    const auto live = registry_->Live().value();
    return live ? live->id : "none";
  }
  BundleRow RowOf(const std::string& id) {
    const std::vector<BundleRow> all = registry_->List().value();
    for (const BundleRow& row : all) {
      if (row.id == id) return row;
    }
    ADD_FAILURE() << id;
    return {};
  }

  std::string path_;
  ManualClock clock_{1000};
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<Registry> registry_;
  Micros created_ = 0;
};

TEST_F(RegistryTest, TheFirstBundleGoesLive) {
  EXPECT_EQ(LiveId(), "none");
  Add("a", "", {{"ndcg10", 0.1}});
  EXPECT_EQ(RowOf("a").state, "candidate");
  EXPECT_TRUE(registry_->Promote("a", false)->promoted);
  EXPECT_EQ(LiveId(), "a");
  EXPECT_EQ(RowOf("a").metrics.at("ndcg10"), 0.1);
  EXPECT_EQ(RowOf("a").folder, "a") << "where bundles are may change";
  const auto again = registry_->Promote("a", false).value();
  EXPECT_FALSE(again.promoted);
  EXPECT_THAT(again.reason, HasSubstr("live already"));
}

TEST_F(RegistryTest, ABetterOneReplacesAndAWorseOneIsRefused) {
  Add("a", "", {});
  ASSERT_TRUE(registry_->Promote("a", false)->promoted);
  AddBetter("b", "a");
  const auto better = registry_->Promote("b", false).value();
  EXPECT_TRUE(better.promoted);
  EXPECT_THAT(better.reason, HasSubstr("ndcg10 0.500000 is better than the live bundle's 0.400000"));
  EXPECT_EQ(RowOf("a").state, "former");
  Add("c", "b", {{"ndcg10", 0.39}, {"auc", 0.9}, {"live_ndcg10", 0.4}, {"live_auc", 0.8}});
  const auto worse = registry_->Promote("c", false).value();
  EXPECT_FALSE(worse.promoted);
  EXPECT_THAT(worse.reason, HasSubstr("not better"));
  EXPECT_EQ(RowOf("c").state, "refused");
  EXPECT_EQ(RowOf("c").note, worse.reason);
  EXPECT_EQ(LiveId(), "b");
}

TEST_F(RegistryTest, ForceSaysWhatItOverrode) {
  Add("a", "", {});
  ASSERT_TRUE(registry_->Promote("a", false)->promoted);
  Add("b", "a", {{"ndcg10", 0.3}, {"auc", 0.6}, {"live_ndcg10", 0.4}, {"live_auc", 0.8}});
  const auto forced = registry_->Promote("b", true).value();
  EXPECT_TRUE(forced.promoted);
  EXPECT_THAT(forced.reason, HasSubstr("forced although ndcg10 0.300000 is not better"));
  EXPECT_EQ(LiveId(), "b");
  EXPECT_EQ(RowOf("b").note, forced.reason);
}

TEST_F(RegistryTest, RollbackGoesBackStepByStep) {
  EXPECT_THAT(registry_->Rollback(), IsError(ErrorKind::kNotFound, HasSubstr("no bundle was live before")));
  Add("a", "", {});
  ASSERT_TRUE(registry_->Promote("a", false)->promoted);
  EXPECT_THAT(registry_->Rollback(), IsError(ErrorKind::kNotFound));
  AddBetter("b", "a");
  ASSERT_TRUE(registry_->Promote("b", false)->promoted);
  AddBetter("c", "b");
  ASSERT_TRUE(registry_->Promote("c", false)->promoted);
  EXPECT_EQ(registry_->Rollback()->reason, "rolled back from c to b");
  EXPECT_EQ(LiveId(), "b");
  EXPECT_EQ(RowOf("c").note, "rolled back to b");
  EXPECT_TRUE(registry_->Rollback()->promoted);
  EXPECT_EQ(LiveId(), "a");
  EXPECT_THAT(registry_->Rollback(), IsError(ErrorKind::kNotFound));
  ASSERT_TRUE(registry_->Promote("c", true)->promoted);
  EXPECT_EQ(registry_->Rollback()->reason, "rolled back from c to a");
}

TEST_F(RegistryTest, UnknownBundlesAreNamedBesideTheKnown) {
  EXPECT_THAT(registry_->Promote("x", false), IsError(ErrorKind::kNotFound, HasSubstr("there is none yet")));
  Add("a", "", {});
  EXPECT_THAT(registry_->Promote("x", false), IsError(ErrorKind::kNotFound, HasSubstr("there are: a")));
}

TEST_F(RegistryTest, AddingAgainChangesNothingAndNewestComesFirst) {
  Add("a", "", {});
  ASSERT_TRUE(registry_->Promote("a", false)->promoted);
  Add("b", "", {});
  Add("a", "", {{"ndcg10", 0.9}});
  const auto all = registry_->List().value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, "b");
  EXPECT_EQ(all[1].state, "live");
  EXPECT_TRUE(all[1].metrics.empty());
}

BundleRow LiveRow() {
  BundleRow row;
  row.id = "b";
  row.metrics = {{"ndcg10", 0.4}, {"auc", 0.7}};
  return row;
}

BundleRow CandidateRow(std::string beside, double ndcg10, double auc, double live_ndcg10, double live_auc) {
  BundleRow row;
  row.id = "c";
  row.compared_to = std::move(beside);
  row.metrics = {{"ndcg10", ndcg10}, {"auc", auc}, {"live_ndcg10", live_ndcg10}, {"live_auc", live_auc}};
  return row;
}

TEST(JudgeCandidateTest, NeedsTheSameLiveBundleOnTheSameSlice) {
  const BundleRow live = LiveRow();
  BundleRow candidate = CandidateRow("a", 0.9, 0.9, 0.1, 0.1);
  EXPECT_THAT(JudgeCandidate(candidate, &live).reason, HasSubstr("measured beside bundle a, but b is live now"));
  candidate.compared_to = "b";
  EXPECT_TRUE(JudgeCandidate(candidate, &live).promoted);
}

TEST(JudgeCandidateTest, ALiveBundleOfOtherFeaturesIsComparedOnTheRowsItServedElsePopularityIsTheMeasure) {
  const BundleRow live = LiveRow();
  BundleRow candidate = CandidateRow("b", 0.9, 0.9, 0.6, 0.8);
  candidate.metrics["ndcg10_beside_live"] = 0.5;
  candidate.metrics["auc_beside_live"] = 0.9;
  EXPECT_FALSE(JudgeCandidate(candidate, &live).promoted);
  EXPECT_THAT(JudgeCandidate(candidate, &live).reason,
              HasSubstr("ndcg10 0.500000 is not better than the live bundle's 0.6"));
  candidate.metrics["ndcg10_beside_live"] = 0.7;
  EXPECT_TRUE(JudgeCandidate(candidate, &live).promoted);

  candidate.metrics = {{"ndcg10", 0.5}, {"auc", 0.7}, {"ndcg10_popularity", 0.4}};
  EXPECT_TRUE(JudgeCandidate(candidate, &live).promoted);
  EXPECT_THAT(JudgeCandidate(candidate, &live).reason, HasSubstr("other features"));
  candidate.metrics["ndcg10_popularity"] = 0.6;
  EXPECT_FALSE(JudgeCandidate(candidate, &live).promoted);
}

TEST(JudgeCandidateTest, EqualNdcgIsDecidedByAucAndAFullTieIsNotBetter) {
  const BundleRow live = LiveRow();
  const Promotion better = JudgeCandidate(CandidateRow("b", 0.4, 0.8, 0.4, 0.7), &live);
  EXPECT_TRUE(better.promoted);
  EXPECT_THAT(better.reason, HasSubstr("ndcg10 is equal"));
  EXPECT_FALSE(JudgeCandidate(CandidateRow("b", 0.4, 0.8, 0.4, 0.8), &live).promoted);
}

TEST(JudgeCandidateTest, BesideALiveBundleWithoutRankingModelsPopularityIsTheMeasure) {
  BundleRow live, candidate;
  live.id = candidate.compared_to = "b";
  live.metrics = {{"recall100", 0.9}};
  EXPECT_TRUE(JudgeCandidate(candidate, &live).promoted);
  EXPECT_THAT(JudgeCandidate(candidate, &live).reason, HasSubstr("nothing to compare"));
  candidate.metrics = {{"recall100", 0.3}, {"recall100_popularity", 0.2}};
  EXPECT_TRUE(JudgeCandidate(candidate, &live).promoted);
  candidate.metrics["recall100_popularity"] = 0.3;
  EXPECT_THAT(JudgeCandidate(candidate, &live).reason, HasSubstr("recall100 0.300000 is not better than popularity's"));
  candidate.metrics["ndcg10"] = 0.5;
  candidate.metrics["ndcg10_popularity"] = 0.4;
  EXPECT_THAT(JudgeCandidate(candidate, &live).reason, HasSubstr("ndcg10 0.500000 is better"));
  EXPECT_TRUE(JudgeCandidate(candidate, &live).promoted);
}

TEST(JudgeCandidateTest, WithoutModelsNothingReplacesABundleThatHasThem) {
  const BundleRow live = LiveRow();
  BundleRow candidate;
  candidate.compared_to = live.id;
  candidate.metrics = {{"recall100", 0.9}, {"recall100_popularity", 0.1}};
  EXPECT_FALSE(JudgeCandidate(candidate, &live).promoted);
}

}  // namespace
}  // namespace feedmill::registry
