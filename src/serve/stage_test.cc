// Stages and channels one by one, over a small world.
#include "serve/stage.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/catalogue_age.h"
#include "serve/pipeline.h"
#include "serve/reason.h"
#include "serve/recall.h"
#include "serve/small_world_fixture.h"
#include "serve/user_vector.h"

namespace feedmill::serve {
namespace {

using features::EntityHandle;
using features::kNoEntity;

class StageTest : public testing::Test {
 protected:
  StageTest() {
    SmallWorldOptions options;
    options.features_folder = FEEDMILL_SOURCE_DIR "/template/features";
    options.bundle_folder =
        std::string(testing::TempDir()) + "stage_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    world_ = std::make_unique<SmallWorld>(options);
    bundle_ = world_->OpenTheBundle();
    std::filesystem::remove_all(options.bundle_folder);  // mapped files live on
    scene_ = LoadScenes(FEEDMILL_SOURCE_DIR "/template/feed", *domain::TemplateDomain())->at("home");
    query_.user_id = "user-3";
    query_.n = 20;
    context_.query = &query_;
    context_.scene = &scene_;
    context_.bundle = bundle_.get();
    context_.state = world_->state.get();
    context_.features_match = true;
    context_.now = world_->clock.Now();
    context_.as_of = context_.state->AsOf(context_.now);
    context_.ages_from = AgesFrom(*context_.state, context_.now);
    context_.random = Random(1);
  }

  // A fresh context for user `id` after the query stage.
  void Begin(const std::string& id) {
    context_.Reset();
    query_.user_id = id;
    trending_ = MakeTrendingList(*context_.state, &world_->features, bundle_.get(), context_.as_of, {});
    context_.trending = &trending_;
    HydrateQuery(&context_);
  }

  std::string PostOf(const Candidate& candidate) const {
    return std::string(context_.state->PostId(candidate.input.post));
  }

  std::unique_ptr<SmallWorld> world_;
  std::shared_ptr<const Bundle> bundle_;
  Scene scene_;
  FeedQuery query_;
  TrendingList trending_;
  FeedContext context_;
};

TEST_F(StageTest, WhatANewcomerToldCountsUntilTheirActionsSpeak) {
  world_->Identify("newcomer", SmallWorld::Topic(2));
  world_->Identify("user-3", SmallWorld::Topic(2));
  Begin("newcomer");
  EXPECT_TRUE(context_.is_newcomer);
  EXPECT_THAT(context_.told_topics, testing::ElementsAre(SmallWorld::Topic(2)));
  EXPECT_THAT(context_.topics, testing::ElementsAre(SmallWorld::Topic(2)));
  Begin("user-3");
  EXPECT_FALSE(context_.is_newcomer);
  EXPECT_THAT(context_.told_topics, testing::IsEmpty());
  query_.topics = {"games"};
  Begin("newcomer");
  EXPECT_THAT(context_.told_topics, testing::ElementsAre("games")) << "the request's own come first";
}

TEST_F(StageTest, WhatIsSupposedLiesOverTheState) {
  const auto suppose = [this](const char* event, const std::string& properties) {
    LogRecord record;
    record.event.type = "track";
    record.event.name = event;
    record.event.properties = properties;
    query_.suppose.push_back(std::move(record));
  };
  Begin("user-3");
  const size_t followed = context_.followees.size();
  const EntityHandle author = context_.followees[0];
  suppose("unfollow", fmt::format(R"({{"target_user_id":"{}"}})", context_.state->UserId(author)));
  suppose("like", R"({"post_id":"post-7"})");
  Begin("user-3");
  EXPECT_EQ(context_.followees.size(), followed - 1);
  EXPECT_FALSE(context_.Follows(author));
  EXPECT_TRUE(context_.state->Follows(context_.user, author));
  EXPECT_EQ(context_.state->PostId(context_.last_actions[0].post), "post-7");
  EXPECT_TRUE(context_.Seen(context_.state->FindPost("post-7")));
  suppose("hide", R"({"target_user_id":"author-1"})");
  Begin("user-3");
  EXPECT_TRUE(context_.Hidden(kNoEntity, context_.state->FindUser("author-1")));
  query_.suppose.clear();
  Begin("user-3");
  EXPECT_TRUE(context_.Follows(author));
  EXPECT_EQ(context_.followees.size(), followed);
}

TEST_F(StageTest, TheQueryKnowsTheUsersTopics) {
  query_.topics = {"games"};
  Begin("user-3");
  EXPECT_NE(context_.user, kNoEntity);
  ASSERT_GE(context_.topics.size(), 2u);
  EXPECT_EQ(context_.topics[0], "games");
  EXPECT_EQ(context_.topics[1], SmallWorld::Topic(3));
  Begin("nobody");
  EXPECT_EQ(context_.user, kNoEntity);
  EXPECT_TRUE(context_.last_actions.empty());
}

TEST_F(StageTest, InNetworkBringsTheFolloweesPostsNewestFirst) {
  Begin("user-3");
  RecallInNetwork({true, 25, 48 * kMicrosPerHour, 500, 0}, &context_);
  HydrateCandidates(&context_);
  const auto& items = context_.candidates.items();
  ASSERT_EQ(items.size(), 25u);
  for (size_t i = 0; i < items.size(); ++i) {
    const Candidate& newer = items[i == 0 ? 0 : i - 1];
    EXPECT_GE(newer.input.created_at, items[i].input.created_at);
    EXPECT_TRUE(items[i].input.follows_author);
    EXPECT_LE(context_.now - items[i].input.created_at, 48 * kMicrosPerHour);
  }
  Begin("nobody");
  EXPECT_FALSE(HasInNetwork(context_));
}

// The five hundred followees ever met first say nothing: of all, those with young posts count.
TEST_F(StageTest, InNetworkLooksAtAllFolloweesByAffinityAndFreshness) {
  const Micros now = world_->clock.Now();
  for (int i = 0; i < 700; ++i) {
    const std::string author = fmt::format("writer-{}", i);
    world_->Send("fan", "follow", fmt::format(R"({{"target_user_id":"{}"}})", author), now - kMicrosPerDay);
    // Those met last write most lately; the first 600 wrote long ago.
    world_->Create(author, "of-" + author, "music",
                   i < 600 ? now - 400 * kMicrosPerHour : now - (1000 - i) * kMicrosPerSecond);
  }
  Begin("fan");
  RecallInNetwork({true, 200, 48 * kMicrosPerHour, 500, 0}, &context_);
  ASSERT_EQ(context_.candidates.items().size(), 100u);
  EXPECT_EQ(PostOf(context_.candidates.items()[0]), "of-writer-699");
  // With room for ten: the one liked, though it wrote first of the hundred, and the nine newest.
  world_->Act("fan", "like", "of-writer-600");
  Begin("fan");
  RecallInNetwork({true, 200, 48 * kMicrosPerHour, 10, 0}, &context_);
  std::set<std::string> posts;
  for (const Candidate& candidate : context_.candidates.items()) posts.insert(PostOf(candidate));
  EXPECT_EQ(posts.size(), 10u);
  EXPECT_TRUE(posts.contains("of-writer-600"));
  for (int i = 691; i < 700; ++i) EXPECT_TRUE(posts.contains(fmt::format("of-writer-{}", i))) << i;
}

TEST_F(StageTest, I2iFollowsTheLastActionsAndSaysWhich) {
  Begin("user-3");
  RecallI2i({true, 40, 0, 20, 0}, &context_);
  ASSERT_FALSE(context_.candidates.items().empty());
  ASSERT_LE(context_.candidates.items().size(), 40u);
  std::set<EntityHandle> acted;
  for (const stream::LastAction& action : context_.last_actions) acted.insert(action.post);
  for (const Candidate& candidate : context_.candidates.items()) EXPECT_TRUE(acted.contains(candidate.because));
  EXPECT_THAT(ReasonFor(context_, context_.candidates.items()[0]), testing::StartsWith("Similar to a post you "));
}

TEST_F(StageTest, U2uBringsTheNightsList) {
  Begin("user-3");
  RecallU2u({true, 5, 0, 0, 0}, &context_);
  const auto list = bundle_->u2u->Get("user-3");
  ASSERT_EQ(context_.candidates.items().size(), 5u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(PostOf(context_.candidates.items()[i]), list[i].id);
}

TEST_F(StageTest, TheVectorFindsTheUsersTopicAlsoForThoseTheNightDidNotKnow) {
  for (const char* name : {"user-3", "newcomer"}) {
    if (std::string(name) == "newcomer") {
      world_->Act("newcomer", "like", "post-3");
      world_->Act("newcomer", "like", "post-23");
      ASSERT_LT(bundle_->users->Find("newcomer"), 0);
    }
    Begin(name);
    RecallVector({true, 30, 0, 20, 0.3}, &context_);
    HydrateCandidates(&context_);
    ASSERT_FALSE(context_.candidates.items().empty()) << name;
    for (size_t i = 0; i < 10; ++i)
      EXPECT_EQ(context_.state->TopicName(context_.candidates.items()[i].input.topic), SmallWorld::Topic(3));
  }
  Begin("nobody");
  EXPECT_TRUE(UserVector(context_, 0.3, 20).empty());
}

TEST_F(StageTest, OfAPostYoungerThanTheBundleTheAuthorsOthersSpeak) {
  world_->Create(SmallWorld::Author(3), "just-made", SmallWorld::Topic(3), world_->clock.Now());
  world_->Create("new-author", "of-a-stranger", SmallWorld::Topic(3), world_->clock.Now());
  ASSERT_LT(bundle_->posts->Find("just-made"), 0);
  world_->Act("newcomer", "like", "just-made");
  world_->Act("guest", "like", "of-a-stranger");
  Begin("newcomer");
  RecallVector({true, 30, 0, 20, 0.3}, &context_);
  HydrateCandidates(&context_);
  ASSERT_FALSE(context_.candidates.items().empty());
  for (size_t i = 0; i < 10; ++i)
    EXPECT_EQ(context_.state->TopicName(context_.candidates.items()[i].input.topic), SmallWorld::Topic(3));
  Begin("guest");
  EXPECT_TRUE(UserVector(context_, 0.3, 20).empty()) << "nothing of the author is known";
}

TEST_F(StageTest, TrendingCountsLiveEngagement) {
  for (int i = 0; i < 50; ++i) world_->Act(SmallWorld::User(i), "share", "post-222");
  Begin("nobody");
  RecallTrending({true, 10, 0, 0, 0}, &context_);
  EXPECT_EQ(PostOf(context_.candidates.items()[0]), "post-222");
}

TEST_F(StageTest, RandomDrawsEvenly) {
  std::map<std::string, int> counts;
  for (int i = 0; i < 600; ++i) {
    Begin("nobody");
    RecallRandom({true, 30, 14 * kMicrosPerDay, 0, 0}, &context_);
    for (const Candidate& candidate : context_.candidates.items()) ++counts[PostOf(candidate)];
  }
  EXPECT_EQ(counts.size(), 300u);  // each is expected 60 times, deviation about 7.3
  for (const auto& [post, count] : counts) EXPECT_NEAR(count, 60, 40) << post;
}

TEST_F(StageTest, TheFilterCountsByRule) {
  query_.exclude = {"post-250", "post-no-such"};
  world_->Act("user-3", "feed_impression", "post-251");
  world_->Act("user-3", "hide", "post-252");
  world_->Act("user-9", "like", "post-never-created");
  Begin("user-3");
  int rank = 0;
  for (const char* post : {"post-250", "post-251", "post-252", "post-never-created", "post-299"}) {
    context_.candidates.Add(Source::kFresh, rank++, context_.state->FindPost(post));
  }
  HydrateCandidates(&context_);
  FilterCandidates(&context_);
  ASSERT_EQ(context_.candidates.items().size(), 1u);
  EXPECT_EQ(PostOf(context_.candidates.items()[0]), "post-299");
  for (FilterRule rule : {FilterRule::kExcluded, FilterRule::kSeen, FilterRule::kHidden, FilterRule::kUnknown}) {
    EXPECT_EQ(context_.filtered[static_cast<size_t>(rule)], 1) << FilterRuleName(rule);
  }
  context_.ages_from += 365 * kMicrosPerDay;
  FilterCandidates(&context_);
  EXPECT_EQ(context_.filtered[static_cast<size_t>(FilterRule::kExpired)], 1);
}

TEST_F(StageTest, ACatalogueThatStandsStillDoesNotExpire) {
  world_->clock.Advance(400 * kMicrosPerDay);
  for (int stray = 0; stray < 5; ++stray)
    world_->Create("author-1", fmt::format("stray-{}", stray), "music", world_->clock.Now());
  context_.now = world_->clock.Now();
  context_.ages_from = AgesFrom(*context_.state, context_.now);
  EXPECT_LT(context_.ages_from, context_.now - 399 * kMicrosPerDay) << "a few new items do not age the others";
  for (const char* scene : {"home", "trending"}) {
    scene_.name = scene;
    Begin("user-3");
    RunStages(&context_);
    EXPECT_EQ(context_.page.size(), 20u) << scene;
    EXPECT_THAT(context_.degraded, testing::Not(testing::Contains(testing::HasSubstr("older than"))));
  }
}

TEST_F(StageTest, WhatIsTooOldIsBetterThanAnEmptyPage) {
  Begin("nobody");
  context_.ages_from += 400 * kMicrosPerDay;
  scene_.fallback = true;
  RunStages(&context_);
  EXPECT_EQ(context_.page.size(), 20u);
  EXPECT_THAT(context_.degraded, testing::Contains("fallback: 20 items older than the scene allows"));
}

TEST_F(StageTest, AnEmptyPageSaysWhy) {
  Begin("nobody");
  context_.ages_from += 400 * kMicrosPerDay;
  scene_.fallback = false;
  RunStages(&context_);
  EXPECT_TRUE(context_.page.empty());
  EXPECT_THAT(context_.degraded, testing::Contains(testing::HasSubstr("empty: every item found was left out: ")));
  EXPECT_THAT(context_.degraded, testing::Contains(testing::HasSubstr(" expired")));
}

TEST_F(StageTest, APageOfTopicsHoldsThemAlone) {
  scene_.filter.topics = true;
  query_.topics = {SmallWorld::Topic(2), "no such topic"};
  Begin("user-3");
  Recall(&context_);
  HydrateCandidates(&context_);
  FilterCandidates(&context_);
  ASSERT_FALSE(context_.candidates.items().empty());
  for (const Candidate& candidate : context_.candidates.items()) {
    EXPECT_EQ(context_.state->TopicName(candidate.input.topic), SmallWorld::Topic(2));
  }
  EXPECT_GT(context_.filtered[static_cast<size_t>(FilterRule::kTopic)], 0);
  query_.topics.clear();  // nothing told: all topics
  Begin("user-3");
  Recall(&context_);
  HydrateCandidates(&context_);
  FilterCandidates(&context_);
  EXPECT_EQ(context_.filtered[static_cast<size_t>(FilterRule::kTopic)], 0);
}

TEST_F(StageTest, ScoresAreTheWeightedCalibratedSum) {
  scene_.rank.weights = {{"like", 10}};
  Begin("user-3");
  Recall(&context_);
  HydrateCandidates(&context_);
  RankCandidates(&context_);
  const size_t width = bundle_->feature_set.features.size();
  for (const Candidate& candidate : context_.candidates.items()) {
    std::vector<float> row(width);
    const features::CandidateInput input = candidate.input;
    features::ComputeFeatures(bundle_->feature_set, context_.state->counters(), context_.user, context_.as_of,
                              {&input, 1}, row);
    double score = 0;
    for (const ActionModel& model : bundle_->actions) {
      double raw = 0;
      model.trees->Score(row, 1, {&raw, 1}, false);
      const double weight = model.action == "like" ? 10 : model.weight;
      score += weight / (1 + std::exp(-(model.slope * raw + model.intercept)));
    }
    EXPECT_NEAR(candidate.score, score, 1e-12);
  }
}

TEST_F(StageTest, TrimKeepsTheBestByRecall) {
  Begin("user-3");
  Recall(&context_);
  HydrateCandidates(&context_);
  std::vector<float> all;
  for (const Candidate& candidate : context_.candidates.items()) all.push_back(candidate.recall);
  std::sort(all.rbegin(), all.rend());
  scene_.rank.candidates_max = 30;
  TrimCandidates(&context_);
  ASSERT_EQ(context_.candidates.items().size(), 30u);
  for (const Candidate& candidate : context_.candidates.items()) EXPECT_GE(candidate.recall, all[29]);
}

TEST_F(StageTest, AShareOfThePageIsFresh) {
  scene_.rerank.fresh_share = 0.5;
  scene_.rerank.fresh_age = 12 * kMicrosPerHour;
  Begin("user-3");
  context_.candidates.Clear();
  RunStages(&context_);
  ASSERT_EQ(context_.page.size(), 20u);
  int young = 0;
  for (const Candidate& candidate : context_.page)
    young += context_.now - candidate.input.created_at <= scene_.rerank.fresh_age;
  EXPECT_GE(young, 9);  // an explored post may have taken one place
}

TEST_F(StageTest, ExplorationTakesItsShareOfPlaces) {
  scene_.rerank.exploration_share = 0.2;
  scene_.rerank.fresh_age = 24 * kMicrosPerHour;
  int explored = 0, places = 0;
  for (int i = 0; i < 60; ++i) {
    Begin(SmallWorld::User(i));
    RunStages(&context_);
    for (const Candidate& candidate : context_.page) explored += candidate.move == Move::kExploration;
    places += static_cast<int>(context_.page.size());
  }
  EXPECT_NEAR(explored / static_cast<double>(places), 0.2, 0.06);
}

TEST_F(StageTest, OtherFeaturesMeanNoRanking) {
  context_.features_match = false;
  Begin("user-3");
  RunStages(&context_);
  EXPECT_EQ(context_.page.size(), 20u);
  EXPECT_THAT(context_.degraded, testing::Contains("rank: the bundle's models know other features"));
  EXPECT_TRUE(context_.probabilities.empty());
}

TEST_F(StageTest, TheTrendingBoardIsRemadeWhenSomethingChanged) {
  TrendingBoard board(&world_->features, {});
  const auto first = board.Current(*context_.state, bundle_.get(), context_.as_of);
  EXPECT_EQ(board.Current(*context_.state, bundle_.get(), context_.as_of), first);
  for (int i = 0; i < 50; ++i) world_->Act(SmallWorld::User(i), "share", "post-111");
  const auto second = board.Current(*context_.state, bundle_.get(), context_.state->AsOf(context_.now));
  ASSERT_NE(second, first);
  EXPECT_EQ(context_.state->PostId(second->best_first[0].post), "post-111");
  EXPECT_FALSE(second->by_topic.empty());
}

TEST_F(StageTest, ABrokenBundleIsRefused) {
  SmallWorldOptions options;
  options.features_folder = FEEDMILL_SOURCE_DIR "/template/features";
  options.bundle_folder = std::string(testing::TempDir()) + "stage_broken";
  const SmallWorld world(options);
  io::FileSystem& files = io::PosixFileSystem();
  ASSERT_TRUE(OpenBundle(files, options.bundle_folder, domain::LegacyDomain()).has_value());
  const std::string model = options.bundle_folder + "/rank_click.model";
  auto text = io::ReadWholeFile(files, model);
  ASSERT_TRUE(text.has_value());
  (*text)[text->size() / 2] ^= 1;
  ASSERT_TRUE(io::WriteFileAtomically(files, model, *text).has_value());
  const auto broken = OpenBundle(files, options.bundle_folder, domain::LegacyDomain());
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(broken.error().message(), testing::HasSubstr("rank_click.model"));
  std::filesystem::remove_all(options.bundle_folder);
}

}  // namespace
}  // namespace feedmill::serve
