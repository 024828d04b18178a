#include "simulate/world.h"

#include <algorithm>
#include <fstream>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feedmill::simulate {
namespace {

constexpr Micros kStart = 20'000 * kMicrosPerDay;

WorldOptions Small() {
  WorldOptions options = BuiltInWorld();
  options.users = 300;
  options.new_users = 30;
  options.authors = 60;
  options.history_days = 2;
  return options;
}

TEST(World, IsAFunctionOfItsSeed) {
  const World a(Small(), kStart);
  const World b(Small(), kStart);
  WorldOptions other_seed = Small();
  other_seed.seed = 2;
  const World c(other_seed, kStart);
  ASSERT_EQ(a.posts().size(), b.posts().size());
  for (uint32_t post = 0; post < a.posts().size(); ++post) {
    EXPECT_EQ(a.posts()[post].created_at, b.posts()[post].created_at);
    EXPECT_EQ(a.ClickProbability(7, post, kStart), b.ClickProbability(7, post, kStart));
  }
  EXPECT_NE(a.posts().size(), c.posts().size());
}

TEST(World, PostsStandInTimeOrderWithinTheWorldsTime) {
  const World world(Small(), kStart);
  ASSERT_GT(world.posts().size(), 100u);
  EXPECT_TRUE(std::is_sorted(world.posts().begin(), world.posts().end(),
                             [](const Post& a, const Post& b) { return a.created_at < b.created_at; }));
  EXPECT_GE(world.posts().front().created_at, kStart - kMicrosPerDay);
  EXPECT_LT(world.posts().back().created_at, world.end());
  EXPECT_EQ(world.FirstPostAt(world.end()), world.posts().size());
}

TEST(World, FollowGraphHasAHeavyTailAndHomophily) {
  const World world(Small(), kStart);
  std::vector<size_t> followers(60, 0);
  int alike = 0;
  int total = 0;
  for (uint32_t user = 0; user < 300; ++user) {
    for (uint32_t author : world.followees(user)) {
      ++followers[author];
      ++total;
      const std::vector<int>& topics = world.user(user).topics;
      alike += std::find(topics.begin(), topics.end(), world.author(author).topic) != topics.end() ? 1 : 0;
    }
  }
  std::sort(followers.rbegin(), followers.rend());
  const size_t top_tenth = std::accumulate(followers.begin(), followers.begin() + 6, size_t{0});
  EXPECT_GT(static_cast<double>(top_tenth),
            0.2 * total);  // a tenth of the authors has far more than a tenth of the followers
  EXPECT_GT(static_cast<double>(alike), 0.25 * total);  // by chance about 3 of 24 topics match
}

TEST(World, TasteMovesClicksAndAgeLowersThem) {
  const World world(Small(), kStart);
  double liked = 0;
  double disliked = 0;
  int pairs = 0;
  for (uint32_t user = 0; user < 300; ++user) {
    const auto count = static_cast<uint32_t>(world.posts().size());
    uint32_t best = 0;
    uint32_t worst = 0;
    for (uint32_t post = 0; post < count; ++post) {
      if (world.Affinity(user, post) > world.Affinity(user, best)) best = post;
      if (world.Affinity(user, post) < world.Affinity(user, worst)) worst = post;
    }
    const Micros now = world.end();
    liked += world.ClickProbability(user, best, now);
    disliked += world.ClickProbability(user, worst, now);
    EXPECT_GT(world.ClickProbability(user, best, now), world.ClickProbability(user, best, now + kMicrosPerDay));
    ++pairs;
  }
  EXPECT_GT(liked / pairs, 5 * disliked / pairs);
}

TEST(World, PeopleReadSomeLanguagesAndJoinSomeCommunities) {
  const World world(Small(), kStart);
  int two = 0, adults = 0, joined = 0, foreign = 0, for_adults = 0, in_community = 0;
  for (uint32_t user = 0; user < 300; ++user) {
    two += world.user(user).languages.size() == 2;
    adults += world.user(user).adult;
    joined += !world.user(user).communities.empty();
  }
  for (uint32_t post = 0; post < world.posts().size(); ++post) {
    const Post& p = world.posts()[post];
    foreign += p.language != 0;
    for_adults += p.adult;
    in_community += p.community >= 0;
    if (p.community >= 0) {
      EXPECT_TRUE(world.CommunityName(p.community).starts_with(world.TopicName(p.topic)));
    }
    EXPECT_EQ(world.MaySee(7, post), world.user(7).adult || !p.adult);
  }
  for (const int some : {two, adults, joined, foreign, for_adults, in_community}) EXPECT_GT(some, 0);
  EXPECT_LT(two, 200);
  EXPECT_LT(foreign, static_cast<int>(world.posts().size()) * 2 / 3);
}

TEST(World, ForeignAndUnwantedPostsAreOpenedLess) {
  WorldOptions options = Small();
  options.adult_authors = 1;
  const World strict(options, kStart);
  options.foreign_weight = options.adult_weight = 0;
  const World easy(options, kStart);
  double strict_sum = 0, easy_sum = 0;
  for (uint32_t post = 0; post < 500; ++post) {
    strict_sum += strict.ClickProbability(9, post, kStart);
    easy_sum += easy.ClickProbability(9, post, kStart);
  }
  EXPECT_LT(strict_sum, 0.8 * easy_sum);
}

TEST(World, AFileSaysWhatIsDifferent) {
  const std::string path = testing::TempDir() + "/world.toml";
  const auto load = [&](std::string_view text) {
    std::ofstream(path) << text;
    return LoadWorldOptions(path);
  };
  const auto world = load("[size]\nusers = 77\nauthors = 7\n[app]\nshown = \"seen\"\n");
  ASSERT_TRUE(world.has_value()) << world.error().ToString();
  EXPECT_EQ(world->users, 77);
  EXPECT_EQ(world->topics, BuiltInWorld().topics);
  EXPECT_EQ(world->app.shown, "seen");
  EXPECT_EQ(world->app.item.id, BuiltInWorld().app.item.id);
  EXPECT_EQ(world->behaviours.size(), BuiltInWorld().behaviours.size());
  const auto other = load("[behaviour.buy]\nwhen = \"open\"\nevent = \"bought\"\n");
  ASSERT_TRUE(other.has_value()) << other.error().ToString();
  EXPECT_EQ(other->behaviours.size(), 1);
  const auto refusal = [&](std::string_view text) {
    const auto refused = load(text);
    return refused ? "taken" : refused.error().message();
  };
  using testing::HasSubstr;
  EXPECT_THAT(refusal("[behaviour.buy]\nevent = \"bought\"\n"), HasSubstr("one of them with when = \"open\""));
  EXPECT_THAT(refusal("[behaviour.buy]\nwhen = \"open\"\n"), HasSubstr("behaviour.buy.event"));
  EXPECT_THAT(refusal("[app]\nshown = 'a\"b'\n"), HasSubstr("without quotes"));
  EXPECT_THAT(refusal("[size]\nusers = 20\n"), HasSubstr("authors are users"));
  EXPECT_THAT(refusal("[variety]\nlanguages = 9\n"), HasSubstr("from 1 to 8"));
  EXPECT_THAT(refusal("[demand]\nluck = 1\n"), HasSubstr("luck"));
}

TEST(World, IdsGoThereAndBack) {
  EXPECT_EQ(World::NumberOf(World::UserId(42), 'u'), 42);
  EXPECT_EQ(World::NumberOf(World::PostId(1'234'567), 'p'), 1'234'567);
  EXPECT_EQ(World::NumberOf("u12x", 'u'), -1);
  EXPECT_EQ(World::NumberOf("p", 'p'), -1);
  EXPECT_EQ(World::NumberOf(World::PostId(1), 'u'), -1);
}

}  // namespace
}  // namespace feedmill::simulate
