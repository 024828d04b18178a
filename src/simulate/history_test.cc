#include "simulate/history.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace feedmill::simulate {
namespace {

constexpr Micros kStart = 20'000 * kMicrosPerDay;

WorldOptions Small() {
  WorldOptions options = BuiltInWorld();
  options.users = 200;
  options.new_users = 20;
  options.authors = 40;
  options.history_days = 2;
  return options;
}

struct Told {
  std::vector<nlohmann::json> events;
  HistoryFigures figures;
};

Told Tell(World* world, SeenPosts* seen, size_t batch_events) {
  Told told;
  const auto sink = [&](Batch& batch, double) -> Status {
    const nlohmann::json body = nlohmann::json::parse(batch.Take());
    for (const auto& event : body.at("batch")) told.events.push_back(event);
    return Ok();
  };
  const auto figures = LiveThroughHistory(world, seen, batch_events, sink);
  EXPECT_TRUE(figures.has_value());
  told.figures = *figures;
  return told;
}

TEST(History, TellsValidEventsWithUniqueIds) {
  World world(Small(), kStart);
  SeenPosts seen(world.user_count());
  const Told told = Tell(&world, &seen, 100);
  EXPECT_EQ(told.events.size(), told.figures.events);
  std::set<std::string> ids;
  std::set<std::string> posts;
  uint64_t clicks = 0;
  for (const auto& event : told.events) {
    EXPECT_TRUE(ids.insert(event.at("messageId")).second) << event.dump();
    if (event.value("event", "") == "post_create") posts.insert(event.at("properties").at("post_id"));
    if (event.value("event", "") == "post_click") ++clicks;
    if (event.value("event", "") != "feed_impression") continue;
    EXPECT_TRUE(posts.contains(event.at("properties").at("post_id"))) << "shown before it was made";
  }
  EXPECT_EQ(clicks, told.figures.clicks);
  EXPECT_GT(clicks, 0u);
}

TEST(History, DoesNotDependOnTheBatchSize) {
  World a(Small(), kStart);
  World b(Small(), kStart);
  SeenPosts seen_a(a.user_count());
  SeenPosts seen_b(b.user_count());
  const Told small = Tell(&a, &seen_a, 7);
  const Told large = Tell(&b, &seen_b, 5000);
  EXPECT_EQ(small.events, large.events);
  for (uint32_t user = 0; user < a.user_count(); ++user) {
    EXPECT_EQ(seen_a.of(user), seen_b.of(user));
    EXPECT_EQ(a.followees(user), b.followees(user));
  }
}

TEST(History, NobodySeesAPostTwice) {
  World world(Small(), kStart);
  SeenPosts seen(world.user_count());
  std::set<std::pair<std::string, std::string>> shown;
  for (const auto& event : Tell(&world, &seen, 100).events) {
    if (event.value("event", "") != "feed_impression") continue;
    EXPECT_TRUE(shown.emplace(event.at("userId"), event.at("properties").at("post_id")).second) << event.dump();
  }
  EXPECT_FALSE(shown.empty());
}

TEST(History, AFailingSinkStopsTheRun) {
  World world(Small(), kStart);
  SeenPosts seen(world.user_count());
  int calls = 0;
  const auto sink = [&](Batch& batch, double) -> Status {
    batch.Take();
    return ++calls == 3 ? Status(Unavailable("the platform went away")) : Ok();
  };
  const auto figures = LiveThroughHistory(&world, &seen, 50, sink);
  ASSERT_FALSE(figures.has_value());
  EXPECT_EQ(figures.error().message(), "the platform went away");
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace feedmill::simulate
