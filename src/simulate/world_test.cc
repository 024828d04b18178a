#include "simulate/world.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace feedmill::simulate {
namespace {

constexpr Micros kStart = 20'000 * kMicrosPerDay;

WorldOptions Small() {
  WorldOptions options;
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

TEST(World, IdsGoThereAndBack) {
  EXPECT_EQ(World::NumberOf(World::UserId(42), 'u'), 42);
  EXPECT_EQ(World::NumberOf(World::PostId(1'234'567), 'p'), 1'234'567);
  EXPECT_EQ(World::NumberOf("u12x", 'u'), -1);
  EXPECT_EQ(World::NumberOf("p", 'p'), -1);
  EXPECT_EQ(World::NumberOf(World::PostId(1), 'u'), -1);
}

}  // namespace
}  // namespace feedmill::simulate
