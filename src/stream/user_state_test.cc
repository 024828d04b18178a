#include <deque>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "stream/interner_internal.h"
#include "stream/recent_ids_internal.h"
#include "stream/user_state_internal.h"

namespace feedmill::stream {
namespace {

using testing::ElementsAre;

TEST(SeenSet, EqualsAListOfTheNewest) {
  for (const size_t max : {1U, 5U, 16U, 17U, 40U, 300U}) {
    SeenSet seen;
    std::deque<EntityHandle> expected;
    Random random(max);
    for (int i = 0; i < 5'000; ++i) {
      const auto post = static_cast<EntityHandle>(random.Below(max * 3));
      const bool is_there = std::ranges::find(expected, post) != expected.end();
      ASSERT_EQ(seen.Contains(post), is_there) << max << " " << i;
      seen.Add(post, max);
      if (!is_there) expected.push_back(post);
      if (expected.size() > max) expected.pop_front();
      if (i % 500 == 0) {
        ASSERT_EQ(seen.InOrder(), std::vector<EntityHandle>(expected.begin(), expected.end()));
      }
    }
  }
}

TEST(Edges, TheNewestChangeDecidesWhateverTheOrder) {
  struct Change {
    EntityHandle author;
    bool follows;
    Micros time;
  };
  Random random(1);
  std::vector<Change> changes;
  std::map<EntityHandle, Change> newest;
  for (Micros time = 1; time <= 2'000; ++time) {
    changes.push_back({static_cast<EntityHandle>(random.Below(50)), random.Chance(0.6), time});
    newest[changes.back().author] = changes.back();
  }
  random.Shuffle(std::span(changes));
  Edges edges;
  for (const Change& change : changes) edges.Change(change.author, change.follows, change.time);
  std::vector<EntityHandle> expected;
  for (const auto& [author, change] : newest) {
    if (change.follows) expected.push_back(author);
    EXPECT_EQ(edges.Has(author), change.follows);
  }
  EXPECT_TRUE(std::ranges::equal(edges.ends(), expected));
}

TEST(ActionRing, KeepsTheNewestFirst) {
  ActionRing ring;
  for (EntityHandle i = 0; i < 10; ++i)
    ring.Add({i, i + 100, static_cast<features::Action>(i % 8), 1'790'000'000'000'000 + i}, 4);
  const auto actions = ring.NewestFirst();
  ASSERT_EQ(actions.size(), 4U);
  for (EntityHandle i = 0; i < 4; ++i) {
    EXPECT_EQ(actions[i].post, 9 - i);
    EXPECT_EQ(actions[i].author, 109 - i);
    EXPECT_EQ(actions[i].action, static_cast<features::Action>((9 - i) % 8));
    EXPECT_EQ(actions[i].time, 1'790'000'000'000'009 - i);
  }
}

TEST(InsertSorted, KeepsOrderAndOneOfEach) {
  std::vector<EntityHandle> sorted;
  for (const EntityHandle handle : {5U, 1U, 5U, 9U, 1U, 3U}) InsertSorted(handle, &sorted);
  EXPECT_THAT(sorted, ElementsAre(1, 3, 5, 9));
}

TEST(RecentIds, KnowsTheLastGenerationAndForgetsTheOneBeforeTheFormer) {
  RecentIds ids;
  for (uint64_t id = 1; id <= RecentIds::kGeneration; ++id) ASSERT_TRUE(ids.Add(Mix64(id)));
  for (uint64_t id = 1; id <= RecentIds::kGeneration; id += 997) ASSERT_FALSE(ids.Add(Mix64(id)));
  for (uint64_t id = 1; id <= RecentIds::kGeneration; ++id) ASSERT_TRUE(ids.Add(Mix64(id + RecentIds::kGeneration)));
  EXPECT_FALSE(ids.Add(Mix64(1)));                              // the former generation
  EXPECT_TRUE(ids.Add(Mix64(2 * RecentIds::kGeneration + 1)));  // drops it
  EXPECT_TRUE(ids.Add(Mix64(1)));
  EXPECT_FALSE(ids.Add(Mix64(RecentIds::kGeneration + 5)));
}

TEST(Interner, HandlesAreDenseAndNamesComeBack) {
  Interner names;
  Random random(2);
  std::map<std::string, EntityHandle> expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "user-" + std::to_string(random.Below(8'000));
    const auto known = expected.find(name);
    ASSERT_EQ(names.Find(name), known == expected.end() ? kNoEntity : known->second);
    const EntityHandle handle = names.FindOrAdd(name);
    ASSERT_EQ(handle, expected.emplace(name, expected.size()).first->second);
  }
  for (const auto& [name, handle] : expected) ASSERT_EQ(names.Text(handle), name);
}

}  // namespace
}  // namespace feedmill::stream
