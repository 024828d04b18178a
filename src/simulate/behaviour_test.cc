#include "simulate/behaviour.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace feedmill::simulate {
namespace {

constexpr Micros kStart = 20'000 * kMicrosPerDay;

World SmallWorld() {
  WorldOptions options;
  options.users = 400;
  options.new_users = 50;
  options.authors = 80;
  options.history_days = 2;
  return World(options, kStart);
}

TEST(Behaviour, SessionsFallInTheIntervalInOrder) {
  const World world = SmallWorld();
  const std::vector<Session> sessions = MakeSessions(world, world.live_start(), world.end(), true);
  ASSERT_FALSE(sessions.empty());
  EXPECT_TRUE(std::is_sorted(sessions.begin(), sessions.end(),
                             [](const Session& a, const Session& b) { return a.time < b.time; }));
  std::set<std::pair<uint32_t, uint32_t>> numbers;
  bool newcomers = false;
  for (const Session& session : sessions) {
    EXPECT_GE(session.time, world.live_start());
    EXPECT_LT(session.time, world.end());
    EXPECT_GE(session.feeds, 1);
    EXPECT_TRUE(numbers.emplace(session.user, session.number).second) << "two sessions share a number";
    newcomers |= world.IsNewUser(session.user);
  }
  EXPECT_TRUE(newcomers);
  for (const Session& session : MakeSessions(world, world.start(), world.live_start(), false))
    EXPECT_FALSE(world.IsNewUser(session.user));
}

TEST(Behaviour, SplittingTheTimeSplitsTheSessions) {
  const World world = SmallWorld();
  const Micros middle = world.start() + kMicrosPerDay;
  const size_t whole = MakeSessions(world, world.start(), world.live_start(), false).size();
  const size_t first = MakeSessions(world, world.start(), middle, false).size();
  const size_t second = MakeSessions(world, middle, world.live_start(), false).size();
  EXPECT_EQ(whole, first + second);
}

TEST(Behaviour, ReactionsFollowTheTrueChance) {
  const World world = SmallWorld();
  double expected = 0;
  double clicked = 0;
  int later_actions_without_click = 0;
  const Micros now = world.live_start();
  for (uint32_t user = 0; user < 400; ++user) {
    for (uint32_t post = 0; post < 100; ++post) {
      const Reaction reaction = React(world, user, post, 3, now);
      expected += world.Examination(3) * world.ClickProbability(user, post, now);
      clicked += reaction.click ? 1 : 0;
      later_actions_without_click +=
          !reaction.click && (reaction.like || reaction.comment || reaction.share || reaction.follow);
    }
  }
  EXPECT_NEAR(clicked / expected, 1, 0.05);
  EXPECT_EQ(later_actions_without_click, 0);
}

TEST(Behaviour, TheBestSlateIsNotWorseThanAnyOther) {
  const World world = SmallWorld();
  const Micros now = world.live_start();
  const size_t end = world.FirstPostAt(now);
  for (uint32_t user = 100; user < 140; ++user) {
    std::vector<uint32_t> slate;
    for (size_t i = 0; i < 10; ++i) slate.push_back(static_cast<uint32_t>(end - 1 - i * 3));
    EXPECT_GE(BestExpectedClicks(world, user, {}, now, 3 * kMicrosPerDay), ExpectedClicks(world, user, slate, now));
  }
}

}  // namespace
}  // namespace feedmill::simulate
