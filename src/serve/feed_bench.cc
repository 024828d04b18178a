// Feeds of a small world in process, open loop: time from the intended start of each request to its answer. Prints one
// JSON object. Usage: feed_bench [requests per second] [seconds]
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "base/mutex.h"
#include "serve/feed_service.h"
#include "serve/small_world_fixture.h"

namespace feedmill::serve {
namespace {

struct Figures {
  Mutex mutex;
  std::vector<Micros> latencies FEEDMILL_GUARDED_BY(mutex);
  int failed FEEDMILL_GUARDED_BY(mutex) = 0;
};

std::unique_ptr<FeedService> MakeService(SmallWorld& world, MetricsRegistry* metrics) {
  FeedServiceOptions options;
  options.feed_folder = FEEDMILL_SOURCE_DIR "/template/feed";
  FeedServiceWiring wiring;
  wiring.clock = &world.clock;
  wiring.state = world.state.get();
  wiring.features = &world.features;
  wiring.may_read = [](std::string_view) { return true; };
  wiring.write_back = [](LogRecord&&) {};
  wiring.metrics = metrics;
  auto made = MakeFeedService(options, wiring);
  if (!made) {
    fmt::print(stderr, "{}\n", made.error().ToString());
    std::exit(1);
  }
  return std::move(*made);
}

void Ask(FeedService* service, int user, Micros intended, Figures* figures) {
  io::HttpRequest request;
  request.method = "GET";
  request.path = "/v1/feed";
  request.query = {{"user_id", SmallWorld::User(user)}, {"n", "20"}};
  request.headers = {{"authorization", "Bearer key"}};
  service->Handle(std::move(request), io::HttpResponder([intended, figures](io::HttpResponse&& response) {
                    const Micros took = MonotonicMicros() - intended;
                    MutexLock lock(figures->mutex);
                    figures->latencies.push_back(took);
                    figures->failed += response.status != 200;
                  }));
}

double Quantile(std::vector<Micros>& sorted, double q) {
  return static_cast<double>(sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))]) / kMicrosPerMilli;
}

// Mean milliseconds of each stage, from the histograms.
std::string StageMeans(MetricsRegistry& metrics) {
  std::string text;
  for (const char* stage : {"query", "recall", "hydrate", "filter", "trim", "rank", "order", "rerank"}) {
    const Histogram& histogram =
        metrics.GetHistogram("feedmill_feed_stage_seconds", "Time of one stage", {{"stage", stage}});
    if (histogram.Count() == 0) continue;
    text += fmt::format("{}\"{}\":{:.3f}", text.empty() ? "" : ",", stage,
                        histogram.Sum() * 1000 / static_cast<double>(histogram.Count()));
  }
  return text;
}

int Main(int argc, char** argv) {
  const double rate = argc > 1 ? std::atof(argv[1]) : 200;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 10;
  SmallWorldOptions options;
  options.users = 2000;
  options.authors = 500;
  options.posts = 20'000;
  options.actions_per_user = 30;
  options.follows_per_user = 30;
  options.trees = 300;
  options.features_folder = FEEDMILL_SOURCE_DIR "/template/features";
  options.bundle_folder = fmt::format("{}/feed_bench_{}", std::filesystem::temp_directory_path().string(), getpid());
  SmallWorld world(options);
  MetricsRegistry metrics;
  const auto service = MakeService(world, &metrics);
  service->SetBundle(world.OpenTheBundle());

  std::atomic<bool> stop = false;
  std::thread writer([&] {  // events come in beside: 2,000 a second
    for (int i = 0; !stop; ++i) {
      world.Act(SmallWorld::User(i % options.users), "post_click", SmallWorld::Post(i * 7 % options.posts));
      if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  Figures figures;
  const int requests = static_cast<int>(rate * seconds);
  const Micros start = MonotonicMicros();
  for (int i = 0; i < requests; ++i) {
    const Micros intended = start + static_cast<Micros>(i * (kMicrosPerSecond / rate));
    while (MonotonicMicros() < intended) std::this_thread::sleep_for(std::chrono::microseconds(100));
    Ask(service.get(), i % options.users, intended, &figures);
  }
  service->Stop();
  stop = true;
  writer.join();
  std::filesystem::remove_all(options.bundle_folder);
  const MutexLock lock(figures.mutex);
  std::sort(figures.latencies.begin(), figures.latencies.end());
  fmt::print(
      "{{\"requests\":{},\"failed\":{},\"rate\":{},\"p50_ms\":{:.3f},\"p90_ms\":{:.3f},\"p99_ms\":{:.3f},\"max_ms\":{:."
      "3f},\"stages_ms\":{{{}}}}}\n",
      requests, figures.failed, rate, Quantile(figures.latencies, 0.5), Quantile(figures.latencies, 0.9),
      Quantile(figures.latencies, 0.99), Quantile(figures.latencies, 1), StageMeans(metrics));
  return figures.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace feedmill::serve

int main(int argc, char** argv) { return feedmill::serve::Main(argc, argv); }
