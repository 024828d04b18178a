#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>

#include "base/text_encoding.h"
#include "base/time_text.h"
#include "ingest/json_access_internal.h"
#include "ingest/message_reader_internal.h"
#include "ingest/value_schema_internal.h"

namespace feedmill::ingest {

using simdjson::dom::element;
using Refusal = std::optional<Rejection>;

namespace {

constexpr size_t kIdBytesMax = 256;
constexpr size_t kUserAgentBytesMax = 512;
constexpr size_t kShownBytesMax = 80;
constexpr std::array<std::string_view, 6> kTypes = {"track", "identify", "page", "screen", "group", "alias"};

Rejection Because(std::string_view rule, std::string_view field, std::string reason) {
  return {std::move(reason), std::string(field), std::string(rule), ""};
}

std::string_view TypeName(const element& value) {
  switch (value.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "array";
    case simdjson::dom::element_type::OBJECT:
      return "object";
    case simdjson::dom::element_type::STRING:
      return "string";
    case simdjson::dom::element_type::BOOL:
      return "boolean";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "number";
  }
}

// A string member of at most kIdBytesMax bytes; absent and null leave `out` empty.
Refusal TakeText(std::string_view field, const std::optional<element>& value, std::string_view* out) {
  if (!value) return std::nullopt;
  if (!value->is_string())
    return Because("wrong_type", field, fmt::format("found {}, allowed string", TypeName(*value)));
  *out = TextOf(*value);
  if (out->size() <= kIdBytesMax) return std::nullopt;
  return Because("too_long", field, fmt::format("found {} bytes, at most {} are allowed", out->size(), kIdBytesMax));
}

Refusal TakeTime(std::string_view field, const std::optional<element>& value, std::optional<Micros>* out) {
  std::string_view text;
  if (auto refusal = TakeText(field, value, &text)) return refusal;
  if (text.empty()) return std::nullopt;
  auto time = ParseTime(text);
  if (!time) {
    return Because(
        "malformed_time", field,
        fmt::format("found \"{}\", allowed is a time as 2026-11-22T21:52:06.246Z", CutText(text, kShownBytesMax)));
  }
  *out = *time;
  return std::nullopt;
}

// What is no UTF-8 becomes U+FFFD: a column of text holds nothing else.
std::string AsUtf8(std::string_view text) {
  constexpr size_t kSequenceBytesMax = 4;
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string(text);
  std::string out;
  while (!text.empty()) {
    size_t length = 1;
    while (length <= kSequenceBytesMax && !simdjson::validate_utf8(text.data(), std::min(length, text.size())))
      ++length;
    const bool good = length <= std::min(kSequenceBytesMax, text.size());
    out += good ? text.substr(0, length) : "\xef\xbf\xbd";
    text.remove_prefix(good ? length : 1);
  }
  return out;
}

// `"name":"value",` in front of the members of a JSON object's text.
void PrependMember(std::string_view name, std::string_view value, std::string* object) {
  std::string member = "{\"";
  member += name;
  member += "\":";
  AppendJsonString(value, &member);
  if (object->size() > 2) member += ',';
  object->replace(0, 1, member);
}

}  // namespace

// The members of a message; absent and null members are not there.
struct MessageReader::Fields {
  std::optional<element> message_id, type, event, user_id, anonymous_id, timestamp, original_timestamp, sent_at,
      context, properties, traits, name, category, group_id, previous_id;
};

Refusal MessageReader::Collect(const element& message, Fields* fields) {
  if (!message.is_object())
    return Because("wrong_type", "", fmt::format("found {}, allowed object", TypeName(message)));
  struct Slot {
    std::string_view name;
    std::optional<element> Fields::* field;
  };
  // The commonest first.
  static constexpr std::array<Slot, 15> kSlots = {{{"messageId", &Fields::message_id},
                                                   {"type", &Fields::type},
                                                   {"event", &Fields::event},
                                                   {"userId", &Fields::user_id},
                                                   {"timestamp", &Fields::timestamp},
                                                   {"properties", &Fields::properties},
                                                   {"context", &Fields::context},
                                                   {"anonymousId", &Fields::anonymous_id},
                                                   {"sentAt", &Fields::sent_at},
                                                   {"originalTimestamp", &Fields::original_timestamp},
                                                   {"traits", &Fields::traits},
                                                   {"name", &Fields::name},
                                                   {"category", &Fields::category},
                                                   {"groupId", &Fields::group_id},
                                                   {"previousId", &Fields::previous_id}}};
  for (simdjson::dom::key_value_pair member : ObjectOf(message)) {
    if (member.value.is_null()) continue;
    auto slot = std::ranges::find(kSlots, member.key, &Slot::name);
    if (slot != kSlots.end()) fields->*(slot->field) = member.value;
  }
  return std::nullopt;
}

void MessageReader::Read(const element& message, LogRecord* out) {
  out->kind = RecordKind::kEvent;
  out->rejection = {};
  out->document.clear();
  Event& event = out->event;
  for (auto* text : {&event.message_id, &event.type, &event.name, &event.user_id, &event.anonymous_id, &event.context})
    text->clear();
  event.properties = "{}";
  event.source = origin_.source;
  event.user_agent = CutText(origin_.user_agent, kUserAgentBytesMax);
  event.received_time = event.event_time = event.original_time = origin_.received_time;
  Fields fields;
  Refusal refusal = Collect(message, &fields);
  if (!refusal) refusal = Fill(fields, &event);
  if (!refusal) return;
  refusal->raw = simdjson::minify(message);
  Refuse(*refusal, out);
}

void MessageReader::Refuse(const Rejection& refusal, LogRecord* record) const {
  Event readable = std::move(record->event);
  readable.context.clear();
  readable.properties = "{}";
  *record = Refused(refusal, refusal.raw);
  readable.remote_ip = record->event.remote_ip;
  record->event = std::move(readable);
}

LogRecord MessageReader::Refused(const Rejection& rejection, std::string_view raw) const {
  LogRecord record;
  record.kind = RecordKind::kRejected;
  record.rejection = rejection;
  record.rejection.raw = AsUtf8(CutText(raw, limits_.rejected_raw_bytes_max));
  Event& event = record.event;
  event.type = origin_.type;
  event.source = origin_.source;
  event.user_agent = CutText(origin_.user_agent, kUserAgentBytesMax);
  event.remote_ip = TruncateAddress(origin_.remote_ip);
  event.received_time = event.event_time = event.original_time = origin_.received_time;
  return record;
}

Refusal MessageReader::Fill(const Fields& fields, Event* event) {
  if (auto refusal = FillIds(fields, event)) return refusal;
  if (auto refusal = FillTimes(fields, event)) return refusal;
  if (auto refusal = FillContext(fields, event)) return refusal;
  if (auto refusal = FillProperties(fields, event)) return refusal;
  size_t bytes = event->message_id.size() + event->name.size() + event->user_id.size() + event->anonymous_id.size() +
                 event->context.size() + event->properties.size();
  if (bytes <= limits_.event_bytes_max) return std::nullopt;
  return Because("event_too_large", "",
                 fmt::format("the event takes {} bytes, at most {} are allowed", bytes, limits_.event_bytes_max));
}

Refusal MessageReader::FillIds(const Fields& fields, Event* event) const {
  std::string_view message_id, user_id, anonymous_id, name, type = origin_.type;
  if (auto refusal = TakeText("messageId", fields.message_id, &message_id)) return refusal;
  event->message_id = message_id;
  if (type.empty()) {
    if (auto refusal = TakeText("type", fields.type, &type)) return refusal;
    if (std::ranges::find(kTypes, type) == kTypes.end()) {
      return Because("unknown_type", "type",
                     fmt::format("found \"{}\", allowed {}", CutText(type, kShownBytesMax), fmt::join(kTypes, ", ")));
    }
  }
  event->type = type;
  if (auto refusal = TakeText("userId", fields.user_id, &user_id)) return refusal;
  event->user_id = user_id;
  if (auto refusal = TakeText("anonymousId", fields.anonymous_id, &anonymous_id)) return refusal;
  event->anonymous_id = anonymous_id;
  if (type == "track") {
    if (auto refusal = TakeText("event", fields.event, &name)) return refusal;
    if (name.empty()) return Because("missing_event", "event", "found nothing, a track message must name its event");
    event->name = name;
  }
  if (!user_id.empty() || !anonymous_id.empty()) return std::nullopt;
  return Because("missing_user", "userId", "found neither userId nor anonymousId, one of them is required");
}

// Segment's arithmetic: a client whose clock is wrong is wrong by the same amount in timestamp and sentAt.
Refusal MessageReader::FillTimes(const Fields& fields, Event* event) const {
  std::optional<Micros> original, sent_at = origin_.sent_at;
  if (auto refusal = TakeTime("originalTimestamp", fields.original_timestamp, &original)) return refusal;
  if (auto refusal = TakeTime("timestamp", fields.timestamp, &original)) return refusal;
  if (auto refusal = TakeTime("sentAt", fields.sent_at, &sent_at)) return refusal;
  if (!original) return std::nullopt;
  event->original_time = *original;
  Micros time = sent_at ? event->received_time - (*sent_at - *original) : *original;
  if (time < event->received_time - limits_.past_max) {
    return Because("time_too_old", "timestamp",
                   fmt::format("found {}, at most {} days before now are allowed", FormatTime(time),
                               limits_.past_max / kMicrosPerDay));
  }
  if (time > event->received_time + limits_.future_max) {
    return Because("time_in_future", "timestamp",
                   fmt::format("found {}, the server's clock says {} and allows {} s more", FormatTime(time),
                               FormatTime(event->received_time), limits_.future_max / kMicrosPerSecond));
  }
  event->event_time = std::min(time, event->received_time);
  return std::nullopt;
}

// The whole address is never kept: context.ip goes out of the context, its network stays in remote_ip.
Refusal MessageReader::FillContext(const Fields& fields, Event* event) {
  std::string_view address = origin_.remote_ip, agent;
  bool has_ip = false;
  if (fields.context) {
    if (!fields.context->is_object()) {
      return Because("wrong_type", "context", fmt::format("found {}, allowed object", TypeName(*fields.context)));
    }
    for (simdjson::dom::key_value_pair member : ObjectOf(*fields.context)) {
      if (member.key == "ip") {
        has_ip = true;
        if (member.value.is_string()) address = TextOf(member.value);
      } else if (member.key == "userAgent" && member.value.is_string()) {
        agent = TextOf(member.value);
      }
    }
    if (!has_ip) event->context = simdjson::minify(*fields.context);
  }
  if (has_ip) {
    event->context = "{";
    for (simdjson::dom::key_value_pair member : ObjectOf(*fields.context)) {
      if (member.key == "ip") continue;
      if (event->context.size() > 1) event->context += ',';
      AppendJsonString(member.key, &event->context);
      event->context += ':';
      event->context += simdjson::minify(member.value);
    }
    event->context += '}';
  }
  if (!agent.empty()) event->user_agent = CutText(agent, kUserAgentBytesMax);
  if (truncated_from_ != address) {
    truncated_from_ = address;
    truncated_ip_ = TruncateAddress(address);
  }
  event->remote_ip = truncated_ip_;
  return std::nullopt;
}

Refusal MessageReader::FillProperties(const Fields& fields, Event* event) const {
  bool has_traits = event->type == "identify" || event->type == "group";
  std::string_view field = has_traits ? "traits" : "properties";
  const std::optional<element>& value = has_traits ? fields.traits : fields.properties;
  if (value && !value->is_object())
    return Because("wrong_type", field, fmt::format("found {}, allowed object", TypeName(*value)));
  const ValueSchema* schema = plan_.Find(event->type, event->name);
  if (schema == nullptr && event->type == "track") {
    return Because("unknown_event", "event",
                   fmt::format("found \"{}\", the tracking plan has: {}", CutText(event->name, kShownBytesMax),
                               fmt::join(plan_.event_names(), ", ")));
  }
  if (schema != nullptr && schema->servers_only && !origin_.is_server) {
    return Because("not_from_clients", "event",
                   fmt::format("found \"{}\" sent with the key \"{}\", allowed with keys for import alone (x-from: "
                               "servers in the tracking plan)",
                               CutText(event->name, kShownBytesMax), origin_.source));
  }
  if (schema != nullptr) {
    auto broken = value ? CheckValue(*schema, *value, field) : CheckAbsent(*schema, field);
    if (broken) return Because(broken->rule, broken->field, std::move(broken->reason));
  }
  if (value) event->properties = simdjson::minify(*value);
  // Members of the other message types that have no place of their own in an event.
  const std::pair<std::string_view, const std::optional<element>&> extras[] = {{"name", fields.name},
                                                                               {"category", fields.category},
                                                                               {"groupId", fields.group_id},
                                                                               {"previousId", fields.previous_id}};
  for (const auto& [name, extra] : extras) {
    if (!extra || event->type == "track") continue;
    std::string_view text;
    if (auto refusal = TakeText(name, extra, &text)) return refusal;
    PrependMember(name, text, &event->properties);
  }
  return std::nullopt;
}

namespace {

std::string MakeTruncatedAddress(std::string_view address) {
  std::string text(address.substr(0, INET6_ADDRSTRLEN));
  char out[INET6_ADDRSTRLEN];
  unsigned char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) {
    bytes[3] = 0;
    return inet_ntop(AF_INET, bytes, out, sizeof out);
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes) != 1) return "";
  // ::ffff:a.b.c.d is an IPv4 address.
  static constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped, kMapped + 12, bytes)) {
    bytes[15] = 0;
    return inet_ntop(AF_INET, bytes + 12, out, sizeof out);
  }
  std::fill(bytes + 6, bytes + 16, 0);
  return inet_ntop(AF_INET6, bytes, out, sizeof out);
}

}  // namespace

// Clients keep their connections: mostly it is the address that was asked for last.
std::string TruncateAddress(std::string_view address) {
  thread_local std::string last, truncated;
  if (address != last || last.empty()) {
    truncated = MakeTruncatedAddress(address);
    last = address;
  }
  return truncated;
}

std::string_view CutText(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (text[bytes_max] & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace feedmill::ingest
