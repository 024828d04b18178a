// A live state within a budget is the state without one: what was not touched lately comes back as it was.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/compute.h"
#include "stream/live_state.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

constexpr uint64_t kSlack = 8 << 20;   // a hash table that doubles is there twice for a moment
constexpr uint64_t kBeside = 8 << 20;  // ids of recent events and tables of pages, which cannot be given up

class Eviction : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/eviction_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  LiveStateOptions Within(uint64_t budget) const {
    LiveStateOptions options;
    options.seen_max = 300;
    options.memory_bytes_max = budget;
    options.cold_folder = folder_ + "/cold";
    return options;
  }
  std::string BytesOf(const LiveState& state) {
    EXPECT_TRUE(state.WriteCheckpoint(files_, folder_ + "/bytes").has_value());
    return io::ReadWholeFile(files_, folder_ + "/bytes").value();
  }
  io::FileSystem& files_ = io::PosixFileSystem();
  features::FeatureSet set_ = WithCategories(TemplateFeatures());
  std::string folder_;
};

std::vector<float> FeaturesOf(const features::FeatureSet& set, const LiveState& state, const std::string& user,
                              const std::string& post, Micros now) {
  const auto guard = state.Read();
  const EntityHandle u = state.FindUser(user);
  const EntityHandle p = state.FindPost(post);
  const PostInfo& info = state.Post(p);
  features::CandidateInput candidate{
      p, info.author, info.topic, info.created_at, info.numbers, state.Follows(u, info.author), {}};
  state.FillBuckets(set, &candidate);
  std::vector<float> values(set.features.size());
  features::ComputeFeatures(set, state.counters(), u, state.AsOf(now), {&candidate, 1}, values);
  for (float& value : values) value = value != value ? -1 : value;  // missing
  return values;
}

TEST_F(Eviction, AtAQuarterOfTheMemoryAllThatIsReadIsTheSame) {
  LiveState whole(set_, Within(0));
  RandomWorld world(3, {.users = 3'000, .posts = 6'000, .topics = 40});
  std::vector<LiveState::Positioned> records;
  for (uint64_t i = 0; i < 50'000; ++i) records.push_back({{0, i}, world.Next()});
  whole.ApplyBatch(records);
  const uint64_t budget = kBeside + (whole.MemoryBytes() - kBeside) / 4;
  LiveState bounded(set_, Within(budget));
  for (size_t done = 0; done < records.size(); done += 1000) {
    bounded.ApplyBatch(std::span(records).subspan(done, 1000));
    ASSERT_LE(bounded.MemoryBytes(), budget + kSlack) << done;
  }
  EXPECT_GT(bounded.ColdBytes(), whole.MemoryBytes() / 4);
  Random random(5);
  for (int i = 0; i < 600; ++i) {
    const std::string user = "u" + std::to_string(random.Below(3'000));
    const std::string post = "p" + std::to_string(random.Below(6'000));
    ASSERT_EQ(FeaturesOf(set_, bounded, user, post, world.now()), FeaturesOf(set_, whole, user, post, world.now()))
        << user << " " << post;
    const EntityHandle u = whole.FindUser(user);
    ASSERT_EQ(bounded.FindUser(user), u);
    ASSERT_TRUE(std::ranges::equal(bounded.Followees(u), whole.Followees(u)));
    ASSERT_EQ(bounded.RecentPostsOf(u), whole.RecentPostsOf(u));
    ASSERT_EQ(bounded.Seen(u, whole.FindPost(post)), whole.Seen(u, whole.FindPost(post)));
    ASSERT_EQ(bounded.LastActions(u).size(), whole.LastActions(u).size());
    ASSERT_EQ(bounded.PostField(whole.FindPost(post), 0), whole.PostField(whole.FindPost(post), 0));
    ASSERT_EQ(bounded.UserField(u, 0), whole.UserField(u, 0));
    ASSERT_EQ(bounded.TextsOf(bounded.UserField(u, 0)), whole.TextsOf(whole.UserField(u, 0)));
    if (i % 100 == 0) bounded.TrimMemory();
  }
  EXPECT_TRUE(BytesOf(bounded) == BytesOf(whole));
  ASSERT_TRUE(bounded.WriteCheckpointInCopy(files_, folder_ + "/copy").has_value());
  EXPECT_TRUE(io::ReadWholeFile(files_, folder_ + "/copy").value() == BytesOf(whole));

  LiveState again(set_, Within(budget));
  ASSERT_TRUE(again.LoadCheckpoint(files_, folder_ + "/copy").has_value());
  EXPECT_LE(again.MemoryBytes(), budget + kSlack) << "it starts within the budget";
  EXPECT_TRUE(BytesOf(again) == BytesOf(whole));
  for (uint64_t i = 0; i < 2'000; ++i) {
    const LogRecord record = world.Next();
    for (LiveState* state : {&whole, &bounded, &again}) state->Apply(record, {0, records.size() + i});
  }
  EXPECT_TRUE(BytesOf(again) == BytesOf(whole));
  EXPECT_TRUE(BytesOf(bounded) == BytesOf(whole));
}

TEST_F(Eviction, EventsOfIdsNeverSeenBeforeStayWithinTheBudget) {
  const uint64_t budget = 48 << 20;
  LiveState state(set_, Within(budget));
  std::vector<LiveState::Positioned> batch;
  uint64_t offset = 0;
  uint64_t most = 0;
  for (int round = 0; round < 150; ++round) {
    batch.clear();
    for (int i = 0; i < 1'000; ++i, ++offset) {
      batch.push_back({{0, offset},
                       MakeRecord("like", fmt::format("user-{}", offset), kWorldStart + static_cast<Micros>(offset),
                                  fmt::format(R"({{"post_id":"post-{}","author_id":"author-{}","topic":"topic-{}"}})",
                                              offset, offset, offset))});
    }
    state.ApplyBatch(batch);
    most = std::max(most, state.MemoryBytes());
  }
  EXPECT_LE(most, budget + kSlack);
  EXPECT_EQ(state.UserCount(), 300'000U);
  // Who came first and comes back finds what they left.
  const EntityHandle first = state.FindUser("user-0");
  ASSERT_EQ(state.LastActions(first).size(), 1U);
  EXPECT_EQ(state.PostId(state.LastActions(first)[0].post), "post-0");
  EXPECT_TRUE(state.Seen(first, state.FindPost("post-0")));
}

}  // namespace
}  // namespace feedmill::stream
