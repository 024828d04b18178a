#include "serve/scene.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/template_for_test.h"

namespace feedmill::serve {
namespace {

using domain::TemplateDomain;
using testing::AllOf;
using testing::HasSubstr;

std::string Refusal(const std::string& text) {
  const auto scene = ParseScene(text, "feed/x.toml", "x", *TemplateDomain());
  return scene ? "accepted" : scene.error().message();
}

TEST(SceneTest, ReadsTheTemplate) {
  const auto scenes = LoadScenes(FEEDMILL_SOURCE_DIR "/template/feed", *TemplateDomain());
  ASSERT_TRUE(scenes.has_value()) << scenes.error().message();
  ASSERT_EQ(scenes->size(), 5u);
  const Scene& home = scenes->at("home");
  EXPECT_TRUE(home.rank.enabled);
  EXPECT_EQ(home.rank.order, Order::kScore);
  EXPECT_EQ(home.channel(Source::kInNetwork).age_max, 96 * kMicrosPerHour);
  EXPECT_FALSE(home.channel(Source::kRandom).enabled);
  EXPECT_EQ(home.rerank.author_cap, 2);
  EXPECT_EQ(scenes->at("following").rank.order, Order::kTime);
  EXPECT_FALSE(scenes->at("following").fallback);
  EXPECT_EQ(scenes->at("random").rank.order, Order::kRandom);
}

TEST(SceneTest, ReadsWeightsAndKeepsDefaults) {
  const auto scene = ParseScene(
      "[recall.fresh]\nweight = 2.5\n[rank]\nenabled = true\nfusion_offset = 10\n[rank.weights]\nlike = 3\nhide = "
      "-7.5\n",
      "x", "x", *TemplateDomain());
  ASSERT_TRUE(scene.has_value()) << scene.error().message();
  EXPECT_EQ(scene->rank.weights, (std::map<std::string, double>{{"hide", -7.5}, {"like", 3}}));
  EXPECT_EQ(scene->channel(Source::kFresh).weight, 2.5);
  EXPECT_EQ(scene->channel(Source::kI2i).weight, 1);
  EXPECT_EQ(scene->rank.fusion_offset, 10);
  EXPECT_EQ(scene->channel(Source::kFresh).limit, 100);
  EXPECT_TRUE(scene->filter.seen);
}

TEST(SceneTest, NamesFileLineFoundAndAllowed) {
  EXPECT_THAT(Refusal("[recall.fresh]\nlimit = 0\n"),
              AllOf(HasSubstr("feed/x.toml:2: recall.fresh.limit: found integer 0"), HasSubstr("from 1 to 5000")));
  EXPECT_THAT(Refusal("[recall.fresh]\nlimit = \"many\"\n"), HasSubstr("found text \"many\""));
  EXPECT_THAT(Refusal("[recall.fresh]\n[rerank]\nmmr = 0.5\n"),
              AllOf(HasSubstr(":3: unknown key \"mmr\" in [rerank]"), HasSubstr("mmr_lambda")));
  EXPECT_THAT(Refusal("[recall.magic]\nlimit = 3\n"),
              AllOf(HasSubstr(":1: unknown key \"magic\""), HasSubstr("in_network")));
  EXPECT_THAT(Refusal("[recall.fresh]\nseeds_max = 3\n"), HasSubstr("unknown key \"seeds_max\""));
  EXPECT_THAT(Refusal("[recall.fresh]\n[rank]\norder = \"best\"\n"),
              HasSubstr("allowed: \"score\", \"time\", \"recall\", \"random\""));
  EXPECT_THAT(Refusal("recall = 3\n"), HasSubstr("found integer 3; allowed: a table"));
  EXPECT_THAT(Refusal("[rank]\nenabled = false\n"), HasSubstr("[recall] has no channel"));
  EXPECT_THAT(Refusal("[recall.fresh\n"), HasSubstr("feed/x.toml:1:"));
}

TEST(SceneTest, AFolderWithoutScenes) {
  const auto scenes = LoadScenes("/nowhere/feed", *TemplateDomain());
  ASSERT_FALSE(scenes.has_value());
  EXPECT_EQ(scenes.error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace feedmill::serve
