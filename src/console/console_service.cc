#include "console/console_service.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "base/secret.h"
#include "base/text_encoding.h"
#include "base/thread_pool.h"
#include "base/time_text.h"
#include "console/act.h"
#include "console/assets.h"
#include "console/console_json.h"
#include "console/live_events.h"
#include "console/sampler.h"

namespace feedmill::console {
namespace {

using Json = nlohmann::json;
using io::HttpRequest;
using io::HttpResponder;
using io::HttpResponse;

constexpr Micros kLiveEvery = 250 * kMicrosPerMilli;
constexpr std::string_view kApi = "/v1/admin/";
constexpr std::string_view kPages = "/console";
constexpr size_t kBodyBytesMax = 1 << 20;  // unpacked
constexpr int kThreads = 2;
constexpr size_t kQueueMax = 256;
constexpr int kLimitDefault = 50;
constexpr int kLimitMax = 500;
constexpr int kRunsDefault = 10;
constexpr size_t kTitlesMax = 200;

HttpResponse Answer(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

int StatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument:
      return 400;
    case ErrorKind::kPermissionDenied:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kConflict:
    case ErrorKind::kAlreadyExists:
      return 409;
    case ErrorKind::kUnavailable:
    case ErrorKind::kResourceExhausted:
    case ErrorKind::kDeadlineExceeded:
      return 503;
    default:
      return 500;
  }
}

HttpResponse AnswerError(const Error& error) { return Answer(StatusOf(error.kind()), ErrorJson(error.message())); }
HttpResponse NotWired(std::string_view what) {
  return Answer(501, ErrorJson(fmt::format("{} is not part of this server's roles", what)));
}

template <typename T, typename ToJson>
HttpResponse AnswerResult(const Result<T>& result, ToJson to_json) {
  return result ? Answer(200, to_json(*result)) : AnswerError(result.error());
}

int LimitOf(const HttpRequest& request, int otherwise) {
  const std::string_view text = request.Query("limit");
  int limit = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), limit);
  return std::clamp(limit, 1, kLimitMax);
}

uint64_t NumberOf(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<std::vector<DatedPost>> ReadPosts(const std::string& body) {
  const Json document = Json::parse(body, nullptr, false);
  const auto allowed = [] {
    return InvalidArgument(
        "body: allowed: {{\"posts\": [1 to {} of {{\"id\": \"p1\", \"created_at\": \"2026-01-31T12:00:00Z\"}}]}}",
        kTitlesMax);
  };
  if (!document.is_object() || !document.contains("posts") || !document["posts"].is_array()) return allowed();
  const Json& list = document["posts"];
  if (list.empty() || list.size() > kTitlesMax) return allowed();
  std::vector<DatedPost> posts;
  for (const Json& post : list) {
    const bool good = post.is_object() && post.contains("id") && post["id"].is_string() &&
                      post.contains("created_at") && post["created_at"].is_string();
    if (!good) return allowed();
    DatedPost& dated = posts.emplace_back();
    dated.id = post["id"].get<std::string>();
    FEEDMILL_ASSIGN(dated.created_at, ParseTime(post["created_at"].get<std::string>()));
  }
  return posts;
}

class ConsoleServiceImpl final : public ConsoleService {
 public:
  explicit ConsoleServiceImpl(ConsoleWiring wiring)
      : wiring_(std::move(wiring)),
        sampler_([this] { return ReadTotals(); }, FeedSeconds(wiring_)),
        pool_(std::make_unique<ThreadPool>(kThreads, kQueueMax)) {
    if (wiring_.activity != nullptr) live_ = std::make_unique<LiveEvents>(*wiring_.activity, kLiveEvery);
    sampler_.Start();
  }
  ~ConsoleServiceImpl() override { Stop(); }

  void Handle(HttpRequest&& request, HttpResponder&& respond) override;
  void Stop() override;

 private:
  using Route = HttpResponse (ConsoleServiceImpl::*)(const HttpRequest&);
  struct Endpoint {
    std::string_view method;
    std::string_view name;
    Route route;
  };
  static std::span<const Endpoint> Endpoints();

  static const Histogram* FeedSeconds(const ConsoleWiring& wiring) {
    if (wiring.metrics == nullptr) return nullptr;
    return &wiring.metrics->GetHistogram("feedmill_feed_seconds", "Time from a feed request's arrival to its answer");
  }
  Totals ReadTotals() const {
    if (!wiring_.state) return {};
    const StateTiles tiles = wiring_.state();
    return {tiles.events_accepted, tiles.log_lag_records};
  }

  bool Allowed(const HttpRequest& request) const;
  void Api(HttpRequest&& request, HttpResponder&& respond);
  HttpResponse Run(const HttpRequest& request);
  // Passes a request on to the server's own front door with the console's keys.
  bool Forward(HttpRequest* request, HttpResponder* respond);
  void Act(HttpRequest&& request, HttpResponder&& respond);

  HttpResponse State(const HttpRequest&);
  HttpResponse Users(const HttpRequest& request);
  HttpResponse Events(const HttpRequest& request);
  HttpResponse EventsLive(const HttpRequest& request);
  HttpResponse Plan(const HttpRequest&);
  HttpResponse Keys(const HttpRequest&);
  HttpResponse Titles(const HttpRequest& request);
  HttpResponse Bundles(const HttpRequest&);
  HttpResponse Promote(const HttpRequest& request);
  HttpResponse Rollback(const HttpRequest&);
  HttpResponse Runs(const HttpRequest& request);
  HttpResponse ServerStatus(const HttpRequest&);
  HttpResponse Land(const HttpRequest&);
  HttpResponse ReadClock(const HttpRequest&);
  HttpResponse SetClock(const HttpRequest& request);

  const ConsoleWiring wiring_;
  Sampler sampler_;
  std::unique_ptr<LiveEvents> live_;  // null without activity
  Mutex pool_mutex_;
  std::unique_ptr<ThreadPool> pool_ FEEDMILL_GUARDED_BY(pool_mutex_);  // null once stopped
};

std::span<const ConsoleServiceImpl::Endpoint> ConsoleServiceImpl::Endpoints() {
  static constexpr Endpoint kEndpoints[] = {
      {"GET", "state", &ConsoleServiceImpl::State},
      {"GET", "users", &ConsoleServiceImpl::Users},
      {"GET", "events", &ConsoleServiceImpl::Events},
      {"GET", "events/live", &ConsoleServiceImpl::EventsLive},
      {"GET", "plan", &ConsoleServiceImpl::Plan},
      {"GET", "keys", &ConsoleServiceImpl::Keys},
      {"POST", "titles", &ConsoleServiceImpl::Titles},
      {"GET", "bundles", &ConsoleServiceImpl::Bundles},
      {"POST", "bundle/promote", &ConsoleServiceImpl::Promote},
      {"POST", "bundle/rollback", &ConsoleServiceImpl::Rollback},
      {"GET", "runs", &ConsoleServiceImpl::Runs},
      {"GET", "status", &ConsoleServiceImpl::ServerStatus},
      {"POST", "land", &ConsoleServiceImpl::Land},
      {"GET", "clock", &ConsoleServiceImpl::ReadClock},
      {"POST", "clock", &ConsoleServiceImpl::SetClock},
  };
  return kEndpoints;
}

bool ConsoleServiceImpl::Allowed(const HttpRequest& request) const {
  return wiring_.may_administer && wiring_.may_administer(request.Credentials("bearer"));
}

void ConsoleServiceImpl::Handle(HttpRequest&& request, HttpResponder&& respond) {
  if (request.path.starts_with(kApi)) return Api(std::move(request), std::move(respond));
  if (request.path == kPages || request.path.starts_with("/console/")) return respond(AnswerAsset(request, Assets()));
  respond(Answer(404, ErrorJson("there is no such page")));
}

void ConsoleServiceImpl::Api(HttpRequest&& request, HttpResponder&& respond) {
  if (!Allowed(request)) {
    HttpResponse refused = Answer(401, ErrorJson("the admin token is needed: Authorization: Bearer <token>"));
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"feedmill admin\"");
    return respond(std::move(refused));
  }
  if (const Status unpacked = io::UnpackBody(&request, kBodyBytesMax); !unpacked) {
    const int status = unpacked.error().kind() == ErrorKind::kResourceExhausted ? 413 : 400;
    return respond(Answer(status, ErrorJson(unpacked.error().message())));
  }
  if (Forward(&request, &respond)) return;
  auto asked = std::make_shared<std::pair<HttpRequest, HttpResponder>>(std::move(request), std::move(respond));
  MutexLock lock(pool_mutex_);
  const bool taken = pool_ != nullptr && pool_->Submit([this, asked] { asked->second(Run(asked->first)); });
  if (!taken) asked->second(Answer(503, ErrorJson("the console is busy or stopping")));
}

bool ConsoleServiceImpl::Forward(HttpRequest* request, HttpResponder* respond) {
  const std::string name = request->path.substr(kApi.size());
  const bool feed = name == "feed" || name.starts_with("explain/");
  if (!feed && name != "act") return false;
  const auto feed_body = [&name, this](const HttpRequest& asked) -> Result<std::string> {
    return name == "feed" ? SupposeActs(wiring_.words, asked.body) : asked.body;
  };
  if (!wiring_.route) {
    (*respond)(NotWired("the playground"));
  } else if (name == "act") {
    Act(std::move(*request), std::move(*respond));
  } else if (Result<std::string> body = feed_body(*request); !body) {
    (*respond)(AnswerError(body.error()));
  } else {
    request->body = std::move(*body);
    request->path = "/v1/" + name;
    std::erase_if(request->headers, [](const auto& header) { return header.first == "authorization"; });
    request->headers.emplace_back("authorization", "Bearer " + wiring_.keys().read);
    wiring_.route(std::move(*request), std::move(*respond));
  }
  return true;
}

void ConsoleServiceImpl::Act(HttpRequest&& request, HttpResponder&& respond) {
  if (request.method != "POST")
    return respond(Answer(405, ErrorJson("act: found " + request.method + ", allowed: POST")));
  Result<ActedEvent> acted = MakeActedEvent(wiring_.words, request.body, "console-" + NewSecret());
  if (!acted) return respond(AnswerError(acted.error()));
  HttpRequest event;
  event.method = "POST";
  event.path = acted->path;
  event.body = std::move(acted->body);
  event.remote_address = request.remote_address;
  event.headers = {{"content-type", "application/json"},
                   {"authorization", "Basic " + Base64Encode(wiring_.keys().write + ":")}};
  wiring_.route(std::move(event), std::move(respond));
}

HttpResponse ConsoleServiceImpl::Run(const HttpRequest& request) {
  const std::string_view name = std::string_view(request.path).substr(kApi.size());
  std::string names, methods;
  for (const Endpoint& endpoint : Endpoints()) {
    if (endpoint.name == name && endpoint.method == request.method) return (this->*endpoint.route)(request);
    if (endpoint.name == name) methods += (methods.empty() ? "" : ", ") + std::string(endpoint.method);
    names += (names.empty() ? "" : ", ") + std::string(endpoint.name);
  }
  if (methods.empty())
    return Answer(404, ErrorJson(fmt::format("found \"{}\", allowed: {}, feed, explain/<id>, act", name, names)));
  return Answer(405, ErrorJson(fmt::format("{}: found {}, allowed: {}", name, request.method, methods)));
}

HttpResponse ConsoleServiceImpl::State(const HttpRequest&) {
  if (!wiring_.state) return NotWired("state");
  return Answer(200, StateJson(wiring_.state(), ActButtons(*wiring_.words.domain), sampler_.History()));
}

HttpResponse ConsoleServiceImpl::Users(const HttpRequest& request) {
  if (!wiring_.users) return NotWired("users");
  return AnswerResult(wiring_.users(std::string(request.Query("q")), LimitOf(request, kLimitDefault)), UsersJson);
}

HttpResponse ConsoleServiceImpl::Events(const HttpRequest& request) {
  if (wiring_.activity == nullptr) return NotWired("events");
  const auto limit = static_cast<size_t>(LimitOf(request, kLimitDefault));
  const uint64_t after = NumberOf(request.Query("after"));
  return Answer(200, EventsJson(request.Query("kind") == "refused" ? wiring_.activity->NewestRefused(limit, after)
                                                                   : wiring_.activity->Newest(limit, after)));
}

HttpResponse ConsoleServiceImpl::EventsLive(const HttpRequest& request) {
  if (live_ == nullptr) return NotWired("events");
  const std::string_view last = request.Header("last-event-id");  // of who comes back
  const uint64_t after = NumberOf(last.empty() ? request.Query("after") : last);
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.on_stream = [this, after, refused = request.Query("kind") == "refused"](io::HttpStream&& stream) {
    live_->Join(std::move(stream), after, refused);
  };
  return response;
}

HttpResponse ConsoleServiceImpl::Plan(const HttpRequest&) {
  return wiring_.plan ? AnswerResult(wiring_.plan(), PlanJson) : NotWired("plan");
}

HttpResponse ConsoleServiceImpl::Keys(const HttpRequest&) { return Answer(200, KeysJson(wiring_.keys())); }

HttpResponse ConsoleServiceImpl::Titles(const HttpRequest& request) {
  if (!wiring_.titles) return NotWired("titles");
  const Result<std::vector<DatedPost>> posts = ReadPosts(request.body);
  return posts ? AnswerResult(wiring_.titles(*posts), TitlesJson) : AnswerError(posts.error());
}

HttpResponse ConsoleServiceImpl::Bundles(const HttpRequest&) {
  return wiring_.bundles ? AnswerResult(wiring_.bundles(), BundlesJson) : NotWired("bundles");
}

HttpResponse ConsoleServiceImpl::Promote(const HttpRequest& request) {
  if (!wiring_.promote) return NotWired("bundle/promote");
  const Json body = Json::parse(request.body, nullptr, false);
  const bool good = body.is_object() && body.contains("id") && body["id"].is_string() &&
                    (!body.contains("force") || body["force"].is_boolean());
  if (!good) return Answer(400, ErrorJson("body: allowed: {\"id\": \"<bundle>\", \"force\": true or false}"));
  return AnswerResult(wiring_.promote(body["id"].get<std::string>(), body.value("force", false)), PromotionJson);
}

HttpResponse ConsoleServiceImpl::Rollback(const HttpRequest&) {
  return wiring_.rollback ? AnswerResult(wiring_.rollback(), PromotionJson) : NotWired("bundle/rollback");
}

HttpResponse ConsoleServiceImpl::Runs(const HttpRequest& request) {
  return wiring_.runs ? AnswerResult(wiring_.runs(LimitOf(request, kRunsDefault)), RunsJson) : NotWired("runs");
}

HttpResponse ConsoleServiceImpl::ServerStatus(const HttpRequest&) {
  return wiring_.status ? Answer(200, wiring_.status()) : NotWired("status");
}

HttpResponse ConsoleServiceImpl::Land(const HttpRequest&) {
  if (!wiring_.land) return NotWired("land");
  const Status landed = wiring_.land();
  return landed ? Answer(200, Json{{"landed", true}}.dump()) : AnswerError(landed.error());
}

HttpResponse ConsoleServiceImpl::ReadClock(const HttpRequest&) {
  if (!wiring_.state) return NotWired("clock");
  const StateTiles tiles = wiring_.state();
  return Answer(200, Json{{"now", FormatTime(tiles.now)}, {"driven", tiles.clock_driven}}.dump());
}

HttpResponse ConsoleServiceImpl::SetClock(const HttpRequest& request) {
  if (!wiring_.set_clock)
    return Answer(409, ErrorJson("clock: found clock.source = \"system\", allowed: \"driven\" in feedmill.toml"));
  const Json body = Json::parse(request.body, nullptr, false);
  const bool is_jump = body.is_object() && body.contains("jump") && body["jump"] == true;
  if (!body.is_object() || !body.contains("now") || !body["now"].is_string()) {
    return Answer(
        400,
        ErrorJson("body: allowed: {\"now\": \"2026-01-31T12:00:00Z\"}, with \"jump\": true for the wall clock alone"));
  }
  const Result<Micros> now = ParseTime(body["now"].get<std::string>());
  if (!now) return AnswerError(now.error());
  const auto& put = is_jump && wiring_.jump_to ? wiring_.jump_to : wiring_.set_clock;
  const Status set = put(*now);
  return set ? Answer(200, Json{{"now", FormatTime(*now)}, {"driven", true}}.dump()) : AnswerError(set.error());
}

void ConsoleServiceImpl::Stop() {
  sampler_.Stop();
  if (live_ != nullptr) live_->Stop();
  std::unique_ptr<ThreadPool> pool;
  MutexLock lock(pool_mutex_);
  pool.swap(pool_);
}

}  // namespace

std::unique_ptr<ConsoleService> MakeConsoleService(ConsoleWiring wiring) {
  return std::make_unique<ConsoleServiceImpl>(std::move(wiring));
}

}  // namespace feedmill::console
