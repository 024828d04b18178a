// Who was away until nothing of theirs was in memory any more, and comes back, gets the page that they would have got.
#include <future>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/feed_service.h"
#include "serve/small_world_fixture.h"

namespace feedmill::serve {
namespace {

using Json = nlohmann::json;

constexpr int kUsers = 4'000;
constexpr int kReturning = 40;
constexpr uint64_t kBeside = 8 << 20;  // ids of recent events and tables of pages, which cannot be given up
constexpr const char* kScenes[] = {"home", "following", "trending"};

// One app, its state and its service.
class Twin {
 public:
  Twin(const std::string& folder, uint64_t memory_bytes_max) : folder_(folder) {
    SmallWorldOptions options;
    options.users = kUsers;
    options.authors = 400;
    options.posts = 4'000;
    options.features_folder = FEEDMILL_SOURCE_DIR "/template/features";
    options.bundle_folder = folder + "/bundle";
    options.state.memory_bytes_max = memory_bytes_max;
    options.state.cold_folder = folder + "/cold";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(options.state.cold_folder);
    world = std::make_unique<SmallWorld>(options);
    LiveOn();
    FeedServiceOptions serving;
    serving.feed_folder = FEEDMILL_SOURCE_DIR "/template/feed";
    serving.budget = 600 * kMicrosPerSecond;
    serving.threads = 1;
    FeedServiceWiring wiring;
    wiring.clock = &world->clock;
    wiring.state = world->state.get();
    wiring.features = &world->features;
    wiring.may_read = [](std::string_view) { return true; };
    wiring.write_back = [](LogRecord&&) {};
    service_ = *MakeFeedService(serving, wiring);
    service_->SetBundle(world->OpenTheBundle());
  }
  ~Twin() { std::filesystem::remove_all(folder_); }

  // All but what names the request and tells its time.
  Json Feed(int user, const char* scene) {
    io::HttpRequest request;
    request.method = "POST";
    request.path = "/v1/feed";
    request.body = Json{{"user_id", SmallWorld::User(user)}, {"scene", scene}, {"n", 30}, {"debug", true}}.dump();
    request.headers.emplace_back("authorization", "Bearer read");
    std::promise<io::HttpResponse> answered;
    service_->Handle(std::move(request),
                     io::HttpResponder([&](io::HttpResponse&& response) { answered.set_value(std::move(response)); }));
    Json body = Json::parse(answered.get_future().get().body, nullptr, false);
    for (const char* name : {"request_id", "timings_ms"}) body.erase(name);
    for (Json& step : body["funnel"]) step.erase("ms");
    return body;
  }

  std::unique_ptr<SmallWorld> world;

 private:
  // The first users stay away, the others go on.
  void LiveOn() {
    for (int round = 0; round < 6; ++round) {
      for (int user = kReturning; user < kUsers; ++user)
        world->Act(SmallWorld::User(user), round % 2 == 0 ? "like" : "post_click",
                   SmallWorld::Post((user * 7 + round * 31) % 4'000));
      world->clock.Advance(kMicrosPerMinute);
    }
  }

  const std::string folder_;
  std::unique_ptr<FeedService> service_;
};

TEST(EvictedFeed, WhoReturnsGetsThePageOfATwinThatWasNeverEvicted) {
  const std::string folder = testing::TempDir() + "/evicted_feed";
  Twin whole(folder + "/whole", 0);
  const uint64_t memory = whole.world->state->MemoryBytes();
  ASSERT_GT(memory, 2 * kBeside);
  Twin bounded(folder + "/bounded", kBeside + (memory - kBeside) / 4);
  ASSERT_GT(bounded.world->state->ColdBytes(), memory / 4) << "most of it stands in files";
  int items = 0;
  for (int user = 0; user < kReturning; ++user) {
    for (Twin* twin : {&whole, &bounded}) twin->world->Act(SmallWorld::User(user), "like", SmallWorld::Post(user * 3));
    for (const char* scene : kScenes) {
      const Json wanted = whole.Feed(user, scene);
      items += static_cast<int>(wanted["items"].size());
      ASSERT_EQ(bounded.Feed(user, scene).dump(1), wanted.dump(1)) << "user " << user << " in " << scene;
      EXPECT_TRUE(wanted["degraded"].empty()) << wanted["degraded"];
    }
    if (user % 10 == 0) bounded.world->state->TrimMemory();
  }
  EXPECT_GT(items, kReturning * 30);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace feedmill::serve
