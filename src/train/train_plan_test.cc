#include "train/train_plan.h"

#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill::train {
namespace {

using testing::HasSubstr;

class TrainPlanTest : public testing::Test {
 protected:
  TrainPlanTest()
      : folder_((std::filesystem::temp_directory_path() / fmt::format("feedmill_plan_{}", getpid())).string()) {
    std::filesystem::create_directories(folder_);
  }
  ~TrainPlanTest() override { std::filesystem::remove_all(folder_); }
  Result<RankPlan> Rank(std::string_view text) {
    EXPECT_THAT(io::WriteFileAtomically(files_, folder_ + "/rank.toml", text), IsOk());
    return LoadRankPlan(files_, folder_, *domain::LegacyDomain());
  }

  io::FileSystem& files_ = io::PosixFileSystem();
  std::string folder_;
};

TEST_F(TrainPlanTest, TheTemplateSaysTheDefaults) {
  const auto defaults = LoadRankPlan(files_, folder_, *domain::LegacyDomain()),
             written = LoadRankPlan(files_, FEEDMILL_SOURCE_DIR "/template/models", *domain::LegacyDomain());
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(written->leaves, defaults->leaves);
  EXPECT_EQ(written->learning_rate, defaults->learning_rate);
  EXPECT_EQ(written->leak_gap_max, defaults->leak_gap_max);
  ASSERT_EQ(written->actions.size(), defaults->actions.size());
  for (size_t i = 0; i < written->actions.size(); ++i) {
    EXPECT_EQ(written->actions[i].label, defaults->actions[i].label);
    EXPECT_EQ(written->actions[i].losses, defaults->actions[i].losses);
    const bool is_comment = written->actions[i].action == "comment";  // the one that weighs more than its taste
    EXPECT_EQ(written->actions[i].weight, is_comment ? 3.0 : defaults->actions[i].weight);
  }
  const auto als = LoadAlsPlan(files_, folder_, *domain::LegacyDomain()),
             written_als = LoadAlsPlan(files_, FEEDMILL_SOURCE_DIR "/template/models", *domain::LegacyDomain());
  ASSERT_THAT(written_als, IsOk());
  EXPECT_EQ(
      written_als->weights,
      (std::map<std::string, double>{
          {"post_click", 1}, {"like", 3}, {"comment", 4}, {"share", 5}, {"dwell", 0}, {"hide", 0}, {"report", 0}}));
  EXPECT_EQ(written_als->options.dimension, als->options.dimension);
  EXPECT_EQ(written_als->half_life, als->half_life);
}

TEST_F(TrainPlanTest, AnActionWithALabelIsLearnedAndWeighsItsTaste) {
  const auto domain = domain::ParseDomain("domain.toml", R"(
[item.product]
id = "sku"
[item.customer]
id = "userId"
[action.shown]
event = "list_shown"
shown = true
[action.cart]
event = "add_to_cart"
taste = 2.0
[action.purchase]
event = "order"
taste = 5.0
label = "bought"
[action.wish]
event = "wish"
taste = 1.5
label = "wished"
[action.stay]
event = "stay"
taste = 1.0
value = "stay_ms"
value_max = 10
)");
  ASSERT_THAT(domain, IsOk());
  const auto plan = LoadRankPlan(files_, folder_, **domain);
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->actions.size(), 2u);
  EXPECT_EQ(plan->actions[0].action, "purchase");
  EXPECT_EQ(plan->actions[0].losses.size(), 3u);
  EXPECT_EQ(plan->actions[1].action, "wish");
  EXPECT_EQ(plan->actions[1].weight, 1.5);
  EXPECT_EQ(plan->popularity, "product_purchase_rate_1d");
  EXPECT_EQ(LoadAlsPlan(files_, folder_, **domain)->weights,
            (std::map<std::string, double>{{"add_to_cart", 2}, {"order", 5}, {"wish", 1.5}, {"stay", 0}}));
  EXPECT_THAT(io::WriteFileAtomically(files_, folder_ + "/rank.toml", "[action.cart]\nweight = 1\n"), IsOk());
  EXPECT_THAT(LoadRankPlan(files_, folder_, **domain), IsError(ErrorKind::kInvalidArgument, HasSubstr("rank.toml:1")));
}

TEST_F(TrainPlanTest, RowsAreThoseThatFitIntoTheMemory) {
  const RankPlan plan = LoadRankPlan(files_, folder_, *domain::LegacyDomain()).value();
  EXPECT_EQ(FitToMemory(plan, 40, 64ull << 30).rows_max, plan.rows_max);
  const int64_t half = FitToMemory(plan, 40, 1 << 30).rows_max, quarter = FitToMemory(plan, 40, 1 << 29).rows_max;
  EXPECT_LT(half, plan.rows_max);
  EXPECT_NEAR(static_cast<double>(quarter), static_cast<double>(half) / 2, 1);
  EXPECT_LT(FitToMemory(plan, 80, 1 << 30).rows_max, half) << "a row of more features takes more";
  EXPECT_EQ(FitToMemory(plan, 40, 1).rows_max, plan.rows_min) << "with fewer there would be no model";
}

TEST_F(TrainPlanTest, WhatIsWrittenCounts) {
  const auto plan = Rank("[trees]\nleaves = 7\n[action.hide]\nweight = -9.5\nlosses = [\"lambdarank\"]\n");
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->leaves, 7);
  EXPECT_EQ(plan->actions[5].weight, -9.5);
  EXPECT_EQ(plan->actions[0].weight, 1.0);
}

TEST_F(TrainPlanTest, ErrorsNameFileLineFoundAndAllowed) {
  EXPECT_THAT(Rank("[trees]\nleaves = 1000\n"), IsError(ErrorKind::kInvalidArgument, HasSubstr("rank.toml:2")));
  EXPECT_THAT(Rank("[tress]\nleaves = 10\n"), IsError(ErrorKind::kInvalidArgument, HasSubstr("tress")));
  EXPECT_THAT(Rank("[action.click]\nlosses = [\"softmax\"]\n"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("found \"softmax\"")));
  EXPECT_THAT(Rank("[action.click]\nlosses = []\n"), IsError(ErrorKind::kInvalidArgument, HasSubstr("at least one")));
}

}  // namespace
}  // namespace feedmill::train
