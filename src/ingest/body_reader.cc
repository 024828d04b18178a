#include <simdjson.h>

#include "base/hash.h"
#include "base/secret.h"
#include "base/time_text.h"
#include "data/event_codec.h"
#include "ingest/body_reader_internal.h"
#include "ingest/json_fault_internal.h"
#include "ingest/masked_body_internal.h"

namespace feedmill::ingest {
namespace {

using simdjson::dom::element;

// Kept a thread: simdjson's buffers and the record's strings grow once.
struct Workspace {
  simdjson::dom::parser parser;
  LogRecord record;
};

Workspace& ThisThreadsWorkspace() {
  thread_local Workspace workspace;
  return workspace;
}

BodyRefusal Refuse(int status, const WriteKey* key, std::string_view rule, std::string_view field, std::string reason) {
  return {status, key, {std::move(reason), std::string(field), std::string(rule), ""}};
}

simdjson::error_code ParseText(std::string* text, simdjson::dom::parser* parser, element* root) {
  text->reserve(text->size() + simdjson::SIMDJSON_PADDING);
  if (parser->capacity() < text->size() || parser->max_depth() != kJsonDepthMax) {
    if (auto error = parser->allocate(text->size(), kJsonDepthMax)) return error;
  }
  return parser->parse(text->data(), text->size(), false).get(*root);
}

// Messages are looked at one by one only when something stopped the parser; `masked` then says which ones it costs.
std::expected<element, BodyRefusal> Parse(const BodyRequest& request, simdjson::dom::parser* parser,
                                          std::optional<MaskedBody>* masked) {
  element root;
  const bool single = !request.type.empty();
  simdjson::error_code error = ParseText(request.body, parser, &root);
  if (error == simdjson::NUMBER_ERROR) {
    *masked = MaskWideNumbers(*request.body, single);
    if (*masked) error = ParseText(&(*masked)->body, parser, &root);
  }
  if (error && error != simdjson::MEMALLOC && !single) {
    *masked = MaskBrokenMessages(*request.body);
    if (*masked) error = ParseText(&(*masked)->body, parser, &root);
  }
  if (error == simdjson::MEMALLOC) return std::unexpected(OutOfMemoryRefusal(request.header_key));
  if (error) {
    return std::unexpected(Refuse(400, request.header_key, "malformed_json", "",
                                  fmt::format("the body is no JSON: {}", JsonFault(error))));
  }
  if (!root.is_object()) {
    return std::unexpected(Refuse(400, request.header_key, "wrong_type", "", "the body is no JSON object"));
  }
  return root;
}

// Header and body may each name the key; both must be right and the same.
std::expected<const WriteKey*, BodyRefusal> Authenticate(const BodyRequest& request, const element& root,
                                                         const WriteKeys& keys) {
  std::string_view text;
  element value;
  bool in_body = root["writeKey"].get(value) == simdjson::SUCCESS && !value.is_null();
  if (!in_body) {
    if (request.header_key) return request.header_key;
    return std::unexpected(Refuse(401, nullptr, "missing_write_key", "writeKey",
                                  "found no write key, allowed as Basic user name or as writeKey of the body"));
  }
  const WriteKey* key = value.get(text) == simdjson::SUCCESS ? keys.Find(text) : nullptr;
  if (key == nullptr)
    return std::unexpected(Refuse(401, nullptr, "wrong_write_key", "writeKey", "the write key is unknown"));
  if (request.header_key && request.header_key != key) {
    return std::unexpected(
        Refuse(401, nullptr, "wrong_write_key", "writeKey", "header and body name different write keys"));
  }
  return key;
}

std::expected<std::optional<Micros>, BodyRefusal> SentAt(const element& root, const WriteKey* key) {
  element value;
  if (root["sentAt"].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    if (auto time = ParseTime(text)) return *time;
  }
  return std::unexpected(Refuse(
      400, key, "malformed_time", "sentAt",
      fmt::format("found {}, allowed is a time as 2026-11-22T21:52:06.246Z", CutText(simdjson::minify(value), 80))));
}

// `refusal`: why the message is refused whatever it says; or null.
void ReadMessage(MessageReader& reader, const element& message, const Rejection* refusal, MessageIdMaker& ids,
                 LogRecord* record, BodyMessage* out) {
  reader.Read(message, record);
  if (refusal != nullptr) reader.Refuse(*refusal, record);
  Event& event = record->event;
  if (event.message_id.empty()) event.message_id = ids.Next();
  out->accepted = record->kind == RecordKind::kEvent;
  out->message_id = event.message_id;
  out->user_hash = Hash64(event.user_id.empty() ? event.anonymous_id : event.user_id);
  EncodeLogRecord(*record, &out->payload);
  if (out->accepted) return;
  out->rejection = std::move(record->rejection);
  out->rejection.raw.clear();
}

}  // namespace

BodyRefusal OutOfMemoryRefusal(const WriteKey* key) {
  return Refuse(503, key, "out_of_memory", "", "the server has no memory for the body now; send it again later");
}

MessageIdMaker::MessageIdMaker() : prefix_("srv-" + NewSecret(16) + "-") {}

std::string MessageIdMaker::Next() {
  return fmt::format("{}{:x}", prefix_, count_.fetch_add(1, std::memory_order_relaxed));
}

std::expected<Body, BodyRefusal> ReadBody(const BodyRequest& request, const TrackingPlan& plan, const WriteKeys& keys,
                                          const BodyLimits& limits, MessageIdMaker& ids) {
  Workspace& workspace = ThisThreadsWorkspace();
  std::optional<MaskedBody> masked;
  auto root = Parse(request, &workspace.parser, &masked);
  if (!root) return std::unexpected(root.error());
  auto key = Authenticate(request, *root, keys);
  if (!key) return std::unexpected(key.error());
  Body body{*key, !request.type.empty(), {}};
  if (size_t size = request.body->size(); size > body.key->batch_bytes_max) {
    return std::unexpected(
        Refuse(413, body.key, "body_too_large", "",
               fmt::format("the body has {} bytes, at most {} are allowed", size, body.key->batch_bytes_max)));
  }
  auto sent_at = SentAt(*root, body.key);
  if (!sent_at) return std::unexpected(sent_at.error());

  MessageLimits message_limits = limits.message;
  message_limits.event_bytes_max = body.key->event_bytes_max;
  MessageReader reader(plan, message_limits,
                       {request.type, body.key->name, body.key->bulk, request.remote_ip, request.user_agent, *sent_at,
                        request.received_time});
  const auto refusal = [&](size_t index) -> const Rejection* {
    if (!masked) return nullptr;
    const auto found = masked->by_message.find(index);
    return found == masked->by_message.end() ? nullptr : &found->second;
  };
  if (body.single) {
    ReadMessage(reader, *root, refusal(0), ids, &workspace.record, &body.messages.emplace_back());
    return body;
  }
  simdjson::dom::array batch;
  if ((*root)["batch"].get(batch) != simdjson::SUCCESS) {
    return std::unexpected(Refuse(400, body.key, "missing_batch", "batch", "found no list of messages under batch"));
  }
  size_t count = 0;
  for (element message : batch) {
    if (++count > limits.batch_events_max) {
      return std::unexpected(
          Refuse(413, body.key, "batch_too_large", "batch",
                 fmt::format("more than {} messages, at most that many are allowed", limits.batch_events_max)));
    }
    ReadMessage(reader, message, refusal(count - 1), ids, &workspace.record, &body.messages.emplace_back());
  }
  if (count == 0)
    return std::unexpected(Refuse(400, body.key, "missing_batch", "batch", "found an empty list of messages"));
  return body;
}

std::string RefusedBodyPayload(const BodyRefusal& refusal, const BodyRequest& request, const TrackingPlan& plan,
                               const BodyLimits& limits) {
  MessageReader reader(plan, limits.message,
                       {request.type, refusal.key->name, false, request.remote_ip, request.user_agent, std::nullopt,
                        request.received_time});
  std::string payload;
  EncodeLogRecord(reader.Refused(refusal.rejection, *request.body), &payload);
  return payload;
}

}  // namespace feedmill::ingest
