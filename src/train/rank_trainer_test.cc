#include "train/rank_trainer.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "model/tree_model.h"
#include "train/metrics.h"
#include "train/sample_world_for_test.h"

namespace feedmill::train {
namespace {

using testing::HasSubstr;

RankPlan TestPlan() {
  RankPlan plan =
      LoadRankPlan(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/models", *domain::LegacyDomain()).value();
  plan.rounds_max = 60;
  plan.leaves = 15;
  plan.threads = 1;  // two spinning threads are slow on a busy machine
  plan.rows_per_leaf_min = 30;
  return plan;
}

double TrueOrderNdcg(const World& world, const std::string& model_text, double top_share) {
  const auto model = model::ParseLightGbmModel(model_text).value();
  const size_t rows = world.samples.row_count(), first = rows * 8 / 10;
  std::vector<double> scores(rows);
  model->Score(world.samples.features, rows, scores, false);
  std::vector<double> sorted = world.preference;
  std::ranges::sort(sorted, std::ranges::greater{});
  const double border = sorted[static_cast<size_t>(static_cast<double>(rows) * top_share)];
  std::vector<uint8_t> liked;
  for (size_t row = first; row < rows; ++row) liked.push_back(world.preference[row] > border ? 1 : 0);
  return Ndcg(liked, std::span(scores).subspan(first), std::span(world.samples.requests).subspan(first), 10);
}

TEST(RankTrainerTest, LearnsTheTasteAndBeatsPopularity) {
  const World world = MakeSampleWorld({});
  const auto result = TrainRank(world.samples, world.set, TestPlan(), {}, nullptr);
  ASSERT_THAT(result, IsOk());
  EXPECT_GT(result->metrics.at("auc"), 0.68);
  EXPECT_GT(result->metrics.at("user_auc"), 0.68);
  EXPECT_GT(result->metrics.at("ndcg10"), result->metrics.at("ndcg10_popularity") + 0.05);
  EXPECT_LT(result->metrics.at("calibration_error"), 0.03);
  EXPECT_LT(result->metrics.at("leak_gap"), 0.1);
  ASSERT_EQ(result->actions.size(), 2u);
  EXPECT_EQ(result->actions[0].action, "click");
  EXPECT_EQ(result->actions[1].action, "like");
  EXPECT_EQ(result->actions[1].weight, 2.0);
  EXPECT_GT(result->actions[1].calibration.slope, 0);
  EXPECT_TRUE(result->metrics.contains("like_auc"));
  EXPECT_FALSE(result->metrics.contains("live_auc"));
}

TEST(RankTrainerTest, TwoRunsGiveByteEqualModels) {
  const World world = MakeSampleWorld({.requests = 1200});
  const auto one = TrainRank(world.samples, world.set, TestPlan(), {}, nullptr),
             two = TrainRank(world.samples, world.set, TestPlan(), {}, nullptr);
  ASSERT_EQ(one->actions.size(), two->actions.size());
  for (size_t i = 0; i < one->actions.size(); ++i) {
    EXPECT_EQ(one->actions[i].model_text, two->actions[i].model_text);
    EXPECT_EQ(one->actions[i].calibration.slope, two->actions[i].calibration.slope);
  }
  EXPECT_EQ(one->metrics, two->metrics);
}

TEST(RankTrainerTest, MeasuresTheLiveModelOnTheSameSlice) {
  const World world = MakeSampleWorld({.requests = 1500});
  const auto first = TrainRank(world.samples, world.set, TestPlan(), {}, nullptr);
  ASSERT_THAT(first, IsOk());
  const auto again =
      TrainRank(world.samples, world.set, TestPlan(), LiveTwin{first->actions[0].twin_text, {}, {}, {}}, nullptr);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->metrics.at("live_auc"), first->metrics.at("auc"));
  EXPECT_EQ(again->metrics.at("live_ndcg10"), first->metrics.at("ndcg10"));
}

TEST(RankTrainerTest, MeasuresALiveModelOfOtherFeaturesOnTheRowsItServed) {
  const World world = MakeSampleWorld({.requests = 1500});
  const auto first = TrainRank(world.samples, world.set, TestPlan(), {}, nullptr);
  ASSERT_THAT(first, IsOk());
  const Slice later = SplitByTime(world.samples, TestPlan())->later;
  LiveTwin twin{
      .model = first->actions[0].twin_text, .feature_names = world.samples.feature_names, .features = {}, .rows = {}};
  for (size_t row = later.begin; row < later.end; row += 3) {
    twin.rows.push_back(row);
    const auto values = world.samples.Features({row, row + 1});
    twin.features.insert(twin.features.end(), values.begin(), values.end());
  }
  const auto again = TrainRank(world.samples, world.set, TestPlan(), twin, nullptr);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->metrics.at("live_auc"), again->metrics.at("auc_beside_live"));
  EXPECT_EQ(again->metrics.at("live_ndcg10"), again->metrics.at("ndcg10_beside_live"));
  EXPECT_NE(again->metrics.at("live_auc"), again->metrics.at("auc"));
  twin.feature_names.pop_back();
  EXPECT_THAT(TrainRank(world.samples, world.set, TestPlan(), twin, nullptr), IsError(ErrorKind::kInvalidArgument));
}

TEST(RankTrainerTest, WhatServesIsFittedToTheNewestRowsAndTheTwinIsNot) {
  // In the later slice clicks follow what said nothing before: only who was fitted to it can know.
  World world = MakeSampleWorld({.requests = 2000});
  const Slice later = SplitByTime(world.samples, TestPlan())->later;
  const size_t width = world.samples.feature_names.size();
  for (size_t row = later.begin; row < later.end; ++row)
    world.samples.labels["click"][row] = world.samples.features[row * width + 2] > 0 ? 1 : 0;
  RankPlan plan = TestPlan();
  plan.actions.resize(1);
  plan.actions[0].losses = {"binary"};
  plan.leak_gap_max = 1;
  const auto result = TrainRank(world.samples, world.set, plan, {}, nullptr);
  ASSERT_THAT(result, IsOk());
  const auto auc = [&](const std::string& text) {
    std::vector<double> scores(later.size());
    model::ParseLightGbmModel(text).value()->Score(world.samples.Features(later), later.size(), scores, false);
    return Auc(std::span(world.samples.labels["click"]).subspan(later.begin), scores);
  };
  EXPECT_EQ(result->metrics.at("auc"), auc(result->actions[0].twin_text));
  EXPECT_LT(auc(result->actions[0].twin_text), 0.6);
  EXPECT_GT(auc(result->actions[0].model_text), auc(result->actions[0].twin_text) + 0.2);
}

TEST(RankTrainerTest, OldRowsCountLess) {
  World world = MakeSampleWorld({.requests = 2000});
  RankPlan plan = TestPlan();
  plan.actions.resize(1);
  plan.half_life = kMicrosPerHour;
  const auto steep = TrainRank(world.samples, world.set, plan, {}, nullptr);
  plan.half_life = 365 * kMicrosPerDay;
  const auto flat = TrainRank(world.samples, world.set, plan, {}, nullptr);
  ASSERT_THAT(steep, IsOk());
  ASSERT_THAT(flat, IsOk());
  EXPECT_NE(steep->actions[0].model_text, flat->actions[0].model_text);
}

TEST(RankTrainerTest, ALeakIsWithheld) {
  const World world = MakeSampleWorld({.leak = true});
  const auto result = TrainRank(world.samples, world.set, TestPlan(), {}, nullptr);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->withheld, HasSubstr("knows the future"));
  EXPECT_TRUE(result->actions.empty());
}

TEST(RankTrainerTest, FewRowsAreLearnedBySmallerTrees) {
  const World world = MakeSampleWorld({.requests = 150});
  RankPlan plan = TestPlan();
  plan.leaves = 63;
  plan.rows_per_leaf_min = 2;
  plan.actions.resize(1);
  plan.actions[0].positives_min = 10;
  const auto result = TrainRank(world.samples, world.set, plan, {}, nullptr);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->notes, testing::Contains(HasSubstr("again with 21 leaves")));
  EXPECT_EQ(result->withheld, "");
  EXPECT_LE(result->metrics.at("leak_gap"), plan.leak_gap_max);
}

TEST(RankTrainerTest, TooFewClicksWithholdTheModelsAndOtherActionsAreLeftOut) {
  World world = MakeSampleWorld({.requests = 400});
  RankPlan plan = TestPlan();
  plan.actions[1].positives_min = 1'000'000;
  const auto result = TrainRank(world.samples, world.set, plan, {}, nullptr);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->actions.size(), 1u);
  EXPECT_THAT(result->notes, testing::Contains(HasSubstr("no model for like: ")));
  std::ranges::fill(world.samples.labels["click"], 0);
  const auto without = TrainRank(world.samples, world.set, plan, {}, nullptr);
  ASSERT_THAT(without, IsOk());
  EXPECT_THAT(without->withheld, HasSubstr("no model for click: 0 positives"));
  EXPECT_TRUE(without->actions.empty());
}

// The measurement behind docs/decisions/position-bias.md: a log whose order was skilled and whose clicks fall with the
// place.
TEST(RankTrainerTest, PositionAsAFeatureTellsTasteFromPlace) {
  RankPlan plan = TestPlan();
  plan.actions.resize(1);
  plan.actions[0].losses = {"binary"};
  WorldOptions options = {.seed = 3, .requests = 6000, .position_effect = 4, .policy_skill = 1.5};
  const World without = MakeSampleWorld(options);
  options.position_feature = true;
  const World with = MakeSampleWorld(options);
  const auto dropped = TrainRank(without.samples, without.set, plan, {}, nullptr),
             kept = TrainRank(with.samples, with.set, plan, {}, nullptr);
  ASSERT_THAT(dropped, IsOk());
  ASSERT_THAT(kept, IsOk());
  const double dropped_ndcg = TrueOrderNdcg(without, dropped->actions[0].model_text, 0.1);
  const double kept_ndcg = TrueOrderNdcg(with, kept->actions[0].model_text, 0.1);
  RecordProperty("ndcg_dropped", fmt::format("{:.4f}", dropped_ndcg));
  RecordProperty("ndcg_position", fmt::format("{:.4f}", kept_ndcg));
  EXPECT_GT(kept_ndcg, dropped_ndcg + 0.005);
}

}  // namespace
}  // namespace feedmill::train
