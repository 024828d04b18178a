#include "stream/live_state.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/compute.h"
#include "features/legacy_actions_for_test.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using features::Action;
using features::CounterKey;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LiveStateTest : public testing::Test {
 protected:
  void Send(const LogRecord& record) { state_.Apply(record, {0, next_++}); }
  void Send(std::string name, std::string user, Micros time, std::string properties) {
    Send(MakeRecord(std::move(name), std::move(user), time, std::move(properties)));
  }
  EntityHandle User(std::string_view id) const { return state_.FindUser(id); }
  EntityHandle Post(std::string_view id) const { return state_.FindPost(id); }

  features::FeatureSet set_ = TemplateFeatures();
  LiveState state_{set_,
                   {.last_actions_max = 3,
                    .seen_max = 20,
                    .recent_posts_per_author_max = 2,
                    .fresh_posts_max = 3,
                    .told_topics_max = 3}};
  uint64_t next_ = 0;
};

constexpr Micros kT = kWorldStart;

TEST_F(LiveStateTest, FollowsAndHidesAreThereAtOnce) {
  Send("follow", "ann", kT, R"({"target_user_id":"bob"})");
  Send("follow", "ann", kT + 1, R"({"target_user_id":"cid"})");
  Send("unfollow", "ann", kT + 2, R"({"target_user_id":"bob"})");
  Send("follow", "ann", kT + 1, R"({"target_user_id":"bob"})");  // late: older than the unfollow
  EXPECT_THAT(state_.Followees(User("ann")), ElementsAre(User("cid")));
  EXPECT_FALSE(state_.Follows(User("ann"), User("bob")));
  Send("hide", "ann", kT + 3, R"({"post_id":"p1"})");
  Send("report", "ann", kT + 3, R"({"post_id":"p2"})");
  Send("hide", "ann", kT + 4, R"({"target_user_id":"bob"})");
  EXPECT_TRUE(state_.HiddenPost(User("ann"), Post("p1")));
  EXPECT_TRUE(state_.HiddenPost(User("ann"), Post("p2")));
  EXPECT_TRUE(state_.HiddenAuthor(User("ann"), User("bob")));
  EXPECT_FALSE(state_.HiddenAuthor(User("ann"), User("cid")));
  EXPECT_FALSE(state_.HiddenPost(User("bob"), Post("p1")));
}

TEST_F(LiveStateTest, PostsAreKnownByTheirCreation) {
  Send("post_click", "ann", kT, R"({"post_id":"p1","author_id":"eve"})");
  EXPECT_EQ(state_.Post(Post("p1")).created_at, 0);
  EXPECT_EQ(state_.Post(Post("p1")).author, User("eve"));
  Send("post_create", "bob", kT - 5, R"({"post_id":"p1","topic":"cats","text_length":120})");
  const PostInfo& info = state_.Post(Post("p1"));
  EXPECT_EQ(info.author, User("bob"));
  EXPECT_EQ(info.created_at, kT - 5);
  EXPECT_EQ(info.numbers[0], 120);
  EXPECT_EQ(state_.TopicName(info.topic), "cats");
  Send("post_create", "bob", kT + 9, R"({"post_id":"p1","topic":"dogs","text_length":7})");  // a new version
  EXPECT_EQ(info.created_at, kT - 5);
  EXPECT_EQ(state_.TopicName(state_.Post(Post("p1")).topic), "dogs");
  EXPECT_EQ(state_.Post(kNoEntity).created_at, 0);
}

TEST_F(LiveStateTest, ToldTopicsAreThoseOfTheNewestIdentifyThatHasThem) {
  const auto told = [this] {
    std::vector<std::string_view> names;
    for (const EntityHandle topic : state_.ToldTopics(User("ann"))) names.push_back(state_.TopicName(topic));
    return names;
  };
  EXPECT_THAT(told(), IsEmpty()) << "a user never seen";
  Send(MakeIdentify("ann", kT + 5, R"({"country":"DE","topics":["chess","go","chess","",7,"bridge","poker"]})"));
  EXPECT_THAT(told(), ElementsAre("chess", "go", "bridge")) << "at most three here";
  Send(MakeIdentify("ann", kT + 4, R"({"topics":["late"]})"));
  Send(MakeIdentify("ann", kT + 6, R"({"country":"FR"})"));
  Send(MakeIdentify("ann", kT + 6, R"({"topics":"chess"})"));
  EXPECT_THAT(told(), ElementsAre("chess", "go", "bridge"));
  Send(MakeIdentify("ann", kT + 7, R"({"topics":[]})"));
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(LiveStateTest, FreshAndRecentPostsAreNewestFirstAndBounded) {
  for (const char* post : {"p3", "p1", "p4", "p2", "p5"}) {
    Send("post_create", "bob", kT + (post[1] - '0') * kMicrosPerHour,
         fmt::format(R"({{"post_id":"{}","topic":"t"}})", post));
  }
  EXPECT_THAT(state_.FreshPosts(10), ElementsAre(Post("p5"), Post("p4"), Post("p3")));
  EXPECT_THAT(state_.FreshPosts(1), ElementsAre(Post("p5")));
  EXPECT_THAT(state_.RecentPostsOf(User("bob")), ElementsAre(Post("p5"), Post("p4")));
  EXPECT_THAT(state_.RecentPostsOf(User("nobody")), IsEmpty());
}

TEST_F(LiveStateTest, SeenAndLastActions) {
  Send("feed_impression", "ann", kT, R"({"request_id":"r","post_id":"p1"})");
  Send("post_view", "ann", kT, R"({"post_id":"p2"})");
  EXPECT_TRUE(state_.Seen(User("ann"), Post("p1")));
  EXPECT_TRUE(state_.Seen(User("ann"), Post("p2")));
  EXPECT_THAT(state_.LastActions(User("ann")), IsEmpty());
  for (const char* name : {"post_click", "like", "share", "comment"}) Send(name, "ann", kT + 1, R"({"post_id":"p3"})");
  Send("comment", "bob", kT + 1, R"({"post_id":"p3"})");
  EXPECT_TRUE(state_.Seen(User("bob"), Post("p3"))) << "who comments on a post has seen it";
  const auto actions = state_.LastActions(User("ann"));
  ASSERT_EQ(actions.size(), 3U);
  EXPECT_EQ(actions[0].action, features::legacy::kComment);
  EXPECT_EQ(actions[2].action, features::legacy::kLike);
  EXPECT_EQ(actions[2].post, Post("p3"));
}

TEST_F(LiveStateTest, CountersSeeTheActionUnderItsPostsAuthorAndTopic) {
  Send("post_create", "bob", kT, R"({"post_id":"p1","topic":"cats"})");
  Send("like", "ann", kT + 1, R"({"post_id":"p1","author_id":"somebody else"})");
  const int like = features::FindCounter(set_, CounterKey::kUserAuthor, features::legacy::kLike, 30 * kMicrosPerDay);
  const int click = features::FindCounter(set_, CounterKey::kUserTopic, features::legacy::kClick, kMicrosPerDay);
  ASSERT_GE(like, 0);
  ASSERT_GE(click, 0);
  EXPECT_NEAR(state_.counters().Value(like, User("ann"), User("bob"), kT + 2), 1, 1e-9);
  Send("post_click", "ann", kT + 2, R"({"post_id":"p1"})");
  EXPECT_NEAR(state_.counters().Value(click, User("ann"), state_.FindTopic("cats"), kT + 3), 1, 1e-9);
  EXPECT_EQ(state_.AsOf(kT), kT + 3);
  EXPECT_EQ(state_.AsOf(kT + 100), kT + 100);
}

TEST_F(LiveStateTest, WhatIsNotCounted) {
  LogRecord bot = MakeRecord("like", "ann", kT, R"({"post_id":"p1"})");
  bot.event.user_agent = "Mozilla/5.0 (compatible; GoogleBot/2.1)";
  Send(bot);
  LogRecord refused = MakeRecord("like", "ann", kT, R"({"post_id":"p1"})");
  refused.kind = RecordKind::kRejected;
  Send(refused);
  Send("like", "ann", kT, "{broken");
  Send("like", "ann", kT, "[1]");
  Send("search", "ann", kT, R"({"query":"x"})");
  EXPECT_EQ(state_.PostCount(), 0U);
  EXPECT_EQ(state_.counters().NewestTime(), 0);
  const LogRecord once = MakeRecord("like", "ann", kT, R"({"post_id":"p1"})");
  Send(once);
  Send(once);  // a copy that slipped past the collector
  const int likes = features::FindCounter(set_, CounterKey::kPost, features::legacy::kLike, kMicrosPerHour);
  EXPECT_NEAR(state_.counters().Value(likes, Post("p1"), kNoEntity, kT + 1), 1, 1e-6);
  EXPECT_EQ(state_.AppliedOffset(0), next_);
}

TEST_F(LiveStateTest, AnonymousActionsCountForThePostOnly) {
  Send("post_click", "", kT, R"({"post_id":"p1","dwell_ms":"text","topic":7})");
  const int clicks = features::FindCounter(set_, CounterKey::kPost, features::legacy::kClick, kMicrosPerHour);
  EXPECT_NEAR(state_.counters().Value(clicks, Post("p1"), kNoEntity, kT + 1), 1, 1e-6);
  EXPECT_EQ(state_.UserCount(), 0U);
}

// A plain twin: keeps every event and answers by looking through them all.
class SlowTwin {
 public:
  void Apply(const Event& event, const std::string& post, const std::string& target) {
    if (event.name == "post_create") return Create(event, post);
    const Micros time = event.event_time;
    if (event.name == "follow" || event.name == "unfollow") {
      auto& edge = edges_[{event.user_id, target}];
      if (time >= edge.first) edge = {time, event.name == "follow"};
    }
    if (event.name != "follow" && event.name != "unfollow" && !post.empty()) {
      auto& seen = seen_[event.user_id];
      if (std::ranges::find(seen, post) == seen.end()) seen.push_back(post);
    }
    if (event.name == "hide" || event.name == "report") {
      if (!post.empty()) hidden_.insert({event.user_id, post});
      if (!target.empty()) hidden_.insert({event.user_id, "@" + target});
    }
  }
  bool Follows(const std::string& user, const std::string& author) const {
    const auto found = edges_.find({user, author});
    return found != edges_.end() && found->second.second;
  }
  bool Seen(const std::string& user, const std::string& post, size_t max) const {
    const auto found = seen_.find(user);
    if (found == seen_.end()) return false;
    const size_t begin = found->second.size() > max ? found->second.size() - max : 0;
    return std::find(found->second.begin() + static_cast<ptrdiff_t>(begin), found->second.end(), post) !=
           found->second.end();
  }
  bool Hidden(const std::string& user, const std::string& what) const { return hidden_.contains({user, what}); }
  std::vector<std::string> Fresh(size_t count, const std::string& author) const {
    std::vector<std::pair<Micros, std::string>> posts;
    for (const auto& [post, made] : created_) {
      if (author.empty() || made.second == author) posts.emplace_back(made.first, post);
    }
    std::ranges::sort(posts, std::greater());
    std::vector<std::string> names;
    for (size_t i = 0; i < std::min(count, posts.size()); ++i) names.push_back(posts[i].second);
    return names;
  }

 private:
  void Create(const Event& event, const std::string& post) {
    auto& [time, author] = created_.try_emplace(post, event.event_time, event.user_id).first->second;
    if (author == event.user_id) time = std::min(time, event.event_time);
  }
  std::map<std::pair<std::string, std::string>, std::pair<Micros, bool>> edges_;
  std::map<std::string, std::vector<std::string>> seen_;
  std::set<std::pair<std::string, std::string>> hidden_;
  std::map<std::string, std::pair<Micros, std::string>> created_;
};

std::string Between(const std::string& text, const std::string& key) {
  const size_t at = text.find("\"" + key + "\":\"");
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size() + 4;
  return text.substr(begin, text.find('"', begin) - begin);
}

TEST(LiveState, EqualsALookThroughAllEvents) {
  const features::FeatureSet set = TemplateFeatures();
  LiveState state(set, {.seen_max = 1000, .recent_posts_per_author_max = 1000, .fresh_posts_max = 1000});
  SlowTwin twin;
  RandomWorld world(11, {.users = 12, .posts = 40});
  for (uint64_t i = 0; i < 6'000; ++i) {
    const LogRecord record = world.Next();
    state.Apply(record, {0, i});
    const std::string& properties = record.event.properties;
    twin.Apply(record.event, Between(properties, "post_id"), Between(properties, "target_user_id"));
  }
  const auto names = [&](const std::vector<EntityHandle>& posts) {
    std::vector<std::string> texts;
    for (const EntityHandle post : posts) texts.emplace_back(state.PostId(post));
    return texts;
  };
  EXPECT_EQ(names(state.FreshPosts(100)), twin.Fresh(100, ""));
  for (int u = 0; u < 12; ++u) {
    const std::string user = "u" + std::to_string(u);
    EXPECT_EQ(names(state.RecentPostsOf(state.FindUser(user))), twin.Fresh(1000, user));
    for (int p = 0; p < 40; ++p) {
      const std::string post = "p" + std::to_string(p);
      EXPECT_EQ(state.Seen(state.FindUser(user), state.FindPost(post)), twin.Seen(user, post, 1000)) << user << post;
      EXPECT_EQ(state.HiddenPost(state.FindUser(user), state.FindPost(post)), twin.Hidden(user, post));
    }
    for (int v = 0; v < 12; ++v) {
      const std::string other = "u" + std::to_string(v);
      EXPECT_EQ(state.Follows(state.FindUser(user), state.FindUser(other)), twin.Follows(user, other));
      EXPECT_EQ(state.HiddenAuthor(state.FindUser(user), state.FindUser(other)), twin.Hidden(user, "@" + other));
    }
  }
}

class LiveStateCheckpoint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/live_state_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    RandomWorld world(5, {});
    for (uint64_t i = 0; i < 4'000; ++i) records_.push_back({{static_cast<uint32_t>(i % 2), i / 2}, world.Next()});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string BytesOf(const LiveState& state) {
    EXPECT_TRUE(state.WriteCheckpoint(files_, folder_ + "/bytes").has_value());
    return io::ReadWholeFile(files_, folder_ + "/bytes").value();
  }

  io::FileSystem& files_ = io::PosixFileSystem();
  features::FeatureSet set_ = TemplateFeatures();
  LiveStateOptions options_{
      .last_actions_max = 8, .seen_max = 30, .recent_posts_per_author_max = 3, .fresh_posts_max = 50};
  std::string folder_;
  std::vector<LiveState::Positioned> records_;
};

TEST_F(LiveStateCheckpoint, ACopyWritesOneInstantWhileApplyingGoesOn) {
  LiveState state(set_, options_);
  state.ApplyBatch(std::span(records_).first(1'000));
  std::jthread applying([&] {
    for (size_t i = 1'000; i < records_.size(); ++i) state.Apply(records_[i].record, records_[i].position);
  });
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(state.WriteCheckpointInCopy(files_, folder_ + "/copy").has_value());
    LiveState loaded(set_, options_);
    ASSERT_TRUE(loaded.LoadCheckpoint(files_, folder_ + "/copy").has_value());
    LiveState expected(set_, options_);
    expected.ApplyBatch(std::span(records_).first(loaded.AppliedOffset(0) + loaded.AppliedOffset(1)));
    EXPECT_TRUE(BytesOf(loaded) == BytesOf(expected));
  }
  applying.join();
  EXPECT_FALSE(state.WriteCheckpointInCopy(files_, folder_ + "/nowhere/copy").has_value());
}

TEST_F(LiveStateCheckpoint, CheckpointAndTailGiveTheStateFromScratch) {
  LiveState scratch(set_, options_);
  scratch.ApplyBatch(records_);
  const std::string expected = BytesOf(scratch);
  for (const size_t cut : {0U, 1U, 500U, 1'777U, 3'999U, 4'000U}) {
    LiveState before(set_, options_);
    before.ApplyBatch(std::span(records_).first(cut));
    ASSERT_TRUE(before.WriteCheckpoint(files_, folder_ + "/cut").has_value());
    LiveState after(set_, options_);
    auto loaded = after.LoadCheckpoint(files_, folder_ + "/cut");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().ToString();
    EXPECT_EQ(after.AppliedOffset(0), (cut + 1) / 2);
    EXPECT_EQ(after.AppliedOffset(1), cut / 2);
    for (size_t i = cut; i < records_.size(); ++i) after.Apply(records_[i].record, records_[i].position);
    EXPECT_TRUE(BytesOf(after) == expected) << cut;
  }
}

TEST_F(LiveStateCheckpoint, BrokenOrForeignOnesAreRefused) {
  LiveState state(set_, options_);
  state.ApplyBatch(std::span(records_).first(300));
  std::string bytes = BytesOf(state);
  for (size_t at = 0; at < bytes.size(); at += 211) {
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ 0x40);
    ASSERT_TRUE(io::WriteFileAtomically(files_, folder_ + "/broken", broken).has_value());
    const auto loaded = LiveState(set_, options_).LoadCheckpoint(files_, folder_ + "/broken");
    ASSERT_FALSE(loaded.has_value()) << at;
    ASSERT_EQ(loaded.error().kind(), ErrorKind::kCorrupt);
    ASSERT_THAT(loaded.error().message(), HasSubstr(folder_ + "/broken: offset"));
  }
  const auto other =
      features::ParseFeatureSet(
          "a", "[[feature]]\nname=\"a\"\nkind=\"log_count\"\nkey=\"user\"\naction=\"like\"\nhalf_life=\"1h\"\n",
          domain::LegacyDomain())
          .value();
  EXPECT_EQ(LiveState(other, options_).LoadCheckpoint(files_, folder_ + "/bytes").error().kind(),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(state.LoadCheckpoint(files_, folder_ + "/bytes").error().kind(), ErrorKind::kInvalidArgument);
}

// Readers that overlap all the time and a writer that always has work: both go on.
TEST(LiveState, NeitherReadersNorTheWriterStarve) {
  const features::FeatureSet set = TemplateFeatures();
  LiveState state(set, {});
  std::atomic<bool> done{false};
  std::atomic<uint64_t> reads{0};
  std::atomic<bool> torn{false};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto guard = state.Read();
        const size_t users = state.UserCount();
        std::this_thread::sleep_for(std::chrono::microseconds(300));
        torn = torn || users != state.UserCount();
        ++reads;
      }
    });
  }
  RandomWorld world(3, {});
  std::vector<LiveState::Positioned> records;
  for (uint64_t i = 0; i < 6'400; ++i) records.push_back({{0, i}, world.Next()});
  std::jthread writer([&] {
    state.ApplyBatch(records);
    done = true;
  });
  EXPECT_TRUE(state.WaitApplied({0, 6'399}, Deadline::After(60 * kMicrosPerSecond)));
  writer.join();
  readers.clear();
  EXPECT_FALSE(torn);
  EXPECT_GT(reads, 100U);  // 100 batches, and readers go between them
}

TEST(LiveState, WaitAppliedEndsAtTheRecordOrTheDeadline) {
  LiveState state(TemplateFeatures(), {});
  EXPECT_FALSE(state.WaitApplied({0, 0}, Deadline::After(2 * kMicrosPerMilli)));
  std::jthread writer([&] { state.Apply(MakeRecord("like", "a", kWorldStart, R"({"post_id":"p"})"), {0, 0}); });
  EXPECT_TRUE(state.WaitApplied({0, 0}, Deadline::After(30 * kMicrosPerSecond)));
  EXPECT_FALSE(state.WaitApplied({1, 0}, Deadline::After(kMicrosPerMilli)));
}

}  // namespace
}  // namespace feedmill::stream
