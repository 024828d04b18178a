#include "simulate/behaviour.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace feedmill::simulate {
namespace {

constexpr Micros kStart = 20'000 * kMicrosPerDay;

World SmallWorld() {
  WorldOptions options = BuiltInWorld();
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
  std::map<std::string, int> done;
  const Micros now = world.live_start();
  for (uint32_t user = 0; user < 400; ++user) {
    for (uint32_t post = 0; post < 400; ++post) {
      const Reaction reaction = React(world, user, post, 3, now);
      expected += world.Examination(3) * world.ClickProbability(user, post, now);
      clicked += reaction.opened ? 1 : 0;
      for (const Deed& deed : reaction.deeds) {
        const Behaviour& behaviour = world.options().behaviours[deed.behaviour];
        later_actions_without_click += !reaction.opened && behaviour.when != Behaviour::When::kUnwanted;
        ++done[behaviour.name];
      }
    }
  }
  EXPECT_NEAR(clicked / expected, 1, 0.05);
  EXPECT_EQ(later_actions_without_click, 0);
  EXPECT_EQ(done["click"], static_cast<int>(clicked));
  EXPECT_EQ(done["dwell"], done["click"]) << "always";
  EXPECT_GT(done["like"], 3 * done["comment"]);
  EXPECT_GT(done["comment"], 0);
  EXPECT_GT(done["hide"], 5 * done["block"]);
  EXPECT_GT(done["block"], 0);
}

TEST(Behaviour, EffectsLastAndHide) {
  World world = SmallWorld();
  const uint32_t post = 7, author = world.posts()[post].author, user = author == 0 ? 1 : 0;
  const auto place = [&](std::string_view name) {
    return static_cast<size_t>(std::ranges::find(world.options().behaviours, name, &Behaviour::name) -
                               world.options().behaviours.begin());
  };
  TakeEffect({true, {{place("click"), 0}, {place("follow"), 0}}}, user, post, &world);
  EXPECT_TRUE(world.Follows(user, author));
  EXPECT_TRUE(world.posts()[post].adult || world.MaySee(user, post));
  TakeEffect({false, {{place("block"), 0}}}, user, post, &world);
  EXPECT_FALSE(world.MaySee(user, post));
  for (const uint32_t own : world.posts_of(user)) EXPECT_FALSE(world.MaySee(author, own));
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
