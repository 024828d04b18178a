// Several relations: who follows whom, and those that hide.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "stream/live_state.h"
#include "stream/supposition.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Micros kT = kWorldStart;
constexpr const char* kFollows = "[relation.follows]\nid = \"whom\"\nadd = \"follow\"\nremove = \"unfollow\"\n";
constexpr const char* kBlocks =
    "[relation.blocks]\nid = \"whom\"\nadd = \"block\"\nremove = \"unblock\"\nhides = \"both\"\n";
constexpr const char* kMutes =
    "[relation.mutes]\nid = \"whom\"\nadd = \"mute\"\nremove = \"unmute\"\nhides = \"far\"\n";

features::FeatureSet SetOf(std::string_view relations) {
  const std::string domain = fmt::format(
      "[item.flat]\nid = \"flat\"\nmade_by = \"offered\"\n[item.person]\nid = \"userId\"\n"
      "[action.seen]\nevent = \"seen\"\nshown = true\n{}",
      relations);
  return features::ParseFeatureSet("f.toml", "[[feature]]\nname = \"age\"\nkind = \"age_hours\"\n",
                                   domain::ParseDomain("d.toml", domain).value())
      .value();
}

features::FeatureSet AllThree() { return SetOf(std::string(kFollows) + kBlocks + kMutes); }

LogRecord Of(std::string_view event, std::string_view user, std::string_view whom, Micros time) {
  return MakeRecord(std::string(event), std::string(user), time, fmt::format(R"({{"whom":"{}"}})", whom));
}

bool Hidden(const LiveState& state, std::string_view user, std::string_view author) {
  return state.HiddenAuthor(state.FindUser(user), state.FindUser(author));
}

class RelationsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/relations_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Send(LiveState* state, LogRecord record) { state->Apply(record, {0, next_++}); }

  std::unique_ptr<LiveState> Reloaded(const LiveState& from, const features::FeatureSet& set) {
    EXPECT_THAT(from.WriteCheckpoint(io::PosixFileSystem(), folder_ + "/c"), IsOk());
    auto state = std::make_unique<LiveState>(set, LiveStateOptions{});
    EXPECT_THAT(state->LoadCheckpoint(io::PosixFileSystem(), folder_ + "/c"), IsOk());
    return state;
  }

  std::string folder_;
  uint64_t next_ = 0;
};

TEST_F(RelationsTest, OneHidesTheFarEndOrBoth) {
  LiveState state(AllThree(), {});
  Send(&state, Of("block", "ann", "bob", kT));
  Send(&state, Of("mute", "ann", "cid", kT));
  Send(&state, Of("follow", "ann", "dan", kT));
  EXPECT_TRUE(Hidden(state, "ann", "bob"));
  EXPECT_TRUE(Hidden(state, "bob", "ann"));
  EXPECT_TRUE(Hidden(state, "ann", "cid"));
  EXPECT_FALSE(Hidden(state, "cid", "ann")) << "who is muted does not know";
  EXPECT_FALSE(Hidden(state, "ann", "dan"));
  EXPECT_THAT(state.Followees(state.FindUser("ann")), ElementsAre(state.FindUser("dan")));
  Send(&state, Of("unblock", "bob", "ann", kT + 1));
  EXPECT_TRUE(Hidden(state, "bob", "ann")) << "nobody takes another one's block away";
  Send(&state, Of("block", "bob", "ann", kT + 2));
  Send(&state, Of("unblock", "ann", "bob", kT + 3));
  EXPECT_TRUE(Hidden(state, "ann", "bob")) << "bob's stands";
  Send(&state, Of("unblock", "bob", "ann", kT + 4));
  EXPECT_FALSE(Hidden(state, "ann", "bob"));
  EXPECT_FALSE(Hidden(state, "bob", "ann"));
}

TEST_F(RelationsTest, TheNewestChangeDecidesWhateverTheOrder) {
  LiveState state(AllThree(), {});
  Send(&state, Of("unblock", "ann", "bob", kT + 5));
  Send(&state, Of("block", "ann", "bob", kT));
  EXPECT_FALSE(Hidden(state, "ann", "bob"));
  EXPECT_FALSE(Hidden(state, "bob", "ann"));
  Send(&state, Of("block", "ann", "bob", kT + 5));
  EXPECT_TRUE(Hidden(state, "bob", "ann")) << "of one instant, what came later";
}

// Whom, nobody and oneself.
TEST_F(RelationsTest, EdgesWithoutAnEndAreNone) {
  LiveState state(AllThree(), {});
  Send(&state, MakeRecord("block", "ann", kT, R"({"whom":""})"));
  Send(&state, MakeRecord("block", "ann", kT, R"({"whom":7})"));
  Send(&state, MakeRecord("block", "", kT, R"({"whom":"ann"})"));
  Send(&state, Of("block", "ann", "ann", kT));
  EXPECT_FALSE(Hidden(state, "ann", "bob"));
  EXPECT_TRUE(Hidden(state, "ann", "ann"));
  Send(&state, Of("unblock", "ann", "ann", kT + 1));
  EXPECT_FALSE(Hidden(state, "ann", "ann"));
}

TEST_F(RelationsTest, ACheckpointNamesThem) {
  LiveState state(AllThree(), {});
  Send(&state, Of("block", "ann", "bob", kT));
  Send(&state, Of("mute", "ann", "cid", kT));
  Send(&state, Of("follow", "ann", "dan", kT));
  Send(&state, Of("unblock", "eve", "ann", kT + 9));
  const auto moved = Reloaded(state, SetOf(std::string(kMutes) + kFollows + kBlocks));
  EXPECT_TRUE(moved->KnowsHistory());
  EXPECT_TRUE(Hidden(*moved, "ann", "bob"));
  EXPECT_TRUE(Hidden(*moved, "bob", "ann"));
  EXPECT_TRUE(Hidden(*moved, "ann", "cid"));
  EXPECT_FALSE(Hidden(*moved, "cid", "ann"));
  EXPECT_TRUE(moved->Follows(moved->FindUser("ann"), moved->FindUser("dan")));
  Send(moved.get(), Of("block", "eve", "ann", kT));
  EXPECT_FALSE(Hidden(*moved, "eve", "ann")) << "what was taken away later is kept too";
  const auto without = Reloaded(state, SetOf(kFollows));
  EXPECT_TRUE(without->KnowsHistory());
  EXPECT_FALSE(Hidden(*without, "ann", "bob"));
  const auto again = Reloaded(*without, AllThree());
  EXPECT_FALSE(again->KnowsHistory());
  EXPECT_FALSE(Hidden(*again, "ann", "bob"));
}

// A relation that hides only the far end, and both later: the other half is to be learned.
TEST_F(RelationsTest, WhatHidesMoreThanBeforeIsLearned) {
  const std::string far = std::string(kBlocks).replace(std::string(kBlocks).find("both"), 4, "far");
  LiveState state(SetOf(far), {});
  const std::vector<LiveState::Positioned> all = {{{0, 0}, Of("block", "ann", "bob", kT)}};
  state.ApplyBatch(all);
  EXPECT_FALSE(Hidden(state, "bob", "ann"));
  const auto both = Reloaded(state, SetOf(kBlocks));
  EXPECT_FALSE(both->KnowsHistory());
  EXPECT_TRUE(Hidden(*both, "ann", "bob"));
  both->Learn(all);
  both->SetKnowsHistory();
  EXPECT_TRUE(Hidden(*both, "bob", "ann"));
  const auto less = Reloaded(*both, SetOf(far));
  EXPECT_TRUE(less->KnowsHistory());
  EXPECT_TRUE(Hidden(*less, "ann", "bob"));
  EXPECT_FALSE(Hidden(*less, "bob", "ann"));
}

// Declared later, they are known as if they had been declared at the beginning.
TEST_F(RelationsTest, ThePastIsLearned) {
  const features::FeatureSet set = AllThree(), without = SetOf("");
  Random random(3);
  std::vector<LiveState::Positioned> records;
  const char* const kEvents[] = {"follow", "unfollow", "block", "unblock", "mute", "unmute"};
  for (uint64_t i = 0; i < 6'000; ++i) {
    const std::string user = fmt::format("u{}", random.Below(40)), whom = fmt::format("u{}", random.Below(40));
    const Micros time = kT + static_cast<Micros>(random.Below(500));  // many of one instant
    records.push_back({{0, i}, Of(kEvents[random.Below(6)], user, whom, time)});
  }
  const std::span all(records);
  LiveState scratch(set, {}), early(without, {});
  scratch.ApplyBatch(all);
  early.ApplyBatch(all.first(4'000));
  EXPECT_EQ(early.UserCount(), 0) << "what meant nothing named nobody";
  auto late = Reloaded(early, set);
  EXPECT_FALSE(late->KnowsHistory());
  late->ApplyBatch(all.subspan(4'000, 1'000));
  late->Learn(all.first(2'000));
  late = Reloaded(*late, set);  // stopped half way, it begins again, and is given all that was applied
  late->ApplyBatch(all.subspan(5'000));
  late->Learn(all.first(5'000));
  late->SetKnowsHistory();
  late = Reloaded(*late, set);
  EXPECT_TRUE(late->KnowsHistory());
  int hidden = 0;
  for (const EntityHandle user : scratch.UserIds(0, scratch.UserCount())) {
    for (const EntityHandle other : scratch.UserIds(0, scratch.UserCount())) {
      const auto one = late->FindUser(scratch.UserId(user)), two = late->FindUser(scratch.UserId(other));
      EXPECT_EQ(late->HiddenAuthor(one, two), scratch.HiddenAuthor(user, other));
      EXPECT_EQ(late->Follows(one, two), scratch.Follows(user, other));
      hidden += scratch.HiddenAuthor(user, other);
    }
  }
  EXPECT_GT(hidden, 500);
}

// By their events they are known, not by their names: other events have another past.
TEST_F(RelationsTest, OtherEventsAreAnotherPast) {
  const std::string by_shout =
      "[relation.blocks]\nid = \"whom\"\nadd = \"shout\"\nremove = \"unblock\"\nhides = \"both\"\n"
      "[relation.follows]\nid = \"whom\"\nadd = \"wave\"\n";
  const std::vector<LiveState::Positioned> all = {{{0, 0}, Of("shout", "ann", "bob", kT)},
                                                  {{0, 1}, Of("block", "cid", "dan", kT)},
                                                  {{0, 2}, Of("wave", "ann", "eve", kT)},
                                                  {{0, 3}, Of("follow", "cid", "eve", kT)}};
  LiveState state(SetOf(by_shout), {});
  state.ApplyBatch(all);
  const auto named = Reloaded(state, SetOf(std::string(by_shout).replace(by_shout.find("blocks"), 6, "snubs_")));
  EXPECT_TRUE(named->KnowsHistory()) << "another name is none";
  EXPECT_TRUE(Hidden(*named, "bob", "ann"));
  const auto other = Reloaded(state, SetOf(std::string(kFollows) + kBlocks));
  EXPECT_FALSE(other->KnowsHistory());
  EXPECT_FALSE(Hidden(*other, "ann", "bob"));
  other->Learn(all);
  other->SetKnowsHistory();
  EXPECT_FALSE(Hidden(*other, "bob", "ann"));
  EXPECT_TRUE(Hidden(*other, "dan", "cid"));
  EXPECT_FALSE(other->Follows(other->FindUser("ann"), other->FindUser("eve")));
  EXPECT_TRUE(other->Follows(other->FindUser("cid"), other->FindUser("eve")));
}

TEST_F(RelationsTest, TheyComeBackFromColdFiles) {
  LiveStateOptions options;
  options.memory_bytes_max = 1 << 20;
  options.cold_folder = folder_ + "/cold";
  LiveState state(AllThree(), options);
  for (int i = 0; i < 20'000; ++i) Send(&state, Of("block", fmt::format("a{}", i), fmt::format("b{}", i), kT));
  EXPECT_GT(state.ColdBytes(), 0);
  for (int i = 0; i < 20'000; i += 97) {
    EXPECT_TRUE(Hidden(state, fmt::format("a{}", i), fmt::format("b{}", i)));
    EXPECT_TRUE(Hidden(state, fmt::format("b{}", i), fmt::format("a{}", i)));
    EXPECT_FALSE(Hidden(state, fmt::format("b{}", i), fmt::format("a{}", i + 1)));
  }
}

TEST_F(RelationsTest, OneMayBeSupposed) {
  LiveState state(AllThree(), {});
  Send(&state, Of("follow", "bob", "cid", kT));
  const std::vector<LogRecord> blocks = {Of("block", "ann", "bob", kT), Of("mute", "ann", "cid", kT),
                                         Of("unmute", "ann", "cid", kT + 1)};
  const Supposition supposed = Suppose(state, blocks);
  EXPECT_THAT(supposed.hidden_by_relation, ElementsAre(std::pair(1, state.FindUser("bob"))));
  EXPECT_THAT(supposed.follows, IsEmpty());
}

}  // namespace
}  // namespace feedmill::stream
