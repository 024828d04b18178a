// The whole service over a small world, as a customer sees it.
#include "serve/feed_service.h"

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text_encoding.h"
#include "data/feed_request.h"
#include "serve/small_world_fixture.h"

namespace feedmill::serve {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

struct Reply {
  int status = 0;
  Json body;
  std::string text;
};

class FeedServiceTest : public testing::Test {
 protected:
  FeedServiceTest() {
    world_options_.features_folder = FEEDMILL_SOURCE_DIR "/template/features";
    world_options_.bundle_folder = std::string(testing::TempDir()) + "feed_service_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name();
    world_ = std::make_unique<SmallWorld>(world_options_);
    options_.feed_folder = FEEDMILL_SOURCE_DIR "/template/feed";
    Start();
  }
  ~FeedServiceTest() override { std::filesystem::remove_all(world_options_.bundle_folder); }

  void Start() {
    FeedServiceWiring wiring;
    wiring.clock = &world_->clock;
    wiring.state = world_->state.get();
    wiring.features = &world_->features;
    wiring.may_read = [](std::string_view key) { return key == "read"; };
    wiring.write_back = [this](LogRecord&& record) {
      std::lock_guard lock(mutex_);
      written_.push_back(std::move(record));
    };
    wiring.find_old_row = find_old_row_;
    wiring.metrics = &metrics_;
    auto made = MakeFeedService(options_, wiring);
    ASSERT_TRUE(made.has_value()) << made.error().message();
    service_ = std::move(*made);
    service_->SetBundle(world_->OpenTheBundle());
  }

  Reply Send(io::HttpRequest request, const std::string& key = "read") {
    if (!key.empty()) request.headers.emplace_back("authorization", "Bearer " + key);
    std::promise<io::HttpResponse> answered;
    service_->Handle(std::move(request),
                     io::HttpResponder([&](io::HttpResponse&& response) { answered.set_value(std::move(response)); }));
    const io::HttpResponse response = answered.get_future().get();
    return {response.status, Json::parse(response.body, nullptr, false), response.body};
  }

  Reply Ask(const Json& body, const std::string& key = "read") {
    io::HttpRequest request;
    request.method = "POST";
    request.path = "/v1/feed";
    request.body = body.dump();
    return Send(std::move(request), key);
  }

  Reply Get(const std::string& path, const std::string& key = "read") {
    io::HttpRequest request;
    request.method = "GET";
    request.path = path;
    return Send(std::move(request), key);
  }

  static std::vector<std::string> Ids(const Reply& reply) {
    std::vector<std::string> ids;
    for (const Json& item : reply.body["items"]) ids.push_back(item["id"]);
    return ids;
  }

  SmallWorldOptions world_options_;
  std::unique_ptr<SmallWorld> world_;
  FeedServiceOptions options_;
  MetricsRegistry metrics_;
  std::function<Result<std::string>(const std::string&)> find_old_row_;
  std::mutex mutex_;
  std::vector<LogRecord> written_;
  std::unique_ptr<FeedService> service_;
};

TEST_F(FeedServiceTest, AnswersAWholePage) {
  const Reply reply = Ask({{"user_id", "user-3"}, {"n", 10}});
  ASSERT_EQ(reply.status, 200) << reply.text;
  ASSERT_EQ(reply.body["items"].size(), 10u);
  EXPECT_TRUE(reply.body["degraded"].empty()) << reply.text;
  EXPECT_EQ(reply.body["bundle"], service_->bundle()->manifest.id);
  std::set<std::string> ids;
  for (size_t i = 0; i < 10; ++i) {
    const Json& item = reply.body["items"][i];
    EXPECT_EQ(item["position"], i);
    EXPECT_EQ(item["source"], item["sources"][0]);
    EXPECT_FALSE(item["reason"].get<std::string>().empty());
    EXPECT_FALSE(item.contains("features"));
    ids.insert(item["id"].get<std::string>());
  }
  EXPECT_EQ(ids.size(), 10u);
  std::vector<std::string> stages;
  for (const Json& step : reply.body["funnel"]) stages.push_back(step["stage"]);
  for (const char* stage : {"recall.in_network", "recall.i2i", "recall.u2u", "recall.vector", "recall.trending",
                            "recall.fresh", "recall", "filter", "rank", "rerank"}) {
    EXPECT_THAT(stages, Contains(stage));
    EXPECT_TRUE(reply.body["timings_ms"].contains(stage));
  }
}

TEST_F(FeedServiceTest, DebugShowsModelsAndFeatures) {
  const Reply reply = Ask({{"user_id", "user-3"}, {"n", 5}, {"debug", true}});
  const Json& item = reply.body["items"][0];
  ASSERT_TRUE(item.contains("actions")) << reply.text;
  double score = 0;
  for (const auto& [action, part] : item["actions"].items())
    score += part["probability"].get<double>() * part["weight"].get<double>();
  EXPECT_NEAR(score, item["score"].get<double>(), 1e-9);
  EXPECT_EQ(item["features"].size(), world_->features.features.size());
}

TEST_F(FeedServiceTest, NeverShowsSeenHiddenOrOwnPosts) {
  world_->Act("user-3", "feed_impression", "post-290");
  world_->Act("user-3", "hide", "post-291");
  world_->Send("user-3", "hide", R"({"target_user_id":"author-5"})", world_->clock.Now());
  for (const char* scene : {"home", "trending", "following", "random"}) {
    const Reply reply = Ask({{"user_id", "user-3"}, {"scene", scene}, {"n", 100}});
    EXPECT_THAT(Ids(reply), Not(Contains("post-290"))) << scene;
    EXPECT_THAT(Ids(reply), Not(Contains("post-291"))) << scene;
    for (const Json& item : reply.body["items"]) EXPECT_NE(item["author"], "author-5") << scene;
    const Reply own = Ask({{"user_id", "author-7"}, {"scene", scene}, {"n", 100}});
    for (const Json& item : own.body["items"]) EXPECT_NE(item["author"], "author-7") << scene;
  }
}

TEST_F(FeedServiceTest, AFollowChangesTheVeryNextFeed) {
  const Reply before = Ask({{"user_id", "stranger"}, {"scene", "following"}});
  EXPECT_TRUE(before.body["items"].empty());
  const LogPosition position =
      world_->Send("stranger", "follow", R"({"target_user_id":"author-2"})", world_->clock.Now());
  const Reply after =
      Ask({{"user_id", "stranger"}, {"scene", "following"}, {"after", fmt::format("0:{}", position.offset)}});
  ASSERT_FALSE(after.body["items"].empty());
  for (const Json& item : after.body["items"]) {
    EXPECT_EQ(item["author"], "author-2");
    EXPECT_EQ(item["reason"], "You follow author-2");
  }
  world_->Send("stranger", "unfollow", R"({"target_user_id":"author-2"})", world_->clock.Now());
  EXPECT_TRUE(Ask({{"user_id", "stranger"}, {"scene", "following"}}).body["items"].empty());
}

TEST_F(FeedServiceTest, WaitsForTheRecordItIsToldOf) {
  const uint64_t next = world_->log_end();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    world_->Send("late", "follow", R"({"target_user_id":"author-4"})", world_->clock.Now());
  });
  const Reply reply = Ask({{"user_id", "late"}, {"scene", "following"}, {"after", fmt::format("0:{}", next)}});
  later.join();
  EXPECT_FALSE(reply.body["items"].empty());
  EXPECT_TRUE(reply.body["degraded"].empty());
  const Reply never = Ask({{"user_id", "late"}, {"after", "0:99999999"}});
  EXPECT_THAT(never.body["degraded"][0].get<std::string>(), HasSubstr("after: 0:99999999"));
  EXPECT_FALSE(never.body["items"].empty());
}

TEST_F(FeedServiceTest, AListWaitsForTheRecordItIsToldOf) {
  const auto latest = [this](uint64_t offset) {
    io::HttpRequest request;
    request.method = "GET";
    request.path = "/v1/latest/post";
    request.query = {{"n", "1"}, {"after", fmt::format("0:{}", offset)}};
    return Send(std::move(request));
  };
  const uint64_t next = world_->log_end();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    world_->Send("author-1", "post_create", R"({"post_id":"just-now","topic":"a","text_length":1})",
                 world_->clock.Now());
  });
  const Reply reply = latest(next);
  later.join();
  EXPECT_EQ(reply.body["items"][0]["id"], "just-now");
  EXPECT_FALSE(reply.body.contains("degraded"));
  const Reply never = latest(99'999'999);
  EXPECT_EQ(never.body["items"][0]["id"], "just-now");
  EXPECT_EQ(never.body["degraded"], Json::array({"after: 0:99999999 is not applied yet"}));
}

TEST_F(FeedServiceTest, ThoseWhoWaitHoldNobodyUp) {
  options_.budget = 60 * kMicrosPerSecond;
  options_.threads = 1;
  options_.parked_max = 3;
  Start();
  std::atomic<int> answered = 0;
  const auto wait_in_vain = [&] {
    io::HttpRequest request;
    request.method = "GET";
    request.path = "/v1/feed";
    request.query = {{"user_id", "late"}, {"after", "0:99999999"}};
    request.headers.emplace_back("authorization", "Bearer read");
    service_->Handle(std::move(request), io::HttpResponder([&](io::HttpResponse&&) { ++answered; }));
  };
  for (int i = 0; i < 3; ++i) wait_in_vain();
  EXPECT_EQ(Ask({{"user_id", "user-3"}}).status, 200);
  EXPECT_EQ(answered, 0) << "they wait, without the only thread";
  const Reply fourth = Ask({{"user_id", "late"}, {"after", "0:99999999"}});
  EXPECT_THAT(fourth.body["degraded"][0].get<std::string>(), HasSubstr("3 requests wait already"));
  service_->Stop();
  EXPECT_EQ(answered, 3);
}

TEST_F(FeedServiceTest, TheBudgetBeginsWithTheFirstByte) {
  io::HttpRequest request;
  request.method = "GET";
  request.path = "/v1/feed";
  request.query = {{"user_id", "user-3"}};
  request.arrived = MonotonicMicros() - 10 * kMicrosPerSecond;  // it came in slowly, or waited for a thread
  const Reply reply = Send(std::move(request));
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.body["items"].empty());
  EXPECT_FALSE(reply.body["degraded"].empty()) << "nothing is left of its budget";
  EXPECT_GE(metrics_.GetHistogram("feedmill_feed_seconds", "").Sum(), 10.0) << "what the user waited for is measured";
}

TEST_F(FeedServiceTest, ANewUserAndANewPostFindAPlace) {
  const Reply stranger = Ask({{"user_id", "never-seen"}, {"n", 10}, {"context", {{"topics", {"games"}}}}});
  EXPECT_EQ(stranger.body["items"].size(), 10u);
  int games = 0;
  for (const Json& item : stranger.body["items"]) games += item["topic"] == "games";
  EXPECT_GE(games, 4) << stranger.text;
}

TEST_F(FeedServiceTest, APostOneMinuteOldFindsItsReaders) {
  world_->Create("author-1", "brand-new", "cooking", world_->clock.Now() - kMicrosPerMinute);
  EXPECT_EQ(Ids(Ask({{"user_id", "user-1"}, {"scene", "following"}}))[0], "brand-new");
  int shown = 0;
  for (int i = 0; i < 60; ++i) {
    const auto ids =
        Ids(Ask({{"user_id", fmt::format("stranger-{}", i)}, {"n", 40}, {"context", {{"topics", {"cooking"}}}}}));
    shown += std::count(ids.begin(), ids.end(), "brand-new");
  }
  EXPECT_GT(shown, 0);
}

TEST_F(FeedServiceTest, TheSameRequestGivesTheSamePage) {
  for (const char* scene : {"home", "random"}) {
    const Reply first = Ask({{"user_id", "user-9"}, {"scene", scene}, {"n", 30}});
    const Reply second = Ask({{"user_id", "user-9"}, {"scene", scene}, {"n", 30}});
    EXPECT_EQ(Ids(first), Ids(second)) << scene;
    EXPECT_NE(first.body["request_id"], second.body["request_id"]);
  }
  const Reply before = Ask({{"user_id", "user-9"}, {"scene", "random"}, {"n", 30}});
  world_->clock.Advance(kMicrosPerMinute);
  EXPECT_NE(Ids(before), Ids(Ask({{"user_id", "user-9"}, {"scene", "random"}, {"n", 30}})));
}

TEST_F(FeedServiceTest, AnExhaustedBudgetStillAnswersAndSaysWhatIsMissing) {
  options_.budget = 1;
  Start();
  const Reply reply = Ask({{"user_id", "user-3"}, {"n", 10}});
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body["items"].size(), 10u);
  EXPECT_THAT(reply.body["degraded"].dump(), HasSubstr("recall: late"));
  EXPECT_EQ(reply.body["items"][0]["source"], "trending");
  EXPECT_THAT(metrics_.PrometheusText(), HasSubstr("feedmill_feed_degraded_total{part=\"recall\"}"));
}

TEST_F(FeedServiceTest, WithoutABundleItRecallsButDoesNotRank) {
  service_->SetBundle(nullptr);
  const Reply reply = Ask({{"user_id", "user-3"}, {"n", 10}});
  EXPECT_EQ(reply.body["items"].size(), 10u);
  EXPECT_TRUE(reply.body["bundle"].is_null());
  EXPECT_EQ(reply.body["degraded"][0], "rank: no bundle");
}

TEST_F(FeedServiceTest, AuthorCapAndExcludeHold) {
  const Reply reply = Ask({{"user_id", "user-3"}, {"n", 10}});
  std::map<std::string, int> by_author;
  for (const Json& item : reply.body["items"]) ++by_author[item["author"].get<std::string>()];
  for (const auto& [author, count] : by_author) EXPECT_LE(count, 3) << author;  // the cap of 2, and an explored post
  const Reply without = Ask({{"user_id", "user-3"}, {"n", 10}, {"exclude", {Ids(reply)[0]}}});
  EXPECT_THAT(Ids(without), Not(Contains(Ids(reply)[0])));
}

TEST_F(FeedServiceTest, RefusesWithFieldFoundAllowed) {
  EXPECT_EQ(Ask({{"user_id", "a"}}, "").status, 401);
  EXPECT_EQ(Ask({{"user_id", "a"}}, "wrong").status, 401);
  EXPECT_EQ(Get("/v1/explain/x", "").status, 401);
  const Reply scene = Ask({{"user_id", "a"}, {"scene", "nowhere"}});
  EXPECT_EQ(scene.status, 404);
  EXPECT_EQ(scene.body["error"]["found"], "nowhere");
  EXPECT_THAT(scene.body["error"]["allowed"].get<std::string>(), HasSubstr("home"));
  const Reply n = Ask({{"user_id", "a"}, {"n", 1000}});
  EXPECT_EQ(n.status, 400);
  EXPECT_EQ(n.body["error"]["field"], "n");
  io::HttpRequest put;
  put.method = "DELETE";
  put.path = "/v1/feed";
  EXPECT_EQ(Send(put).status, 405);
  EXPECT_EQ(Get("/v1/other").status, 404);
  io::HttpRequest basic;
  basic.method = "GET";
  basic.path = "/v1/feed";
  basic.query = {{"user_id", "user-1"}};
  basic.headers = {{"authorization", "Basic " + Base64Encode("read:")}};
  EXPECT_EQ(Send(basic, "").status, 200);
}

TEST_F(FeedServiceTest, LeavesARowThatExplainReadsBack) {
  const Reply reply = Ask({{"user_id", "user-3"}, {"n", 5}});
  const std::string request_id = reply.body["request_id"];
  const Reply row = Get("/v1/explain/" + request_id);
  ASSERT_EQ(row.status, 200) << row.text;
  ASSERT_EQ(row.body["items"].size(), 5u);
  EXPECT_EQ(row.body["items"][0]["post_id"], reply.body["items"][0]["id"]);
  EXPECT_EQ(row.body["items"][0]["features"].size(), row.body["feature_names"].size());
  EXPECT_EQ(row.body["items"][0]["probabilities"].size(), row.body["actions"].size());
  EXPECT_FALSE(row.body["sampled"].empty());
  std::lock_guard lock(mutex_);
  ASSERT_EQ(written_.size(), 1u);
  EXPECT_EQ(written_[0].kind, RecordKind::kFeedRequest);
  EXPECT_EQ(written_[0].document, row.text);
  const auto read = ParseFeedRequest(row.text);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->request_id, request_id);
  EXPECT_EQ(read->time, world_->clock.Now());
  ASSERT_EQ(read->items.size(), 5u);
  EXPECT_EQ(read->items[4].position, 4);
  EXPECT_EQ(read->items[0].features.size(), read->feature_names.size());
  EXPECT_EQ(read->feature_set, world_->features.hash);
}

TEST_F(FeedServiceTest, ASuppositionChangesThePageAndNothingElse) {
  const Reply before = Ask({{"user_id", "user-3"}, {"n", 10}, {"dry_run", true}});
  const std::string hidden = before.body["items"][2]["id"];
  const std::string author = before.body["items"][2]["author"];
  const Json hide = {{"event", "hide"}, {"properties", {{"post_id", hidden}}}};
  const Reply after = Ask({{"user_id", "user-3"}, {"n", 10}, {"suppose", Json::array({hide})}});
  ASSERT_EQ(after.status, 200) << after.text;
  for (const Json& item : after.body["items"]) EXPECT_NE(item["id"], hidden);
  EXPECT_EQ(Get("/v1/explain/" + after.body["request_id"].get<std::string>()).status, 200);
  const Json follow = {{"event", "follow"}, {"properties", {{"target_user_id", author}}}};
  EXPECT_TRUE(Ask({{"user_id", "stranger"}, {"scene", "following"}, {"dry_run", true}}).body["items"].empty());
  const Reply followed = Ask({{"user_id", "stranger"}, {"scene", "following"}, {"suppose", Json::array({follow})}});
  ASSERT_FALSE(followed.body["items"].empty());
  for (const Json& item : followed.body["items"]) EXPECT_EQ(item["author"], author);
  const Json unfollow = {{"event", "unfollow"}, {"properties", {{"target_user_id", author}}}};
  EXPECT_TRUE(Ask({{"user_id", "stranger"}, {"scene", "following"}, {"suppose", Json::array({follow, unfollow})}})
                  .body["items"]
                  .empty());
  {
    std::lock_guard lock(mutex_);
    EXPECT_TRUE(written_.empty()) << "a dry run leaves no row";
  }
  const Reply again = Ask({{"user_id", "user-3"}, {"n", 10}});
  EXPECT_EQ(again.body["items"][2]["id"], hidden) << "nothing was kept";
  std::lock_guard lock(mutex_);
  EXPECT_EQ(written_.size(), 1u);
}

TEST_F(FeedServiceTest, OldRequestsComeFromTheLakeOrAre404) {
  const Reply gone = Get("/v1/explain/0000");
  EXPECT_EQ(gone.status, 404);
  EXPECT_THAT(gone.body["error"]["allowed"].get<std::string>(), HasSubstr("one of the last 50000 requests"));
  find_old_row_ = [](const std::string& id) -> Result<std::string> {
    return id == "old" ? R"({"request_id":"old"})" : "";
  };
  Start();
  EXPECT_EQ(Get("/v1/explain/old").body["request_id"], "old");
  EXPECT_EQ(Get("/v1/explain/older").status, 404);
}

TEST_F(FeedServiceTest, ABundleIsSwappedUnderLoad) {
  const auto first = world_->OpenTheBundle();
  const auto second = world_->OpenTheBundle();
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    for (int i = 0; !stop; ++i) service_->SetBundle(i % 3 == 0 ? nullptr : i % 3 == 1 ? first : second);
  });
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) world_->Act(SmallWorld::User(i % 60), "post_click", SmallWorld::Post(i % 300));
  });
  std::vector<std::thread> askers;
  for (int thread = 0; thread < 3; ++thread) {
    askers.emplace_back([this, thread] {
      for (int i = 0; i < 40; ++i) {
        const Reply reply = Ask({{"user_id", SmallWorld::User(thread * 17 + i)}, {"n", 10}});
        ASSERT_EQ(reply.status, 200);
        ASSERT_EQ(reply.body["items"].size(), 10u);
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  stop = true;
  swapper.join();
  writer.join();
}

TEST_F(FeedServiceTest, StopsCleanly) {
  service_->Stop();
  service_->Stop();
  EXPECT_EQ(Ask({{"user_id", "user-3"}}).status, 503);
}

}  // namespace
}  // namespace feedmill::serve
