#include "train/recall_trainer.h"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/random.h"
#include "base/time_text.h"

namespace feedmill::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

AlsPlan TestPlan() {
  AlsPlan plan =
      LoadAlsPlan(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/models", *domain::LegacyDomain()).value();
  plan.options.dimension = 16;
  plan.options.iterations = 6;
  return plan;
}

InteractionSet Tastes(int per_user) {
  Random random(7);
  InteractionSet set;
  for (int user = 0; user < 200; ++user) set.users.push_back(fmt::format("u{:03}", user));
  for (int post = 0; post < 300; ++post) set.posts.push_back(fmt::format("p{:03}", post));
  for (uint32_t user = 0; user < 200; ++user) {
    for (int i = 0; i < per_user; ++i) {
      const uint32_t post = static_cast<uint32_t>(random.Below(59)) * 5 + user % 5;
      set.interactions.push_back({{user, post, 1}, static_cast<Micros>(random.Below(1000)) * kMicrosPerMinute});
    }
  }
  set.interactions.push_back({{0, 299, 1}, 0});  // one user only: no vector
  return set;
}

TEST(RecallTrainerTest, VectorsFindWhatPopularityCannot) {
  const InteractionSet set = Tastes(15);
  const auto result = TrainRecall(set, TestPlan(), nullptr);
  ASSERT_THAT(result, IsOk());
  EXPECT_GT(result->metrics.at("recall100"), 0.9);
  EXPECT_LT(result->metrics.at("recall100_popularity"), 0.6);
  EXPECT_EQ(result->users.size(), 200u);
  EXPECT_EQ(result->model.users.size(), result->users.size() * 16);
  EXPECT_EQ(result->model.items.size(), result->posts.size() * 16);
  EXPECT_THAT(result->posts, testing::Not(testing::Contains("p299")));
}

TEST(RecallTrainerTest, TooFewInteractionsGiveNoVectors) {
  const auto result = TrainRecall(Tastes(1), TestPlan(), nullptr);
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->posts.empty());
  EXPECT_THAT(result->notes, ElementsAre(HasSubstr("no vectors: 201 interactions")));
}

TEST(ReadInteractionsTest, StrongestEventAndLastTimeOfEachPairInOrder) {
  const std::string folder =
      (std::filesystem::temp_directory_path() / fmt::format("feedmill_interactions_{}", getpid())).string();
  std::filesystem::create_directories(folder);
  const auto engine = query::OpenEngine({.temporary_directory = folder}).value();
  const auto session = engine->NewSession().value();
  const Status made = session->Execute(
      "CREATE TABLE dwd_user_action AS SELECT u AS user_id, p AS post_id, e AS event_name, CAST(t AS TIMESTAMPTZ) AS "
      "event_time FROM (VALUES "
      "('b', 'y', 'like', '2026-11-01 10:00'), ('b', 'y', 'post_click', '2026-11-01 11:00'), ('a', 'x', 'post_click', "
      "'2026-11-01'), "
      "('a', 'y', 'feed_impression', '2026-11-01'), ('a', NULL, 'like', '2026-11-01'), ('a', 'z', 'like', "
      "'2026-11-02'), "
      "('a', 'w', 'like', '2026-01-01')) v(u, p, e, t)");
  ASSERT_THAT(made, IsOk());
  const auto set = ReadInteractions(*session, TestPlan(), ParseTime("2026-11-02").value());
  ASSERT_THAT(set, IsOk());
  EXPECT_THAT(set->users, ElementsAre("a", "b"));
  EXPECT_THAT(set->posts, ElementsAre("x", "y"));
  ASSERT_EQ(set->interactions.size(), 2u);
  EXPECT_EQ(set->interactions[1].interaction.weight, 3);
  EXPECT_EQ(set->interactions[1].time, ParseTime("2026-11-01T11:00Z").value());
  std::filesystem::remove_all(folder);
}

TEST(ReadInteractionsTest, LittleMemoryLeavesUsersOutAndMoreLeavesOutFewerOfThem) {
  const std::string folder =
      (std::filesystem::temp_directory_path() / fmt::format("feedmill_thinned_{}", getpid())).string();
  std::filesystem::create_directories(folder);
  const auto engine = query::OpenEngine({.temporary_directory = folder}).value();
  const auto session = engine->NewSession().value();
  ASSERT_THAT(session->Execute("CREATE TABLE dwd_user_action AS SELECT 'u' || (i % 4000) AS user_id, 'p' || (i % 700) "
                               "AS post_id, 'like' AS event_name, TIMESTAMPTZ '2026-11-01 10:00:00+00' AS event_time "
                               "FROM range(20000) rows(i)"),
              IsOk());
  AlsPlan plan = TestPlan();
  const auto read = [&](uint64_t memory_bytes) {
    plan.memory_bytes_max = memory_bytes;
    return ReadInteractions(*session, plan, ParseTime("2026-11-02").value()).value();
  };
  const InteractionSet all = read(0), enough = read(1 << 30), half = read(3 << 20), quarter = read(3 << 19);
  EXPECT_EQ(all.users.size(), 4000U);
  EXPECT_EQ(enough.users, all.users);
  EXPECT_EQ(enough.users_share, 1);
  for (const InteractionSet* some : {&half, &quarter}) {
    EXPECT_LT(some->users_share, 0.8);
    EXPECT_NEAR(static_cast<double>(some->users.size()), 4000 * some->users_share, 200);
    // All that a kept user did is there.
    EXPECT_EQ(some->interactions.size(), some->users.size() * 5);
  }
  EXPECT_NEAR(quarter.users_share, half.users_share / 2, 0.01);
  EXPECT_TRUE(std::ranges::includes(half.users, quarter.users));
  const auto result = TrainRecall(half, plan, nullptr);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->notes, testing::Contains(HasSubstr("% of the users")));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace feedmill::train
