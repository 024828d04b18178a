#include "ingest/collector.h"

#include <algorithm>
#include <array>
#include <new>

#include "base/log.h"
#include "base/text_encoding.h"
#include "base/thread_priority.h"
#include "data/event_codec.h"
#include "data/event_id.h"
#include "ingest/browser_settings.h"
#include "ingest/collector_internal.h"

namespace feedmill::ingest {
namespace {

constexpr size_t kReplayBytes = 4 << 20;
constexpr uint64_t kDueRecords = 50'000;  // that the next start would have to read
// Plain bodies up to this many bytes (some dozens of events) are read where they arrive: that takes less than 0.2 ms.
constexpr size_t kReadAtOnceBytes = 16 << 10;

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

// How far the log is, for a client that goes on with what it had begun to send.
constexpr std::string_view kPositionPath = "/v1/position";

const Route* FindRoute(std::string_view path) {
  auto found = std::ranges::find(kRoutes, path, &Route::path);
  return found == kRoutes.end() ? nullptr : &*found;
}

// RFC 7240: the client prefers an error to a lenient success. Libraries that cannot send headers say it in the query.
bool WantsStrict(const io::HttpRequest& request) {
  if (!request.query.empty() && request.Query("strict") == "1") return true;
  std::string_view prefer = request.Header("prefer");
  return prefer.find("handling=strict") != std::string_view::npos;
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
          registry.GetCounter("feedmill_collect_overloaded_total", "Requests answered 429: too much was waiting.")),
      slowed(registry.GetCounter("feedmill_collect_imports_slowed_total",
                                 "Requests of imports answered 429: others wait to be read.")),
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
      ids_in_lake(given.ids_in_lake),
      options(std::move(wanted)),
      keys(std::move(write_keys)),
      limits{{0, options.rejected_raw_bytes_max, options.event_past_max, options.event_future_max},
             options.batch_events_max},
      dedupe(options.dedupe, given.clock.Now()),
      settled_end(given.log.partitions()),
      batches({options.batch_threads, kPatientNiceness, options.batch_queue_bytes_max}),
      imports({options.import_threads, kBackgroundNiceness, options.import_queue_bytes_max}) {}

namespace {

Result<WriteKeys> KeysOf(const CollectorOptions& options) {
  if (!options.find_writer) return WriteKeys::Make(options.write_keys);
  if (options.write_keys.size() != 2)
    return InvalidArgument("write keys: the limits of apps and of imports are needed");
  return WriteKeys::Of(options.write_keys[0], options.write_keys[1], options.find_writer);
}

}  // namespace

Collector::Collector(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Collector::~Collector() = default;

Result<std::unique_ptr<Collector>> Collector::Open(const CollectorParts& given, CollectorOptions options) {
  FEEDMILL_ASSIGN(auto keys, KeysOf(options));
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
  for (uint32_t partition = 0; partition < log.partitions(); ++partition) {
    if (from[partition] > log.EndOffset(partition)) {
      return Corrupt(
          "{} knows messages up to record {} of partition {}, but the event log ends at record {}: it was cut, "
          "deleted or replaced; put it back, or give up what it lost with `feedmill log reset --after-landed`",
          options.dedupe_checkpoint, from[partition], partition, log.EndOffset(partition));
    }
    FEEDMILL_TRY(ReadIds(partition, from[partition]));
  }
  return Ok();
}

// What the log no longer has is asked of the lake.
Status Collector::Parts::ReadIdsOfLake(uint32_t partition, OffsetRange range) {
  if (!ids_in_lake || range.from >= range.to) return Ok();
  const Micros oldest = clock.Now() - options.dedupe.horizon;
  return ids_in_lake(partition, range, oldest,
                     [this](std::string_view id, Micros received) { dedupe.Insert(id, received); });
}

Status Collector::Parts::ReadIds(uint32_t partition, uint64_t from) {
  FEEDMILL_TRY(ReadIdsOfLake(partition, {from, log.BeginOffset(partition)}));
  uint64_t offset = std::max(from, log.BeginOffset(partition));
  Micros oldest = clock.Now() - options.dedupe.horizon;
  while (true) {
    FEEDMILL_ASSIGN(auto records, log.Read(partition, offset, kReplayBytes));
    if (records.empty()) break;
    for (const auto& record : records) {
      if (record.lost > 0) FEEDMILL_TRY(ReadIdsOfLake(partition, {record.offset + 1 - record.lost, record.offset + 1}));
      if (record.lost > 0 || record.append_time < oldest) continue;
      FEEDMILL_ASSIGN(auto decoded, DecodeLogRecord(record.payload));
      if (decoded.kind == RecordKind::kEvent) dedupe.Insert(EventIdOf(decoded.event), record.append_time);
    }
    offset = records.back().offset + 1;
  }
  settled_end[partition] = offset;
  return Ok();
}

bool Collector::Takes(std::string_view path) {
  return path.starts_with(kProjectsPath) || path == kPositionPath || FindRoute(path) != nullptr;
}

bool Collector::KnowsWriter(const io::HttpRequest& request) const {
  const auto user = BasicUser(request.Credentials("basic"));
  return user && parts_->keys.Find(*user) != nullptr;
}

void Collector::Handle(io::HttpRequest&& request, io::HttpResponder&& responder) {
  if (request.path.starts_with(kProjectsPath))
    return responder(BrowserSettings(request, parts_->keys, parts_->options.public_url));
  if (request.path == kPositionPath) return responder(parts_->Position(request));
  Parts::Incoming incoming(std::move(request), std::move(responder));
  if (auto refused = parts_->Admit(&incoming)) return incoming.respond(std::move(*refused));
  const bool plain = incoming.request.Header("content-encoding").empty();
  if (plain && incoming.request.body.size() <= kReadAtOnceBytes) return parts_->Read(&incoming);
  parts_->ReadLater(std::make_shared<Parts::Incoming>(std::move(incoming)));
}

io::HttpResponse Collector::Parts::Position(const io::HttpRequest& request) const {
  if (request.method != "GET") {
    auto response =
        RefusalResponse(405, {fmt::format("found {}, allowed GET", request.method), "", "wrong_method", ""});
    response.headers.emplace_back("Allow", "GET");
    return response;
  }
  const auto user = BasicUser(request.Credentials("basic"));
  if (!user || keys.Find(*user) == nullptr) {
    metrics.unauthorized.Add();
    return RefusalResponse(401, {"the write key is needed as Basic user name in the Authorization header", "",
                                 user ? "wrong_write_key" : "missing_write_key", ""});
  }
  io::HttpResponse response;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = "{\"folder\":";
  AppendJsonString(options.folder_id, &response.body);
  response.body += ",\"ends\":[";
  for (uint32_t partition = 0; partition < log.partitions(); ++partition)
    response.body += fmt::format("{}{}", partition == 0 ? "" : ",", log.EndOffset(partition));
  response.body += "]}";
  return response;
}

std::optional<io::HttpResponse> Collector::Parts::Admit(Incoming* incoming) {
  const io::HttpRequest& request = incoming->request;
  const Route* route = FindRoute(request.path);
  if (route == nullptr)
    return RefusalResponse(404, {fmt::format("no such path: {}", request.path), "", "unknown_path", ""});
  if (request.method != "POST") {
    auto response =
        RefusalResponse(405, {fmt::format("found {}, allowed POST", request.method), "", "wrong_method", ""});
    response.headers.emplace_back("Allow", "POST");
    return response;
  }
  incoming->type = route->type;
  if (!request.Header("authorization").empty()) {
    auto user = BasicUser(request.Credentials("basic"));
    incoming->header_key = user ? keys.Find(*user) : nullptr;
    if (incoming->header_key != nullptr) return std::nullopt;
    metrics.unauthorized.Add();
    return RefusalResponse(401, {"the write key of the Authorization header is unknown", "", "wrong_write_key", ""});
  }
  // A stranger's body is looked into for its writeKey, but only so far.
  const bool packed = !request.Header("content-encoding").empty();
  if (!packed && request.body.size() <= keys.unknown_bytes_max()) return std::nullopt;
  metrics.unauthorized.Add();
  const std::string what = packed ? "a compressed body" : fmt::format("a body of {} bytes", request.body.size());
  return RefusalResponse(
      401, {what + " needs its write key as Basic user name in the Authorization header", "", "missing_write_key", ""});
}

void Collector::Parts::ReadLater(std::shared_ptr<Incoming> incoming) {
  const bool bulk = incoming->header_key != nullptr && incoming->header_key->bulk;
  ReadingQueue& queue = bulk ? imports : batches;
  if (queue.Submit(incoming->request.body.size(), [this, incoming] { Read(incoming.get()); })) return;
  (bulk ? metrics.slowed : metrics.overloaded).Add();
  incoming->respond(
      FailureResponse(ResourceExhausted("{} bytes of bodies wait to be read; try again later", queue.bytes()).error(),
                      options.retry_after));
}

// Why the body cannot be unpacked; what of it was packed is thrown away then.
std::optional<BodyRefusal> Collector::Parts::Unpack(io::HttpRequest* request, const WriteKey* key, size_t bytes_max) {
  Status unpacked;
  try {
    unpacked = io::UnpackBody(request, bytes_max);
  } catch (const std::bad_alloc&) {
    return OutOfMemoryRefusal(key);
  }
  if (unpacked) return std::nullopt;
  request->body.clear();
  const bool too_large = unpacked.error().kind() == ErrorKind::kResourceExhausted;
  return BodyRefusal{too_large ? 413 : 400,
                     key,
                     {unpacked.error().message(), "", too_large ? "body_too_large" : "malformed_gzip", ""}};
}

void Collector::Parts::Read(Incoming* incoming) {
  io::HttpRequest& request = incoming->request;
  const WriteKey* key = incoming->header_key;
  const size_t bytes_max = key ? key->batch_bytes_max : keys.unknown_bytes_max();
  auto submission = std::make_shared<Submission>(*this, std::move(incoming->respond), WantsStrict(request));
  BodyRequest body_request{&request.body, incoming->type, key, request.remote_address, request.Header("user-agent"),
                           clock.Now()};
  auto refuse = [&](const BodyRefusal& refusal) {
    std::string payload;
    if (refusal.key != nullptr && refusal.status != 503)
      payload = RefusedBodyPayload(refusal, body_request, plan, limits);
    submission->SubmitRefused(refusal, std::move(payload));
  };
  if (auto refusal = Unpack(&request, key, bytes_max)) return refuse(*refusal);
  if (request.body.size() > bytes_max) {
    return refuse({413,
                   key,
                   {fmt::format("the body has {} bytes, at most {} are allowed", request.body.size(), bytes_max), "",
                    "body_too_large", ""}});
  }
  std::expected<Body, BodyRefusal> body;
  try {
    body = ReadBody(body_request, plan, keys, limits, ids);
  } catch (const std::bad_alloc&) {
    body = std::unexpected(OutOfMemoryRefusal(key));
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
  return settled - parts_->records_at_checkpoint >= kDueRecords;
}

}  // namespace feedmill::ingest
