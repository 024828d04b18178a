#include "serve/feed_service.h"

#include <atomic>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "data/log_positions.h"
#include "serve/answer.h"
#include "serve/catalogue_age.h"
#include "serve/explain_ring.h"
#include "serve/feed_errors.h"
#include "serve/feed_metrics.h"
#include "serve/feed_row.h"
#include "serve/item_card.h"
#include "serve/item_lists.h"
#include "serve/parking_lot.h"
#include "serve/pipeline.h"

namespace feedmill::serve {
namespace {

constexpr std::string_view kFeedPath = "/v1/feed";
constexpr std::string_view kExplainPath = "/v1/explain/";
// Of the budget, at most this share is spent waiting for the log's tail to be applied.
constexpr double kAfterShare = 0.5;
// Explanations that wait for the lake; more are refused. They have a thread of their own, so that no feed waits for a
// table.
constexpr size_t kOldRowsWaitingMax = 16;

// One request on its way through the pool, which wants copyable tasks.
struct Job {
  Job(io::HttpRequest&& asked, io::HttpResponder&& answer, Micros budget)
      : request(std::move(asked)),
        respond(std::move(answer)),
        arrived(request.arrived > 0 ? request.arrived : MonotonicMicros()),
        deadline(Deadline::After(arrived + budget - MonotonicMicros())) {}
  io::HttpRequest request;
  io::HttpResponder respond;
  const Micros arrived;  // its first byte
  const Deadline deadline;
  FeedQuery query;
  ItemListQuery list;  // of a list
  const Scene* scene = nullptr;
  std::string not_awaited;  // why the answer does not know the records that `after` names; empty: it does
};

class FeedServiceImpl final : public FeedService {
 public:
  FeedServiceImpl(const FeedServiceOptions& options, const FeedServiceWiring& wiring,
                  std::map<std::string, Scene> scenes)
      : options_(options),
        wiring_(wiring),
        scenes_(std::move(scenes)),
        trending_(wiring.features, options.trending),
        explained_(static_cast<size_t>(options.explain_kept_max), options.explain_bytes_max),
        metrics_(wiring.metrics),
        parking_(*wiring.state, static_cast<size_t>(options.parked_max)),
        pool_(std::make_unique<ThreadPool>(options.threads, options.queue_max)),
        old_rows_(std::make_unique<ThreadPool>(1, kOldRowsWaitingMax)) {
    if (wiring.metrics == nullptr) return;
    wiring.metrics->AddGaugeFunction("feedmill_feed_parked", "Requests that wait for a record of the log.", {},
                                     [this] { return static_cast<double>(parking_.parked()); });
  }

  ~FeedServiceImpl() override { Stop(); }

  void SetBundle(std::shared_ptr<const Bundle> bundle) override {
    MutexLock lock(bundle_mutex_);
    bundle_.swap(bundle);
  }

  std::shared_ptr<const Bundle> bundle() const override {
    MutexLock lock(bundle_mutex_);
    return bundle_;
  }

  std::vector<SceneInfo> scenes() const override {
    std::vector<SceneInfo> infos;
    for (const auto& [name, scene] : scenes_) infos.push_back({name, scene.description});
    return infos;
  }

  void Handle(io::HttpRequest&& request, io::HttpResponder&& respond) override;
  void Stop() override;

 private:
  void Refuse(const FeedError& error, io::HttpResponder& respond) {
    metrics_.Refused(error.status);
    respond(ErrorResponse(error));
  }
  std::optional<FeedError> Check(const io::HttpRequest& request) const;
  // Hands the job to the pool.
  void Submit(std::shared_ptr<Job> job, void (FeedServiceImpl::*run)(const std::shared_ptr<Job>&));
  void Run(const std::shared_ptr<Job>& job);
  // What is asked, or why it cannot be answered.
  std::optional<FeedError> Read(Job* job) const;
  std::optional<FeedError> ReadList(Job* job) const;
  // Sets the job aside until the records that `after` names are applied; `then` goes on. False: it goes on at once.
  bool Park(const std::shared_ptr<Job>& job, void (FeedServiceImpl::*then)(const std::shared_ptr<Job>&));
  void Feed(const std::shared_ptr<Job>& job);
  void List(const std::shared_ptr<Job>& job);
  void Explain(const std::shared_ptr<Job>& job);
  void ShowCard(const std::shared_ptr<Job>& job);
  void ExplainOld(Job* job);
  FeedError NotKept(const std::string& request_id) const;
  FeedError NoScene(const std::string& name) const;
  void Prepare(const FeedQuery& query, const Scene& scene, const Bundle* bundle, Deadline deadline,
               FeedContext* context) const;
  std::string NewRequestId(const FeedContext& context);
  void AfterEffects(std::string request_id, std::string row, Micros now, const FeedQuery& query);
  std::unique_ptr<FeedContext> TakeContext();
  void GiveContext(std::unique_ptr<FeedContext> context);

  const FeedServiceOptions options_;
  const FeedServiceWiring wiring_;
  const std::map<std::string, Scene> scenes_;
  TrendingBoard trending_;
  ExplainRing explained_;
  FeedMetrics metrics_;
  mutable Mutex bundle_mutex_;
  std::shared_ptr<const Bundle> bundle_ FEEDMILL_GUARDED_BY(bundle_mutex_);
  Mutex contexts_mutex_;
  std::vector<std::unique_ptr<FeedContext>> contexts_ FEEDMILL_GUARDED_BY(contexts_mutex_);
  std::atomic<uint64_t> sequence_ = 0;
  std::atomic<bool> stopping_ = false;
  ParkingLot parking_;
  Mutex pool_mutex_;
  std::unique_ptr<ThreadPool> pool_ FEEDMILL_GUARDED_BY(pool_mutex_);      // null once stopped
  std::unique_ptr<ThreadPool> old_rows_ FEEDMILL_GUARDED_BY(pool_mutex_);  // null once stopped
};

std::optional<FeedError> FeedServiceImpl::Check(const io::HttpRequest& request) const {
  const bool feed = request.path == kFeedPath;
  if (!feed && !request.path.starts_with(kExplainPath) && !IsItemList(request.path) && !IsCard(request.path)) {
    return FeedError{404, "there is no such page", "path", request.path,
                     "/v1/feed, /v1/explain/{request_id}, /v1/similar/{kind}/{id}, /v1/popular/{kind}, "
                     "/v1/latest/{kind}, /v1/items/{kind}/{id}, /v1/users/{id}"};
  }
  if (request.method != "GET" && !(feed && request.method == "POST")) {
    return FeedError{405, "this method does nothing here", "method", request.method, feed ? "GET, POST" : "GET"};
  }
  const std::string key = ReadKeyOf(request);
  if (key.empty()) {
    return FeedError{401, "a read key is needed", "Authorization", "no key", "Bearer <read key>"};
  }
  if (!wiring_.may_read || !wiring_.may_read(key)) {
    return FeedError{401, "this key may not read feeds", "Authorization", "an unknown key",
                     "a read key of this server"};
  }
  return std::nullopt;
}

void FeedServiceImpl::Handle(io::HttpRequest&& request, io::HttpResponder&& respond) {
  if (const auto error = Check(request)) return Refuse(*error, respond);
  Submit(std::make_shared<Job>(std::move(request), std::move(respond), options_.budget), &FeedServiceImpl::Run);
}

void FeedServiceImpl::Submit(std::shared_ptr<Job> job, void (FeedServiceImpl::*run)(const std::shared_ptr<Job>&)) {
  bool taken = false;
  {
    MutexLock lock(pool_mutex_);
    taken = pool_ != nullptr && pool_->Submit([this, job, run] { (this->*run)(job); });
  }
  if (!taken) {
    Refuse({503, stopping_ ? "the server is stopping" : "too many feeds are waiting", "", "",
            fmt::format("at most {} requests waiting", options_.queue_max)},
           job->respond);
  }
}

void FeedServiceImpl::Stop() {
  stopping_ = true;
  parking_.Close();
  std::unique_ptr<ThreadPool> pool, old_rows;
  {
    MutexLock lock(pool_mutex_);
    pool = std::move(pool_);
    old_rows = std::move(old_rows_);
  }
}

void FeedServiceImpl::Run(const std::shared_ptr<Job>& job) {
  if (IsItemList(job->request.path)) {
    if (const auto error = ReadList(job.get())) return Refuse(*error, job->respond);
    if (!Park(job, &FeedServiceImpl::List)) List(job);
    return;
  }
  if (IsCard(job->request.path)) return ShowCard(job);
  if (job->request.path != kFeedPath) return Explain(job);
  if (const auto error = Read(job.get())) return Refuse(*error, job->respond);
  if (!Park(job, &FeedServiceImpl::Feed)) Feed(job);
}

bool FeedServiceImpl::Park(const std::shared_ptr<Job>& job,
                           void (FeedServiceImpl::*then)(const std::shared_ptr<Job>&)) {
  const std::vector<LogPosition>& after = job->query.after;
  if (parking_.AreApplied(after)) return false;
  const Micros wait = static_cast<Micros>(kAfterShare * static_cast<double>(job->deadline.Left()));
  const auto go_on = [this, job, then](bool applied) {
    if (!applied) job->not_awaited = fmt::format("after: {} is not applied yet", FormatLogPositions(job->query.after));
    Submit(job, then);
  };
  if (parking_.Park(after, job->deadline.AtMost(wait), go_on)) return true;
  job->not_awaited = fmt::format("after: {} requests wait already, at most that many may", options_.parked_max);
  return false;
}

void FeedServiceImpl::Prepare(const FeedQuery& query, const Scene& scene, const Bundle* bundle, Deadline deadline,
                              FeedContext* context) const {
  context->query = &query;
  context->scene = &scene;
  context->bundle = bundle;
  context->state = wiring_.state;
  context->features_match =
      bundle != nullptr && (wiring_.features == nullptr || wiring_.features->hash == bundle->feature_set.hash);
  context->now = wiring_.clock->Now();
  context->deadline = deadline;
  context->candidates_max = options_.candidates_max;
  context->random = Random(FeedSeed(query.user_id, scene.name, context->now, options_.seed));
}

std::string FeedServiceImpl::NewRequestId(const FeedContext& context) {
  const uint64_t sequence = sequence_.fetch_add(1, std::memory_order_relaxed);
  const uint64_t hash = Mix64(FeedSeed(context.query->user_id, context.scene->name, context.now, sequence));
  return fmt::format("{:014x}{:016x}", static_cast<uint64_t>(context.now), hash);
}

std::optional<FeedError> FeedServiceImpl::Read(Job* job) const {
  if (const Status unpacked = io::UnpackBody(&job->request, kBodyBytesMax); !unpacked) {
    const int status = unpacked.error().kind() == ErrorKind::kResourceExhausted ? 413 : 400;
    return FeedError{status, unpacked.error().message(), "body", "", fmt::format("{} bytes", kBodyBytesMax)};
  }
  auto query = ParseFeedQuery(job->request, options_.items_max, wiring_.state->domain()->context);
  if (!query) {
    const QueryError& error = query.error();
    return FeedError{400, fmt::format("{} is wrong", error.field), error.field, error.found, error.allowed};
  }
  job->query = std::move(*query);
  const auto scene = scenes_.find(job->query.scene);
  if (scene != scenes_.end()) {
    job->scene = &scene->second;
    return std::nullopt;
  }
  return NoScene(job->query.scene);
}

FeedError FeedServiceImpl::NoScene(const std::string& name) const {
  std::string names;
  for (const auto& [known, scene] : scenes_) names += (names.empty() ? "" : ", ") + known;
  return {404, fmt::format("there is no scene \"{}\"", name), "scene", name, names};
}

void FeedServiceImpl::Feed(const std::shared_ptr<Job>& job) {
  const FeedQuery& query = job->query;
  std::unique_ptr<FeedContext> context = TakeContext();
  context->Reset();
  if (!job->not_awaited.empty()) context->degraded.push_back(job->not_awaited);
  const std::shared_ptr<const Bundle> bundle = this->bundle();
  Prepare(query, *job->scene, bundle.get(), job->deadline, context.get());
  AnswerHead head{NewRequestId(*context), 0};
  io::HttpResponse response;
  std::string row;
  {
    const stream::LiveState::ReadGuard guard = wiring_.state->Read();
    const std::shared_ptr<const TrendingList> trending =
        trending_.Current(*wiring_.state, bundle.get(), wiring_.state->AsOf(context->now));
    context->trending = trending.get();
    context->as_of = wiring_.state->AsOf(context->now);
    context->ages_from = AgesFrom(*wiring_.state, context->now);
    if (context->as_of - context->now > kReceiptSkewMax) {
      context->degraded.push_back(fmt::format("clock: the newest action is {} s ahead of the server's clock",
                                              (context->as_of - context->now) / kMicrosPerSecond));
    }
    RunStages(context.get());
    head.elapsed = MonotonicMicros() - job->arrived;
    response.body = AnswerJson(*context, head);
    row = FeedRowJson(context.get(), head, options_.row_samples);
  }
  metrics_.Answered(*context, head.elapsed);
  // Kept before the answer leaves, so that whoever has the answer can ask why.
  AfterEffects(head.request_id, std::move(row), context->now, query);
  job->respond(std::move(response));
  GiveContext(std::move(context));
}

void FeedServiceImpl::AfterEffects(std::string request_id, std::string row, Micros now, const FeedQuery& query) {
  if (query.dry_run) return explained_.Put(std::move(request_id), std::move(row));
  LogRecord record;
  record.kind = RecordKind::kFeedRequest;
  record.event.message_id = request_id;
  record.event.user_id = query.user_id;
  record.event.event_time = record.event.original_time = record.event.received_time = now;
  record.document = row;
  explained_.Put(std::move(request_id), std::move(row));
  if (wiring_.write_back) wiring_.write_back(std::move(record));
}

std::optional<FeedError> FeedServiceImpl::ReadList(Job* job) const {
  auto query = ParseItemListQuery(job->request, wiring_.state->domain()->Shown(), options_.items_max);
  if (!query) return query.error();
  job->list = std::move(*query);
  job->query.user_id = job->list.user_id;
  job->query.after = job->list.after;
  if (!job->list.scene.empty()) job->query.scene = job->list.scene;
  const auto scene = scenes_.find(job->query.scene);
  if (scene == scenes_.end()) return NoScene(job->query.scene);
  job->scene = &scene->second;
  return std::nullopt;
}

void FeedServiceImpl::List(const std::shared_ptr<Job>& job) {
  const ItemListQuery& query = job->list;
  const std::shared_ptr<const Bundle> bundle = this->bundle();
  FeedContext context;
  Prepare(job->query, *job->scene, bundle.get(), job->deadline, &context);
  io::HttpResponse response;
  {
    const stream::LiveState::ReadGuard guard = wiring_.state->Read();
    const auto trending = trending_.Current(*wiring_.state, bundle.get(), wiring_.state->AsOf(wiring_.clock->Now()));
    if (!query.user_id.empty()) context.user = wiring_.state->FindUser(query.user_id);
    const RulesOfScene lets(context);
    auto listed = ItemListJson(query, {*wiring_.state, bundle.get(), *trending, &lets, job->not_awaited});
    if (!listed) return Refuse(listed.error(), job->respond);
    response.body = std::move(*listed);
  }
  job->respond(std::move(response));
}

void FeedServiceImpl::ShowCard(const std::shared_ptr<Job>& job) {
  const auto path = ParseCardPath(job->request.path, wiring_.state->domain()->Shown());
  if (!path) return Refuse(path.error(), job->respond);
  io::HttpResponse response;
  {
    const stream::LiveState::ReadGuard guard = wiring_.state->Read();
    auto card = CardJson(*path, *wiring_.state);
    if (!card) return Refuse(card.error(), job->respond);
    response.body = std::move(*card);
  }
  job->respond(std::move(response));
}

void FeedServiceImpl::Explain(const std::shared_ptr<Job>& job) {
  const std::string request_id = job->request.path.substr(kExplainPath.size());
  if (const auto document = explained_.Get(request_id)) {
    io::HttpResponse response;
    response.body = *document;
    return job->respond(std::move(response));
  }
  if (!wiring_.find_old_row) return Refuse(NotKept(request_id), job->respond);
  bool taken = false;
  {
    MutexLock lock(pool_mutex_);
    taken = old_rows_ != nullptr && old_rows_->Submit([this, job] { ExplainOld(job.get()); });
  }
  if (!taken) {
    Refuse({503, "too many old requests are being looked up", "", "", fmt::format("{} at a time", kOldRowsWaitingMax)},
           job->respond);
  }
}

void FeedServiceImpl::ExplainOld(Job* job) {
  const std::string request_id = job->request.path.substr(kExplainPath.size());
  Result<std::string> row = wiring_.find_old_row(request_id);
  if (!row) return Refuse({503, row.error().message(), "request_id", request_id, ""}, job->respond);
  if (row->empty()) return Refuse(NotKept(request_id), job->respond);
  io::HttpResponse response;
  response.body = std::move(*row);
  job->respond(std::move(response));
}

FeedError FeedServiceImpl::NotKept(const std::string& request_id) const {
  return {404, fmt::format("no feed request \"{}\" is kept", request_id), "request_id", request_id,
          fmt::format("one of the last {} requests (at most {} MiB), or one whose row has landed in ods_feed_request",
                      explained_.count_max(), explained_.bytes_max() >> 20)};
}

std::unique_ptr<FeedContext> FeedServiceImpl::TakeContext() {
  MutexLock lock(contexts_mutex_);
  if (contexts_.empty()) return std::make_unique<FeedContext>();
  std::unique_ptr<FeedContext> context = std::move(contexts_.back());
  contexts_.pop_back();
  return context;
}

void FeedServiceImpl::GiveContext(std::unique_ptr<FeedContext> context) {
  MutexLock lock(contexts_mutex_);
  contexts_.push_back(std::move(context));
}

}  // namespace

Result<std::unique_ptr<FeedService>> MakeFeedService(const FeedServiceOptions& options,
                                                     const FeedServiceWiring& wiring) {
  if (wiring.clock == nullptr || wiring.state == nullptr)
    return Internal("the feed service needs a clock and a live state");
  FEEDMILL_ASSIGN(auto scenes, LoadScenes(options.feed_folder, *wiring.state->domain()));
  return std::make_unique<FeedServiceImpl>(options, wiring, std::move(scenes));
}

}  // namespace feedmill::serve
