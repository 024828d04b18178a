#include "train/bundle_builder.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "features/feature_set.h"
#include "registry/bundle_files.h"
#include "store/candidate_lists.h"
#include "store/flat_table.h"
#include "train/commands.h"
#include "train/work_folder.h"

namespace feedmill::train {
namespace {

constexpr Micros kCut = 20'000 * kMicrosPerDay;

class BundleBuilderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / ("feedmill-bundle-" + std::to_string(::getpid()))).string();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/tmp");
    query::EngineOptions options;
    options.temporary_directory = folder_ + "/tmp";
    auto engine = query::OpenEngine(options);
    ASSERT_TRUE(engine.has_value());
    engine_ = std::move(*engine);
    auto session = engine_->NewSession();
    ASSERT_TRUE(session.has_value());
    session_ = std::move(*session);
    Run("CREATE TABLE ads_recall_i2i AS SELECT * FROM (VALUES ('p1', 'p3', 0.5, 2), ('p1', 'p2', 0.9, 1), ('p2', 'p1', "
        "0.4, 1)) "
        "t(post_id, similar_post_id, score, place)");
    Run("CREATE TABLE ads_recall_u2u_cf AS SELECT * FROM (VALUES ('u1', 'p2', 0.7, 1)) t(user_id, post_id, score, "
        "place)");
    Run("CREATE TABLE ads_trending AS SELECT * FROM (VALUES ('all', 'p3', 4.0, 1), ('cats', 'p3', 4.0, 1)) t(topic, "
        "post_id, score, place)");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Run(std::string_view sql) {
    const Status done = session_->Execute(sql);
    ASSERT_TRUE(done.has_value()) << done.error().message();
  }

  void WriteParts() {
    RecallResult recall;
    recall.users = {"u1"};
    recall.posts = {"p1", "p2"};
    recall.model.dimension = 2;
    recall.model.users = {1, 2};
    recall.model.items = {3, 4, 5, 6};
    recall.metrics = {{"recall100", 0.25}};
    RankResult rank;
    rank.metrics = {{"auc", 0.75}};
    for (const char* action : {"click", "like"}) {
      RankedAction& ranked = rank.actions.emplace_back();
      ranked.action = action;
      ranked.model_text = std::string("what serves ") + action;
      ranked.twin_text = std::string("what was measured of ") + action;
    }
    features::FeatureSet set;
    set.hash = "h";
    ASSERT_THAT(WriteRankPart(files_, folder_ + "/work", rank, set, ""), IsOk());
    ASSERT_THAT(WriteRecallPart(files_, folder_ + "/work", recall), IsOk());
  }

  Result<BuiltBundle> Build() {
    const BundleInput input{folder_ + "/work", folder_ + "/bundles", kCut, lists_, shown_};
    return BuildBundle(files_, *session_, input, nullptr);
  }

  io::FileSystem& files_ = io::PosixFileSystem();
  std::string folder_;
  std::vector<std::string> lists_ = {"ads_recall_i2i", "ads_recall_u2u_cf", "ads_trending"};
  domain::ItemKind shown_ = domain::LegacyDomain()->Shown();
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
};

TEST_F(BundleBuilderTest, GathersPartsAndListsIntoASealedFolder) {
  WriteParts();
  const auto built = Build();
  ASSERT_TRUE(built.has_value()) << built.error().message();
  const auto manifest = registry::VerifyBundle(files_, built->folder);
  ASSERT_TRUE(manifest.has_value()) << manifest.error().message();
  EXPECT_EQ(manifest->data_cut, kCut);
  EXPECT_EQ(manifest->metrics.at("auc"), 0.75);
  EXPECT_EQ(manifest->metrics.at("recall100"), 0.25);
  const auto lists = store::OpenCandidateLists(files_, built->folder + "/" + registry::kI2iFile);
  ASSERT_TRUE(lists.has_value());
  const auto similar = (*lists)->Get("p1");
  ASSERT_EQ(similar.size(), 2u);
  EXPECT_EQ(similar[0].id, "p2");
  EXPECT_FLOAT_EQ(similar[1].score, 0.5f);
  const auto posts = store::OpenFlatTable(files_, built->folder + "/" + registry::kPostsFile);
  ASSERT_TRUE(posts.has_value());
  EXPECT_EQ((*posts)->row_count(), 2u);
  EXPECT_GE((*posts)->Find("p2"), 0);
}

// A project need not have every list.
TEST_F(BundleBuilderTest, AListWithoutATableIsEmpty) {
  WriteParts();
  Run("DROP TABLE ads_recall_u2u_cf");
  lists_ = {"ads_recall_i2i", "ads_trending"};
  const auto built = Build();
  ASSERT_THAT(built, IsOk());
  const auto of = [&](const char* file) { return *store::OpenCandidateLists(files_, built->folder + "/" + file); };
  EXPECT_EQ(of(registry::kU2uFile)->key_count(), 0u);
  EXPECT_EQ(of(registry::kI2iFile)->key_count(), 2u);
}

TEST_F(BundleBuilderTest, WithoutACategoryThereIsOneListOfWhatTrends) {
  WriteParts();
  shown_.category.clear();
  const auto built = Build();
  ASSERT_THAT(built, IsOk());
  const auto lists = *store::OpenCandidateLists(files_, built->folder + "/" + registry::kTrendingFile);
  EXPECT_EQ(lists->key_count(), 1u);
  EXPECT_EQ(lists->Get("all").size(), 1u);
}

TEST_F(BundleBuilderTest, OnlyWhatIsJudgedAgainHasATwin) {
  WriteParts();
  const auto built = Build();
  ASSERT_TRUE(built.has_value()) << built.error().message();
  std::vector<std::string> models;
  for (const registry::BundleFile& file : built->manifest.files) {
    if (file.name.ends_with(".model")) models.push_back(file.name);
  }
  EXPECT_EQ(models, (std::vector<std::string>{"rank_click.model", "rank_like.model", "twin_click.model"}));
  EXPECT_EQ(*io::ReadWholeFile(files_, built->folder + "/twin_click.model"), "what was measured of click");
}

TEST_F(BundleBuilderTest, TheSameNightGivesTheSameBundle) {
  WriteParts();
  const auto first = Build();
  ASSERT_TRUE(first.has_value());
  const auto second = Build();
  ASSERT_TRUE(second.has_value()) << second.error().message();
  EXPECT_EQ(first->folder, second->folder);
  Run("UPDATE ads_trending SET score = 5.0 WHERE topic = 'cats'");
  const auto other = Build();
  ASSERT_TRUE(other.has_value());
  EXPECT_NE(other->manifest.id, first->manifest.id);
}

TEST_F(BundleBuilderTest, AMissingPartNamesTheCommandThatMakesIt) {
  const auto built = Build();
  ASSERT_FALSE(built.has_value());
  EXPECT_EQ(built.error().kind(), ErrorKind::kNotFound);
  EXPECT_NE(built.error().message().find("feedmill-train rank"), std::string::npos) << built.error().message();
}

TEST_F(BundleBuilderTest, CommandsNeedADataFolderThatExists) {
  CommandOptions options;
  options.data = folder_ + "/none";
  options.project = folder_;
  options.cut = kCut;
  for (const auto& command : {RunAls, RunRank, RunBundle}) {
    const auto result = command(options);
    ASSERT_FALSE(result.has_value());
    EXPECT_NE(result.error().message().find(folder_), std::string::npos) << result.error().message();
  }
}

}  // namespace
}  // namespace feedmill::train
