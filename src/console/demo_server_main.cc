// A small world in memory behind the real feed service and the real console: what the browser tests talk to, and a way
// to work on the pages without a data folder. Not part of the product. Usage: console_demo_server [--port N] [--scale
// N]
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "base/time_text.h"
#include "console/console_service.h"
#include "io/http_server.h"
#include "serve/feed_service.h"
#include "serve/small_world_fixture.h"

namespace feedmill {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kToken = "demo-token";

// Takes Segment's events the way the collector does and applies them at once.
class Door {
 public:
  static bool Planned(const std::string& name) {
    return std::filesystem::exists(fmt::format("{}/template/events/{}.json", FEEDMILL_SOURCE_DIR, name));
  }

  Door(serve::SmallWorld& world, console::ActivityRing& activity) : world_(world), activity_(activity) {}

  io::HttpResponse Take(const io::HttpRequest& request) {
    const Json body = Json::parse(request.body, nullptr, false);
    io::HttpResponse response;
    if (!body.is_object()) {
      response.status = 400;
      response.body = R"({"error":{"message":"no JSON"}})";
      return response;
    }
    LogPosition last;
    MutexLock lock(mutex_);
    if (body.contains("batch")) {
      for (const Json& event : body["batch"]) last = Apply(event);
    } else {
      last = Apply(body);
    }
    response.body = Json{{"success", true}, {"position", fmt::format("{}:{}", last.partition, last.offset)}}.dump();
    return response;
  }

  int64_t taken() {
    MutexLock lock(mutex_);
    return taken_;
  }

 private:
  LogPosition Apply(const Json& json) FEEDMILL_REQUIRES(mutex_) {
    const Micros now = world_.clock.Now() + ++taken_;
    LogRecord record;
    record.event.message_id = json.value("messageId", "");
    record.event.type = json.value("type", "track");
    record.event.name = json.value("event", "");
    record.event.user_id = json.value("userId", "");
    record.event.event_time = record.event.original_time = record.event.received_time = now;
    record.event.properties =
        json.contains("properties") ? json["properties"].dump() : json.value("traits", Json::object()).dump();
    if (record.event.type == "track" && !Planned(record.event.name)) {
      record.kind = RecordKind::kRejected;
      record.rejection = {fmt::format("found \"{}\", which the tracking plan has not", record.event.name), "event",
                          "unknown_event", json.dump()};
    }
    activity_.Observe(record);
    const LogPosition position{0, world_.log_end()};
    world_.state->Apply(record, position);
    world_.SetLogEnd(position.offset + 1);
    return position;
  }

  serve::SmallWorld& world_;
  console::ActivityRing& activity_;
  Mutex mutex_;
  int64_t taken_ FEEDMILL_GUARDED_BY(mutex_) = 0;
};

std::vector<console::UserRow> FindUsers(const stream::LiveState& state, const std::string& search, int limit) {
  std::vector<console::UserRow> rows;
  const auto guard = state.Read();
  for (features::EntityHandle user : state.UserIds(0, state.UserCount())) {
    const std::string id(state.UserId(user));
    if (std::ssize(rows) >= limit) break;
    const auto actions = state.LastActions(user);
    if (actions.empty() || id.find(search) == std::string::npos) continue;
    rows.push_back({id, std::ssize(state.Followees(user)), std::ssize(actions), actions.front().time});
  }
  return rows;
}

// Two bundles that can change places, and two runs to look at.
struct Records {
  Mutex mutex;
  std::vector<registry::BundleRow> bundles FEEDMILL_GUARDED_BY(mutex);

  registry::Promotion MakeLive(const std::string& id, bool force) {
    MutexLock lock(mutex);
    const auto row = std::find_if(bundles.begin(), bundles.end(), [&](const auto& bundle) { return bundle.id == id; });
    if (row == bundles.end()) return {false, "there is no bundle " + id};
    if (!force && row->metrics.at("ndcg10") < 0.42)
      return {false, "NDCG@10 0.3871 is not above 0.4200 of the live bundle"};
    for (registry::BundleRow& bundle : bundles) {
      if (bundle.state == "live") bundle.state = "former";
    }
    row->state = "live";
    return {true, force ? "forced" : "NDCG@10 is above the live bundle's"};
  }
};

std::vector<console::RunRow> Runs() {
  const Micros start = serve::SmallWorld::kNow - 5 * kMicrosPerHour;
  const auto step = [](const char* name, double seconds, int64_t rows, std::vector<console::CheckRow> checks = {}) {
    return console::StepRow{name, "succeeded", seconds, rows, 1, "", std::move(checks)};
  };
  std::vector<console::StepRow> good = {
      step("dwd_user_action", 4.2, 182'340, {{"RowCount > 1000", true, "182340"}, {"IsUnique event_id", true, "0"}}),
      step("dwd_impression", 6.9, 151'207),
      step("dws_user_daily", 1.1, 3'000),
      step("features.samples", 12.4, 151'207),
      step("train.als", 8.8, 23'000),
      step("train.rank", 21.7, 3),
      step("bundle.build", 2.4, 8)};
  std::vector<console::StepRow> bad = {good[0]};
  bad.push_back({"dwd_impression",
                 "failed",
                 2.1,
                 -1,
                 3,
                 "memory limit of 2 GiB reached",
                 {{"Completeness user_id > 0.999", false, "0.9971"}}});
  bad.push_back({"dws_user_daily", "skipped", 0, -1, 0, "", {}});
  const std::vector<console::LeftOutRow> left_out = {
      {"dwd_user_action",
       "12 rows came too late for 2 intervals from 2026-04-01 on, past the lookback: `feedmill backfill --late` makes "
       "them",
       "feedmill backfill --late --project myapp"}};
  return {{"run-2", "succeeded", start, start + 60 * kMicrosPerSecond, "2026-05-27 .. 2026-05-28", good, left_out},
          {"run-1", "failed", start - kMicrosPerDay, start - kMicrosPerDay + kMicrosPerMinute,
           "2026-05-26 .. 2026-05-27", bad}};
}

Result<std::vector<console::PlannedEvent>> Plan() {
  std::vector<console::PlannedEvent> plan;
  for (const auto& file : std::filesystem::directory_iterator(FEEDMILL_SOURCE_DIR "/template/events")) {
    if (file.path().extension() != ".json") continue;
    FEEDMILL_ASSIGN(std::string schema, io::ReadWholeFile(io::PosixFileSystem(), file.path().string()));
    plan.push_back({file.path().stem().string(), std::move(schema)});
  }
  std::ranges::sort(plan, {}, &console::PlannedEvent::name);
  return plan;
}

Result<std::map<std::string, std::string>> Titles(const std::vector<console::DatedPost>& posts) {
  static constexpr const char* kTitles[] = {"What I learned this week",         "A quiet evening, and a long walk home",
                                            "Three small things that helped",   "Before the rain",
                                            "Notes from the workshop",          "The best mistake I made",
                                            "How we did it the slow way",       "A list I keep coming back to",
                                            "Where to begin when you are late", "Old maps, new roads",
                                            "Questions I get most often",       "One year later"};
  std::map<std::string, std::string> titles;
  for (const console::DatedPost& post : posts) {
    const size_t number = std::hash<std::string>()(post.id);
    if (number % 8 != 0) titles[post.id] = kTitles[number / 8 % std::size(kTitles)];
  }
  return titles;
}

int Option(int argc, char** argv, std::string_view name, int otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == name) return std::atoi(argv[i + 1]);
  }
  return otherwise;
}

template <typename T>
T Must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().ToString());
    std::exit(1);
  }
  return std::move(*result);
}

serve::SmallWorldOptions WorldOptions(int scale) {
  serve::SmallWorldOptions options;
  options.users *= scale;
  options.posts *= scale;
  options.features_folder = FEEDMILL_SOURCE_DIR "/template/features";
  options.bundle_folder = fmt::format("{}/console_demo_{}", std::filesystem::temp_directory_path().string(), getpid());
  return options;
}

registry::BundleRow Bundle(std::string id, std::string state, Micros created_at,
                           std::map<std::string, double> metrics) {
  registry::BundleRow row;
  row.id = std::move(id);
  row.state = std::move(state);
  row.created_at = created_at;
  row.metrics = std::move(metrics);
  return row;
}

constexpr const char* kFormerBundle = "77aa01c9be21f350";

// The small house: world, feed and console, joined as the product joins them.
class Demo {
 public:
  explicit Demo(const serve::SmallWorldOptions& options) : world_(options), door_(world_, activity_) {
    feed_ = MakeFeed();
    bundle_ = world_.OpenTheBundle();
    feed_->SetBundle(bundle_);
    const registry::BundleManifest& live = bundle_->manifest;
    records_.bundles.push_back(Bundle("5e0ffc1d2a9b4c77", "candidate", serve::SmallWorld::kNow - kMicrosPerHour,
                                      {{"ndcg10", 0.3871}, {"auc", 0.688}}));
    records_.bundles.push_back(Bundle(live.id, "live", live.created_at, live.metrics));
    records_.bundles.push_back(
        Bundle(kFormerBundle, "former", serve::SmallWorld::kNow - kMicrosPerDay, {{"ndcg10", 0.4311}, {"auc", 0.702}}));
    console_ = console::MakeConsoleService(Wiring());
  }

  void Handle(io::HttpRequest&& request, io::HttpResponder&& respond) {
    if (request.path == "/v1/track" || request.path == "/v1/batch") return respond(door_.Take(request));
    console_->Handle(std::move(request), std::move(respond));
  }

  void Stop() {
    console_->Stop();
    feed_->Stop();
  }

 private:
  std::unique_ptr<serve::FeedService> MakeFeed() {
    serve::FeedServiceOptions options;
    options.feed_folder = FEEDMILL_SOURCE_DIR "/template/feed";
    serve::FeedServiceWiring wiring;
    wiring.clock = &world_.clock;
    wiring.state = world_.state.get();
    wiring.features = &world_.features;
    wiring.may_read = [](std::string_view key) { return key == "read"; };
    wiring.metrics = &metrics_;
    return Must(serve::MakeFeedService(options, wiring));
  }

  console::ConsoleWiring Wiring() {
    console::ConsoleWiring wiring;
    wiring.may_administer = [](std::string_view token) { return token == kToken; };
    wiring.keys = [] { return console::ConsoleKeys{"read", "write"}; };
    wiring.metrics = &metrics_;
    wiring.activity = &activity_;
    wiring.route = [this](io::HttpRequest&& request, io::HttpResponder&& respond) {
      const bool feed = request.path == "/v1/feed" || request.path.starts_with("/v1/explain/");
      feed ? feed_->Handle(std::move(request), std::move(respond)) : respond(door_.Take(request));
    };
    wiring.state = [this] { return State(); };
    wiring.users = [this](const std::string& search, int limit) -> Result<std::vector<console::UserRow>> {
      return FindUsers(*world_.state, search, limit);
    };
    wiring.plan = [] { return Plan(); };
    wiring.words = {domain::LegacyDomain(), [](std::string_view event, std::string_view property) {
                      return event != "hide" || property == "post_id";
                    }};
    wiring.titles = [](const std::vector<console::DatedPost>& posts) { return Titles(posts); };
    wiring.bundles = [this]() -> Result<std::vector<registry::BundleRow>> {
      MutexLock lock(records_.mutex);
      return records_.bundles;
    };
    wiring.promote = [this](const std::string& id, bool force) -> Result<registry::Promotion> {
      return records_.MakeLive(id, force);
    };
    wiring.rollback = [this]() -> Result<registry::Promotion> { return records_.MakeLive(kFormerBundle, true); };
    wiring.runs = [](int) -> Result<std::vector<console::RunRow>> { return Runs(); };
    return wiring;
  }

  console::StateTiles State() {
    console::StateTiles tiles;
    tiles.now = world_.clock.Now() + door_.taken();
    tiles.clock_driven = true;
    tiles.events_accepted = tiles.events_total = static_cast<int64_t>(world_.log_end());
    tiles.lake_committed_at = tiles.now - 42 * kMicrosPerSecond;
    tiles.live_bundle = bundle_->manifest.id;
    tiles.bundle_created_at = bundle_->manifest.created_at;
    tiles.bundle_metrics = bundle_->manifest.metrics;
    for (const serve::SceneInfo& scene : feed_->scenes()) tiles.scenes.emplace_back(scene.name, scene.description);
    return tiles;
  }

  serve::SmallWorld world_;
  MetricsRegistry metrics_;
  console::ActivityRing activity_;
  Door door_;
  Records records_;
  std::shared_ptr<const serve::Bundle> bundle_;
  std::unique_ptr<serve::FeedService> feed_;
  std::unique_ptr<console::ConsoleService> console_;
};

int Main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const serve::SmallWorldOptions options = WorldOptions(Option(argc, argv, "--scale", 1));
  Demo demo(options);
  io::HttpServerOptions server_options;
  server_options.port = static_cast<uint16_t>(Option(argc, argv, "--port", 0));
  const auto server =
      Must(io::StartHttpServer(server_options, [&](io::HttpRequest&& request, io::HttpResponder&& respond) {
        demo.Handle(std::move(request), std::move(respond));
      }));
  fmt::print("http://127.0.0.1:{}/console/#token={}\n", server->port(), kToken);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server->Stop(kMicrosPerSecond);
  demo.Stop();
  std::filesystem::remove_all(options.bundle_folder);
  return 0;
}

}  // namespace
}  // namespace feedmill

int main(int argc, char** argv) { return feedmill::Main(argc, argv); }
