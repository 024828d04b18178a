// Versions and removals of items, in whatever order they come.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "stream/live_state.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class VersionsTest : public testing::Test {
 protected:
  void SendTo(LiveState* state, std::string name, std::string user, Micros time, std::string properties) {
    state->Apply(MakeRecord(std::move(name), std::move(user), time, std::move(properties)), {0, next_++});
  }
  void Send(std::string name, std::string user, Micros time, std::string properties) {
    SendTo(&state_, std::move(name), std::move(user), time, std::move(properties));
  }
  EntityHandle User(std::string_view id) const { return state_.FindUser(id); }
  EntityHandle Post(std::string_view id) const { return state_.FindPost(id); }

  features::FeatureSet set_ = TemplateFeatures();
  LiveState state_{set_, {.recent_posts_per_author_max = 2, .fresh_posts_max = 3}};
  uint64_t next_ = 0;
};

constexpr Micros kT = kWorldStart;

TEST_F(VersionsTest, WhatItsAuthorRemovesIsNotNewAnyMoreUntilItIsMadeAgain) {
  const auto removed = [this](std::string_view post) { return state_.Post(Post(post)).removed_at != 0; };
  Send("post_create", "bob", kT, R"({"post_id":"p1","topic":"cats","text_length":1})");
  Send("post_create", "bob", kT + 1, R"({"post_id":"p2","topic":"cats","text_length":1})");
  Send("post_delete", "eve", kT + 2, R"({"post_id":"p1"})");
  EXPECT_FALSE(removed("p1")) << "not by somebody else";
  Send("post_delete", "bob", kT + 3, R"({"post_id":"p1"})");
  EXPECT_TRUE(removed("p1"));
  EXPECT_THAT(state_.FreshPosts(9), ElementsAre(Post("p2")));
  EXPECT_THAT(state_.RecentPostsOf(User("bob")), ElementsAre(Post("p2")));
  Send("post_create", "bob", kT + 2, R"({"post_id":"p1","topic":"cats","text_length":2})");
  EXPECT_TRUE(removed("p1")) << "a version from before";
  Send("post_create", "eve", kT + 4, R"({"post_id":"p1","topic":"cats","text_length":2})");
  EXPECT_TRUE(removed("p1")) << "by somebody else";
  Send("post_create", "bob", kT + 5, R"({"post_id":"p1","topic":"cats","text_length":3})");
  EXPECT_FALSE(removed("p1"));
  EXPECT_THAT(state_.FreshPosts(9), ElementsAre(Post("p2"), Post("p1")));
}

TEST_F(VersionsTest, EarlyRemovalsGoWithTheStateThatTheyAreOf) {
  LiveState healed(set_, {});
  SendTo(&healed, "like", "eve", kT, R"({"post_id":"other"})");
  SendTo(&healed, "post_delete", "bob", kT + 3, R"({"post_id":"p1"})");
  Send("post_delete", "ann", kT + 3, R"({"post_id":"p1"})");
  state_.Become(std::move(healed));
  Send("post_create", "bob", kT, R"({"post_id":"p1","topic":"cats","text_length":1})");
  EXPECT_NE(state_.Post(Post("p1")).removed_at, 0);
}

TEST_F(VersionsTest, ARemovalMayComeBeforeTheCreation) {
  const auto removed = [this](std::string_view post) { return state_.Post(Post(post)).removed_at != 0; };
  Send("post_delete", "bob", kT + 3, R"({"post_id":"p1"})");
  Send("post_create", "bob", kT, R"({"post_id":"p1","topic":"cats","text_length":1})");
  EXPECT_TRUE(removed("p1"));
  EXPECT_THAT(state_.FreshPosts(9), IsEmpty());
  Send("post_delete", "eve", kT + 3, R"({"post_id":"p2"})");
  Send("post_create", "bob", kT, R"({"post_id":"p2","topic":"cats","text_length":1})");
  EXPECT_FALSE(removed("p2")) << "a stranger's";
  Send("post_delete", "bob", kT - 1, R"({"post_id":"p2"})");
  EXPECT_FALSE(removed("p2")) << "older than what there is";
  Send("post_delete", "bob", kT + 3, R"({"post_id":"p3"})");
  Send("post_delete", "eve", kT + 9, R"({"post_id":"p3"})");
  Send("like", "eve", kT + 9, R"({"post_id":"p3","author_id":"eve"})");
  const std::string path = testing::TempDir() + "/removed.ckpt";
  ASSERT_TRUE(state_.WriteCheckpoint(io::PosixFileSystem(), path).has_value());
  LiveState copy(set_, {});
  ASSERT_TRUE(copy.LoadCheckpoint(io::PosixFileSystem(), path).has_value());
  EXPECT_EQ(copy.Post(copy.FindPost("p1")).removed_at, kT + 3);
  EXPECT_EQ(copy.Post(copy.FindPost("p2")).removed_at, 0);
  EXPECT_EQ(copy.Post(copy.FindPost("p2")).numbers[0], 1);
  const EntityHandle p3 = copy.FindPost("p3");
  SendTo(&copy, "post_create", "bob", kT, R"({"post_id":"p3","topic":"cats","text_length":1})");
  EXPECT_EQ(copy.Post(p3).removed_at, kT + 3) << "whoever else said so in between";
}

TEST_F(VersionsTest, OfManyEarlyRemovalsThoseOfItemsFirstHeardOfGo) {
  LiveState state(set_, {.early_removals_max = 2});
  for (const char* post : {"p1", "p2", "p3"})
    SendTo(&state, "post_delete", "bob", kT + 3, fmt::format(R"({{"post_id":"{}"}})", post));
  for (const char* post : {"p1", "p2", "p3"})
    SendTo(&state, "post_create", "bob", kT, fmt::format(R"({{"post_id":"{}","topic":"c","text_length":1}})", post));
  EXPECT_EQ(state.Post(state.FindPost("p1")).removed_at, 0);
  EXPECT_EQ(state.Post(state.FindPost("p2")).removed_at, kT + 3);
  EXPECT_EQ(state.Post(state.FindPost("p3")).removed_at, kT + 3);
}

// A version, a removal and a version by the author, and a stranger who says the same of it: whatever the order in which
// they come after the first creation, it stands as the newest version says.
TEST_F(VersionsTest, VersionsAndRemovalsMayComeInAnyOrder) {
  struct Said {
    const char* event;
    const char* who;
    Micros time;
    int length;
  };
  std::vector<Said> later = {{"post_delete", "bob", kT + 50, 0},
                             {"post_create", "bob", kT + 80, 8},
                             {"post_create", "bob", kT + 20, 2},
                             {"post_create", "eve", kT - 90, 9},
                             {"post_delete", "eve", kT + 90, 0}};
  std::ranges::sort(later, {}, &Said::time);
  do {
    LiveState state(set_, {});
    SendTo(&state, "post_create", "bob", kT, R"({"post_id":"p","topic":"c","text_length":1})");
    for (const Said& said : later)
      SendTo(&state, said.event, said.who, said.time,
             fmt::format(R"({{"post_id":"p","topic":"c","text_length":{}}})", said.length));
    const PostInfo info = state.Post(state.FindPost("p"));
    ASSERT_EQ(state.UserId(info.author), "bob");
    ASSERT_EQ(info.created_at, kT);
    ASSERT_EQ(info.removed_at, 0);
    ASSERT_EQ(info.numbers[0], 8);
    ASSERT_EQ(state.FreshPosts(9).size(), 1);
  } while (
      std::next_permutation(later.begin(), later.end(), [](const Said& a, const Said& b) { return a.time < b.time; }));
}

// By whoever watches over the app; the newest counts, in any order, and the author cannot change it.
TEST_F(VersionsTest, WithdrawalsMayComeInAnyOrder) {
  const features::FeatureSet set = TemplateFeatures();
  std::vector<LogRecord> events = {
      MakeRecord("post_create", "bob", kWorldStart, R"({"post_id":"p","topic":"t","text_length":1})"),
      MakeRecord("post_takedown", "mod", kWorldStart + 1, R"({"post_id":"p"})"),
      MakeRecord("post_restore", "mod", kWorldStart + 2, R"({"post_id":"p"})"),
      MakeRecord("post_takedown", "", kWorldStart + 3, R"({"post_id":"p"})"),
      MakeRecord("post_create", "bob", kWorldStart + 4, R"({"post_id":"p","topic":"t","text_length":2})")};
  std::vector<size_t> order = {0, 1, 2, 3, 4};
  do {
    LiveState state(set, {});
    uint64_t next = 0;
    for (const size_t i : order) state.Apply(events[i], {0, next++});
    EXPECT_EQ(state.WithdrawnAt(state.FindPost("p")), kWorldStart + 3);
    EXPECT_TRUE(state.IsGone(state.FindPost("p")));
    state.Apply(MakeRecord("post_restore", "mod", kWorldStart + 3, R"({"post_id":"p"})"), {0, next++});
    EXPECT_FALSE(state.IsGone(state.FindPost("p"))) << "of one instant, what came later";
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(VersionsTest, WithdrawalsAreKeptAndLearned) {
  const features::FeatureSet set = TemplateFeatures();
  domain::Domain bare = *set.domain;
  for (domain::ItemKind& item : bare.items) item.withdrawn_by = item.restored_by = "";
  features::FeatureSet without = set;
  without.domain = std::make_shared<const domain::Domain>(bare);
  const std::vector<LiveState::Positioned> all = {
      {{0, 0}, MakeRecord("post_create", "bob", kWorldStart, R"({"post_id":"p","topic":"t","text_length":1})")},
      {{0, 1}, MakeRecord("post_takedown", "mod", kWorldStart + 1, R"({"post_id":"p"})")},
      {{0, 2}, MakeRecord("post_takedown", "mod", kWorldStart + 1, R"({"post_id":"not made yet"})")}};
  const std::string path = testing::TempDir() + "/withdrawals.ckpt";
  const auto reloaded = [&](const LiveState& from, const features::FeatureSet& into) {
    EXPECT_THAT(from.WriteCheckpoint(io::PosixFileSystem(), path), IsOk());
    auto state = std::make_unique<LiveState>(into, LiveStateOptions{});
    EXPECT_THAT(state->LoadCheckpoint(io::PosixFileSystem(), path), IsOk());
    return state;
  };
  LiveState early(without, {});
  early.ApplyBatch(all);
  EXPECT_FALSE(early.IsGone(early.FindPost("p")));
  auto late = reloaded(early, set);
  EXPECT_FALSE(late->KnowsHistory());
  late->Learn(all);
  late->SetKnowsHistory();
  for (int time = 0; time < 2; ++time) {
    EXPECT_TRUE(late->KnowsHistory());
    EXPECT_TRUE(late->IsGone(late->FindPost("p")));
    EXPECT_TRUE(late->IsGone(late->FindPost("not made yet")));
    late = reloaded(*late, set);
  }
  domain::Domain moved = *set.domain;
  for (domain::ItemKind& item : moved.items) {
    if (!item.IsUsers()) item.withdrawn_by = "post_delete";
  }
  features::FeatureSet with_other = set;
  with_other.domain = std::make_shared<const domain::Domain>(moved);
  const auto other = reloaded(*late, with_other);
  EXPECT_FALSE(other->KnowsHistory()) << "another event has another past";
  EXPECT_FALSE(other->IsGone(other->FindPost("p")));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace feedmill::stream
