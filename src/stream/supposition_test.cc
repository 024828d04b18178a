#include "stream/supposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What is supposed is what applying the same events would have made of the user's part of the state.
TEST(SuppositionTest, IsWhatApplyingWouldDo) {
  const features::FeatureSet set = TemplateFeatures();
  LiveState state(set, {});
  uint64_t next = 0;
  const auto send = [&](const LogRecord& record) { state.Apply(record, {0, next++}); };
  send(MakeRecord("post_create", "bob", kWorldStart, R"({"post_id":"p1","topic":"art","text_length":5})"));
  send(MakeRecord("post_create", "cid", kWorldStart + 1, R"({"post_id":"p2","topic":"art","text_length":5})"));
  send(MakeRecord("follow", "ann", kWorldStart + 2, R"({"target_user_id":"cid"})"));
  const std::vector<LogRecord> events = {MakeRecord("like", "ann", kWorldStart + 10, R"({"post_id":"p1"})"),
                                         MakeRecord("follow", "ann", kWorldStart + 11, R"({"target_user_id":"bob"})"),
                                         MakeRecord("unfollow", "ann", kWorldStart + 12, R"({"target_user_id":"cid"})"),
                                         MakeRecord("hide", "ann", kWorldStart + 13, R"({"post_id":"p2"})"),
                                         MakeRecord("hide", "ann", kWorldStart + 14, R"({"target_user_id":"cid"})"),
                                         MakeRecord("feed_impression", "ann", kWorldStart + 15, R"({"post_id":"p1"})"),
                                         MakeRecord("like", "ann", kWorldStart + 16, R"({"post_id":"never heard of"})"),
                                         MakeIdentify("ann", kWorldStart + 17, R"({"topics":["art","unknown"]})")};
  const Supposition supposed = Suppose(state, events);
  const EntityHandle bob = state.FindUser("bob"), cid = state.FindUser("cid");
  const EntityHandle p1 = state.FindPost("p1"), p2 = state.FindPost("p2");
  EXPECT_EQ(supposed.follows, (std::map<EntityHandle, bool>{{bob, true}, {cid, false}}));
  EXPECT_THAT(supposed.hidden_posts, ElementsAre(p2));
  EXPECT_THAT(supposed.hidden_authors, ElementsAre(cid));
  EXPECT_THAT(supposed.seen_posts, ElementsAre(p1, p2, p1));
  EXPECT_EQ(state.FindPost("never heard of"), kNoEntity);
  for (const LogRecord& event : events) send(event);
  const EntityHandle ann = state.FindUser("ann");
  std::vector<LastAction> applied = state.LastActions(ann);
  std::erase_if(applied, [&](const LastAction& action) {  // what only the applied state could know
    return action.time == kWorldStart + 2 || action.time == kWorldStart + 16;
  });
  ASSERT_EQ(applied.size(), supposed.actions.size());
  for (size_t i = 0; i < applied.size(); ++i) {
    EXPECT_EQ(applied[i].post, supposed.actions[i].post) << i;
    EXPECT_EQ(applied[i].author, supposed.actions[i].author) << i;
    EXPECT_EQ(applied[i].action, supposed.actions[i].action) << i;
  }
  EXPECT_THAT(state.Followees(ann), ElementsAre(bob));
  EXPECT_TRUE(state.HiddenPost(ann, p2) && state.HiddenAuthor(ann, cid));
  EXPECT_EQ(supposed.told_topics, std::vector{state.FindTopic("art")});
}

TEST(SuppositionTest, NothingFromNothing) {
  const features::FeatureSet set = TemplateFeatures();
  const LiveState state(set, {});
  const std::vector<LogRecord> events = {MakeRecord("like", "ann", kWorldStart, R"({"post_id":"p"})"),
                                         MakeRecord("follow", "ann", kWorldStart, R"({"target_user_id":"b"})"),
                                         MakeRecord("unheard", "ann", kWorldStart, "{}"),
                                         MakeRecord("like", "ann", kWorldStart, "{broken")};
  const Supposition supposed = Suppose(state, events);
  EXPECT_THAT(supposed.actions, IsEmpty());
  EXPECT_THAT(supposed.follows, IsEmpty());
  EXPECT_THAT(supposed.seen_posts, IsEmpty());
}

}  // namespace
}  // namespace feedmill::stream
