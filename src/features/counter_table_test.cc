#include "features/counter_table.h"
#include "base/matchers.h"
#include "features/legacy_actions_for_test.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill::features {
namespace {

constexpr Micros kStart = 1'790'000'000 * kMicrosPerSecond;
constexpr Micros kHalfLives[] = {kMicrosPerHour, kMicrosPerDay, 7 * kMicrosPerDay, 30 * kMicrosPerDay};

// Every key, action and half-life.
FeatureSet EverySet() {
  FeatureSet set;
  set.domain = domain::LegacyDomain();
  for (int key = 0; key < kCounterKeyCount; ++key) {
    for (const Micros half_life : kHalfLives) {
      for (int action = 0; action < legacy::kActionCount; ++action) {
        set.counters.push_back({static_cast<CounterKey>(key), static_cast<Action>(action), half_life});
      }
    }
  }
  return set;
}

bool Matches(CounterKey key, EntityHandle first, EntityHandle second, const CountedAction& action) {
  switch (key) {
    case CounterKey::kUser:
      return action.user == first;
    case CounterKey::kPost:
      return action.post == first;
    case CounterKey::kAuthor:
      return action.author == first;
    case CounterKey::kUserAuthor:
      return action.user == first && action.author == second;
    case CounterKey::kUserTopic:
      return action.user == first && action.topic == second;
  }
  return false;
}

// The definition, word for word: a loop over all actions.
double BruteForce(const CounterDefinition& counter, EntityHandle first, EntityHandle second, Micros time,
                  std::span<const CountedAction> actions) {
  double sum = 0;
  for (const CountedAction& action : actions) {
    if (action.time >= time || action.action != counter.action || !Matches(counter.key, first, second, action))
      continue;
    sum += action.weight * std::exp2(-static_cast<double>(time - action.time) / static_cast<double>(counter.half_life));
  }
  return sum;
}

CountedAction RandomAction(Random& random, Micros from, Micros until) {
  CountedAction action;
  action.user = static_cast<EntityHandle>(random.Below(12));
  action.post = random.Chance(0.9) ? static_cast<EntityHandle>(random.Below(20)) : kNoEntity;
  action.author = random.Chance(0.95) ? static_cast<EntityHandle>(random.Below(6)) : kNoEntity;
  action.topic = random.Chance(0.9) ? static_cast<EntityHandle>(random.Below(4)) : kNoEntity;
  action.action = static_cast<Action>(random.Below(legacy::kActionCount));
  action.weight = action.action == legacy::kDwellSeconds ? static_cast<float>(random.Below(60'000)) / 1000 : 1.0F;
  action.time = random.Between(from, until);
  return action;
}

// Thousands of instants; actions come up to ten days late and in any order.
TEST(CounterTable, EqualsTheLoopOverAllActionsWhateverTheOrder) {
  const FeatureSet set = EverySet();
  CounterTable table(set);
  Random random(7);
  std::vector<CountedAction> actions;
  Micros now = kStart;
  for (int instant = 0; instant < 3'000; ++instant) {
    now += static_cast<Micros>(random.Exponential(1.5 * static_cast<double>(kMicrosPerHour)));
    const Micros late = random.Chance(0.3) ? 10 * kMicrosPerDay : kMicrosPerHour;
    const CountedAction action = RandomAction(random, now - late, now - 1);
    table.Apply(action);
    actions.push_back(action);
    for (int probe = 0; probe < 4; ++probe) {
      const int index = static_cast<int>(random.Below(set.counters.size()));
      const auto first = static_cast<EntityHandle>(random.Below(12));
      const auto second = static_cast<EntityHandle>(random.Below(6));
      const double expected = BruteForce(set.counters[index], first, second, now, actions);
      ASSERT_NEAR(table.Value(index, first, second, now), expected, expected * 1e-12 + 1e-30)
          << instant << " " << index;
    }
  }
  EXPECT_EQ(table.RowCount(CounterKey::kPost), 20U);
  EXPECT_EQ(table.RowCount(CounterKey::kUserTopic), 12U * 4);
}

TEST(CounterTable, RowHoldsTheCountersOfItsKeyInOrder) {
  const FeatureSet set = EverySet();
  CounterTable table(set);
  Random random(8);
  for (int i = 0; i < 500; ++i) table.Apply(RandomAction(random, kStart, kStart + kMicrosPerDay));
  std::vector<double> row(32);
  ASSERT_TRUE(table.Row(CounterKey::kUserAuthor, 3, 2, kStart + 2 * kMicrosPerDay, row));
  for (int i = 0; i < 32; ++i) EXPECT_EQ(row[i], table.Value(96 + i, 3, 2, kStart + 2 * kMicrosPerDay));
  EXPECT_FALSE(table.Row(CounterKey::kUserAuthor, 3, 99, kStart + 2 * kMicrosPerDay, row));
  EXPECT_THAT(row, testing::Each(0));
}

TEST(CounterTable, ReadsAreNeverOlderThanTheNewestAction) {
  FeatureSet set;
  set.counters = {{CounterKey::kUser, legacy::kClick, kMicrosPerHour}};
  set.domain = domain::LegacyDomain();
  CounterTable table(set);
  EXPECT_EQ(table.NewestTime(), 0);
  table.Apply({.user = 1, .action = legacy::kClick, .time = kStart});
  EXPECT_EQ(table.NewestTime(), kStart);
  EXPECT_EQ(table.LastTime(CounterKey::kUser, 1, kNoEntity, kStart), kStart);
  EXPECT_EQ(table.LastTime(CounterKey::kUser, 2, kNoEntity, kStart), 0);
  const double first = table.Value(0, 1, kNoEntity, kStart + 1);
  EXPECT_EQ(table.Value(0, 1, kNoEntity, kStart - kMicrosPerDay), first);
  EXPECT_NEAR(table.Value(0, 1, kNoEntity, kStart + kMicrosPerHour), 0.5, 1e-15);
  EXPECT_EQ(table.Value(0, kNoEntity, kNoEntity, kStart + 1), 0);
}

// Decades apart: sums neither overflow nor turn into nonsense.
TEST(CounterTable, LongPausesAndVeryLateActions) {
  const FeatureSet set = EverySet();
  CounterTable table(set);
  std::vector<CountedAction> actions;
  for (const Micros time :
       {kStart, kStart + 4000 * kMicrosPerDay, kStart - 4000 * kMicrosPerDay, kStart + 4001 * kMicrosPerDay}) {
    actions.push_back({.user = 1, .post = 1, .author = 1, .topic = 1, .action = legacy::kLike, .time = time});
    table.Apply(actions.back());
  }
  const Micros now = kStart + 4001 * kMicrosPerDay + kMicrosPerHour;
  for (size_t i = 0; i < set.counters.size(); ++i) {
    const double expected = BruteForce(set.counters[i], 1, 1, now, actions);
    EXPECT_NEAR(table.Value(static_cast<int>(i), 1, 1, now), expected, expected * 1e-12);
  }
}

// Keys of the user alone and of the user and an author, remembered for 30 days.
FeatureSet SetWithPairs() {
  FeatureSet set;
  set.counters = {{CounterKey::kUser, legacy::kClick, 30 * kMicrosPerDay},
                  {CounterKey::kUserAuthor, legacy::kClick, 30 * kMicrosPerDay}};
  set.pair_memory_days = 30;
  set.domain = domain::LegacyDomain();
  return set;
}

CountedAction ClickOn(EntityHandle author, Micros time) {
  return {.user = 1, .author = author, .action = legacy::kClick, .time = time};
}

TEST(PairMemory, APairReadsAsNeverSeenAfterItsTime) {
  CounterTable table(SetWithPairs());
  table.Apply(ClickOn(7, kStart));
  const Micros last_known = kStart + 30 * kMicrosPerDay;
  std::vector<double> row(1);
  EXPECT_DOUBLE_EQ(table.Value(1, 1, 7, last_known), 0.5);
  EXPECT_TRUE(table.Row(CounterKey::kUserAuthor, 1, 7, last_known, row));
  EXPECT_EQ(table.LastTime(CounterKey::kUserAuthor, 1, 7, last_known), kStart);
  EXPECT_EQ(table.Value(1, 1, 7, last_known + 1), 0);
  EXPECT_FALSE(table.Row(CounterKey::kUserAuthor, 1, 7, last_known + 1, row));
  EXPECT_THAT(row, testing::ElementsAre(0));
  EXPECT_EQ(table.LastTime(CounterKey::kUserAuthor, 1, 7, last_known + 1), 0);
  EXPECT_GT(table.Value(0, 1, kNoEntity, last_known + 1), 0.49) << "a user is remembered for ever";
}

TEST(PairMemory, AnActionAfterThePauseStartsAnewInEitherOrder) {
  const Micros later = kStart + 31 * kMicrosPerDay;
  for (const auto& times : {std::array{kStart, later}, std::array{later, kStart}}) {
    CounterTable table(SetWithPairs());
    for (const Micros time : times) table.Apply(ClickOn(7, time));
    EXPECT_DOUBLE_EQ(table.Value(1, 1, 7, later + 30 * kMicrosPerDay), 0.5);
    EXPECT_GT(table.Value(0, 1, kNoEntity, later + 30 * kMicrosPerDay), 0.7);
  }
}

// A table that was written and loaded again on the way answers as one that lived on.
TEST(PairMemory, WhatACheckpointLeavesOutShowsNowhere) {
  const FeatureSet set = SetWithPairs();
  CounterTable lived(set);
  CounterTable loaded(set);
  Random random(11);
  Micros now = kStart;
  for (int step = 0; step < 400; ++step) {
    now += random.Between(0, 2 * kMicrosPerDay);
    // Up to a week late.
    const CountedAction action =
        ClickOn(static_cast<EntityHandle>(random.Below(40)), now - random.Between(0, 7 * kMicrosPerDay));
    lived.Apply(action);
    loaded.Apply(action);
    if (step % 50 == 49) {
      std::string bytes;
      loaded.Serialize([&bytes](std::string_view piece) { bytes.append(piece); });
      loaded = CounterTable(set);
      ASSERT_TRUE(loaded.Deserialize(bytes).has_value());
    }
    for (EntityHandle author = 0; author < 40; ++author)
      ASSERT_EQ(loaded.Value(1, 1, author, now), lived.Value(1, 1, author, now)) << step << " " << author;
  }
  EXPECT_LT(loaded.RowCount(CounterKey::kUserAuthor), lived.RowCount(CounterKey::kUserAuthor));
  EXPECT_EQ(loaded.RowCount(CounterKey::kUser), 1U);
}

class CounterTableCheckpoint : public testing::Test {
 protected:
  void SetUp() override {
    Random random(9);
    for (int i = 0; i < 5'000; ++i) table_.Apply(RandomAction(random, kStart, kStart + 40 * kMicrosPerDay));
    table_.Serialize([this](std::string_view piece) { bytes_.append(piece); });
  }
  FeatureSet set_ = EverySet();
  CounterTable table_{set_};
  std::string bytes_;
};

TEST_F(CounterTableCheckpoint, ReadsBackToTheSameBytes) {
  CounterTable copy(set_);
  ASSERT_TRUE(copy.Deserialize(bytes_).has_value());
  std::string again;
  copy.Serialize([&again](std::string_view piece) { again.append(piece); });
  EXPECT_EQ(again, bytes_);
  Random random(10);
  const Micros now = kStart + 50 * kMicrosPerDay;
  for (size_t i = 0; i < set_.counters.size(); ++i) {
    const auto first = static_cast<EntityHandle>(random.Below(12));
    const auto second = static_cast<EntityHandle>(random.Below(4));
    EXPECT_EQ(copy.Value(static_cast<int>(i), first, second, now),
              table_.Value(static_cast<int>(i), first, second, now));
  }
}

// Releases before there was a domain named actions by their places.
TEST_F(CounterTableCheckpoint, ReadsWhatAFormerReleaseWrote) {
  constexpr size_t kDefinitionsAt = 28;
  constexpr size_t kDefinitionBytes = 17;
  std::string former = "FMFTCNT2" + bytes_.substr(8, kDefinitionsAt - 8);
  for (const CounterDefinition& counter : set_.counters) {
    former += static_cast<char>(counter.key);
    former += static_cast<char>(counter.action);
    former.append(reinterpret_cast<const char*>(&counter.half_life), sizeof counter.half_life);
  }
  former += bytes_.substr(kDefinitionsAt + kDefinitionBytes * set_.counters.size());
  CounterTable copy(set_);
  ASSERT_THAT(copy.Deserialize(former), IsOk());
  std::string again;
  (void)copy.Serialize([&again](std::string_view piece) { again.append(piece); });
  EXPECT_EQ(again, bytes_);
}

// Places may move in the domain; names stay.
TEST_F(CounterTableCheckpoint, GoesByNamesOfActions) {
  domain::Domain moved = *domain::LegacyDomain();
  std::ranges::reverse(moved.actions);
  FeatureSet other = set_;
  other.domain = std::make_shared<const domain::Domain>(moved);
  for (CounterDefinition& counter : other.counters) {
    const std::string& name = set_.Of(counter.action).name;
    counter.action = static_cast<Action>(moved.FindAction(name) - moved.actions.data());
  }
  CounterTable copy(other);
  ASSERT_THAT(copy.Deserialize(bytes_), IsOk());
  EXPECT_EQ(copy.Value(3, 1, 1, kStart + 50 * kMicrosPerDay), table_.Value(3, 1, 1, kStart + 50 * kMicrosPerDay));
  EXPECT_THAT(CounterTable(set_).Deserialize(bytes_), IsOk());
  other.counters = set_.counters;  // the same places, other names
  EXPECT_THAT(CounterTable(other).Deserialize(bytes_), IsError(ErrorKind::kInvalidArgument));
}

TEST_F(CounterTableCheckpoint, RefusesOtherDefinitionsAndCutBytes) {
  FeatureSet other = set_;
  std::swap(other.counters[0], other.counters[1]);
  EXPECT_EQ(CounterTable(other).Deserialize(bytes_).error().kind(), ErrorKind::kInvalidArgument);
  for (size_t size = 0; size < bytes_.size(); size += 97) {
    EXPECT_EQ(CounterTable(set_).Deserialize(std::string_view(bytes_).substr(0, size)).error().kind(),
              ErrorKind::kCorrupt)
        << size;
  }
  EXPECT_EQ(CounterTable(set_).Deserialize(bytes_ + "x").error().kind(), ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace feedmill::features
