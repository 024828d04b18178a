#include "ingest/collector.h"

#include <algorithm>
#include <array>
#include <new>

#include "base/log.h"
#include "data/event_codec.h"
#include "data/event_id.h"
#include "ingest/collector_internal.h"

namespace feedmill::ingest {
namespace {

constexpr size_t kReplayBytes = 4 << 20;
// A checkpoint is due after this many records, or this part of the known ids: it holds all of them.
constexpr uint64_t kDueRecordsMin = 50'000;
constexpr uint64_t kDueShare = 8;

struct Route {
  std::string_view path;
  std::string_view type;  // empty: a batch
};
constexpr std::array<Route, 15> kRoutes = {{{"/v1/batch", ""},
                                            {"/v1/track", "track"},
                                            {"/v1/import", ""},
                                            {"/v1/identify", "identify"},
                                            {"/v1/page", "page"},
                                            {"/v1/screen", "screen"},
                                            {"/v1/group", "group"},
                                            {"/v1/alias", "alias"},
                                            {"/v1/b", ""},
                                            {"/v1/t", "track"},
                                            {"/v1/i", "identify"},
                                            {"/v1/p", "page"},
                                            {"/v1/s", "screen"},
                                            {"/v1/g", "group"},
                                            {"/v1/a", "alias"}}};

const Route* FindRoute(std::string_view path) {
  auto found = std::ranges::find(kRoutes, path, &Route::path);
  return found == kRoutes.end() ? nullptr : &*found;
}

}  // namespace

CollectorMetrics::CollectorMetrics(MetricsRegistry& registry)
    : accepted(registry.GetCounter("feedmill_collect_events_accepted_total", "Events acknowledged and on disk.")),
      duplicates(registry.GetCounter("feedmill_collect_events_duplicate_total", "Events the log had already.")),
      rejected(registry.GetCounter("feedmill_collect_events_rejected_total",
                                   "Messages that broke a rule of the tracking plan.")),
      refused_bodies(
          registry.GetCounter("feedmill_collect_bodies_refused_total", "Request bodies refused as a whole.")),
      unauthorized(registry.GetCounter("feedmill_collect_unauthorized_total", "Requests without a right write key.")),
      overloaded(
          registry.GetCounter("feedmill_collect_overloaded_total", "Requests answered 429: the log's queue was full.")),
      unavailable(
          registry.GetCounter("feedmill_collect_unavailable_total", "Requests answered 503: the log could not write.")),
      append_seconds(
          registry.GetHistogram("feedmill_collect_append_seconds", "From the parsed request to its durable answer.")) {}

Collector::Parts::Parts(const CollectorParts& given, CollectorOptions wanted, WriteKeys write_keys)
    : files(given.files),
      clock(given.clock),
      log(given.log),
      plan(given.plan),
      metrics(given.metrics),
      options(std::move(wanted)),
      keys(std::move(write_keys)),
      limits{{0, options.rejected_raw_bytes_max, options.event_past_max, options.event_future_max},
             options.batch_events_max},
      dedupe(options.dedupe, given.clock.Now()),
      settled_end(given.log.partitions()) {}

Collector::Collector(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Collector::~Collector() = default;

Result<std::unique_ptr<Collector>> Collector::Open(const CollectorParts& given, CollectorOptions options) {
  FEEDMILL_ASSIGN(auto keys, WriteKeys::Make(options.write_keys));
  auto parts = std::make_unique<Parts>(given, std::move(options), std::move(keys));
  FEEDMILL_TRY(parts->RebuildDedupe());
  given.metrics.AddGaugeFunction("feedmill_collect_dedupe_ids", "Message ids known to be in the log.", {},
                                 [raw = parts.get()] { return static_cast<double>(raw->dedupe.size()); });
  return std::unique_ptr<Collector>(new Collector(std::move(parts)));
}

Status Collector::Parts::RebuildDedupe() {
  std::vector<uint64_t> from(log.partitions(), 0);
  if (!options.dedupe_checkpoint.empty()) {
    auto loaded = dedupe.Load(files, options.dedupe_checkpoint);
    if (loaded && loaded->size() == from.size()) {
      from = *loaded;
      for (const uint64_t offset : from) records_at_checkpoint += offset;
    } else if (!loaded && loaded.error().kind() != ErrorKind::kNotFound) {
      log::Warn("deduplication checkpoint not used, reading the log", {{"reason", loaded.error().message()}});
    }
  }
  for (uint32_t partition = 0; partition < log.partitions(); ++partition)
    FEEDMILL_TRY(ReadIds(partition, from[partition]));
  return Ok();
}

Status Collector::Parts::ReadIds(uint32_t partition, uint64_t from) {
  uint64_t offset = std::max(from, log.BeginOffset(partition));
  Micros oldest = clock.Now() - options.dedupe.horizon;
  while (true) {
    FEEDMILL_ASSIGN(auto records, log.Read(partition, offset, kReplayBytes));
    if (records.empty()) break;
    for (const auto& record : records) {
      if (record.append_time < oldest) continue;
      FEEDMILL_ASSIGN(auto decoded, DecodeLogRecord(record.payload));
      if (decoded.kind == RecordKind::kEvent) dedupe.Insert(EventIdOf(decoded.event), record.append_time);
    }
    offset = records.back().offset + 1;
  }
  settled_end[partition] = offset;
  return Ok();
}

bool Collector::Takes(std::string_view path) { return FindRoute(path) != nullptr; }

void Collector::Handle(io::HttpRequest&& request, io::HttpResponder&& responder) {
  const Route* route = FindRoute(request.path);
  if (route == nullptr) {
    return responder(RefusalResponse(404, {fmt::format("no such path: {}", request.path), "", "unknown_path", ""}));
  }
  if (request.method != "POST") {
    auto response =
        RefusalResponse(405, {fmt::format("found {}, allowed POST", request.method), "", "wrong_method", ""});
    response.headers.emplace_back("Allow", "POST");
    return responder(std::move(response));
  }
  const WriteKey* header_key = nullptr;
  if (std::string_view authorization = request.Header("authorization"); !authorization.empty()) {
    auto user = BasicUser(authorization);
    header_key = user ? parts_->keys.Find(*user) : nullptr;
    if (header_key == nullptr) {
      parts_->metrics.unauthorized.Add();
      return responder(
          RefusalResponse(401, {"the write key of the Authorization header is unknown", "", "wrong_write_key", ""}));
    }
  }
  auto submission = std::make_shared<Submission>(*parts_, std::move(responder));
  size_t bytes_max = header_key ? header_key->batch_bytes_max : parts_->keys.batch_bytes_max();
  BodyRequest body_request{
      &request.body,      route->type, header_key, request.remote_address, request.Header("user-agent"),
      parts_->clock.Now()};
  auto refuse = [&](const BodyRefusal& refusal) {
    std::string payload;
    if (refusal.key != nullptr && refusal.status != 503)
      payload = RefusedBodyPayload(refusal, body_request, parts_->plan, parts_->limits);
    submission->SubmitRefused(refusal, std::move(payload));
  };
  if (request.body.size() > bytes_max) {
    return refuse({413,
                   header_key,
                   {fmt::format("the body has {} bytes, at most {} are allowed", request.body.size(), bytes_max), "",
                    "body_too_large", ""}});
  }
  std::expected<Body, BodyRefusal> body;
  try {
    body = ReadBody(body_request, parts_->plan, parts_->keys, parts_->limits, parts_->ids);
  } catch (const std::bad_alloc&) {
    body = std::unexpected(OutOfMemoryRefusal(header_key));
  }
  if (!body) return refuse(body.error());
  submission->Submit(std::move(*body));
}

Status Collector::Checkpoint() {
  if (parts_->options.dedupe_checkpoint.empty()) return Ok();
  std::vector<uint64_t> next_offsets;
  for (const auto& end : parts_->settled_end) next_offsets.push_back(end.load(std::memory_order_acquire));
  FEEDMILL_TRY(parts_->dedupe.Save(parts_->files, parts_->options.dedupe_checkpoint, next_offsets));
  parts_->records_at_checkpoint = 0;
  for (const uint64_t offset : next_offsets) parts_->records_at_checkpoint += offset;
  return Ok();
}

bool Collector::CheckpointIsDue() const {
  if (parts_->options.dedupe_checkpoint.empty()) return false;
  uint64_t settled = 0;
  for (const auto& end : parts_->settled_end) settled += end.load(std::memory_order_acquire);
  return settled - parts_->records_at_checkpoint >=
         std::max<uint64_t>(kDueRecordsMin, parts_->dedupe.size() / kDueShare);
}

}  // namespace feedmill::ingest
