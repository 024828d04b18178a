#include "serve/feed_query.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "base/text_encoding.h"
#include "base/time_text.h"
#include "data/log_positions.h"

namespace feedmill::serve {
namespace {

using Json = nlohmann::json;
using Parsed = std::expected<void, QueryError>;

constexpr size_t kFoundBytesMax = 80;  // of a wrong value, repeated in the message

std::unexpected<QueryError> Wrong(std::string field, std::string found, std::string allowed) {
  if (found.size() > kFoundBytesMax) found = found.substr(0, kFoundBytesMax) + "...";
  return std::unexpected(QueryError{std::move(field), std::move(found), std::move(allowed)});
}

std::string Dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Parsed CheckId(const std::string& field, const std::string& id) {
  if (IsId(id)) return {};
  const std::string found = id.empty()                ? "nothing"
                            : id.size() > kIdBytesMax ? fmt::format("{} bytes", id.size())
                                                      : "a byte of value 0, or no UTF-8";
  return Wrong(field, found, fmt::format("a text of 1 to {} bytes of UTF-8, none of value 0", kIdBytesMax));
}

Parsed ReadCount(const std::string& text, int items_max, int* out) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > items_max) {
    return Wrong("n", text, fmt::format("a whole number from 1 to {}", items_max));
  }
  *out = value;
  return {};
}

Parsed ReadPositions(const std::string& text, std::vector<LogPosition>* out) {
  auto positions = ParseLogPositions(text);
  if (!positions) return Wrong("after", text, kPositionsAllowed);
  *out = std::move(*positions);
  return {};
}

Parsed ReadTexts(const Json& value, const std::string& field, size_t count_max, std::vector<std::string>* out) {
  const std::string allowed = fmt::format("a list of at most {} texts", count_max);
  if (!value.is_array() || value.size() > count_max) {
    return Wrong(field, value.is_array() ? fmt::format("{} of them", value.size()) : Dump(value), allowed);
  }
  for (const Json& element : value) {
    if (!element.is_string()) return Wrong(field, Dump(element), allowed);
    out->push_back(element.get<std::string>());
  }
  return {};
}

Parsed ReadCursor(const std::string& text, FeedCursor* out) {
  const auto cursor = FeedCursor::Parse(text);
  if (!cursor) return Wrong("cursor", text, "what `next` of the answer before says");
  *out = *cursor;
  return {};
}

Parsed ReadFlag(const std::string& key, const Json& value, bool* out) {
  if (!value.is_boolean()) return Wrong(key, Dump(value), "true or false");
  *out = value.get<bool>();
  return {};
}

// One message in Segment's shape: a track with its event, or an identify.
Parsed ReadSupposed(const std::string& field, const Json& message, std::vector<LogRecord>* out) {
  const std::string allowed = R"(a message like {"event": "...", "properties": {...}})";
  if (!message.is_object()) return Wrong(field, Dump(message), allowed);
  LogRecord record;
  for (const auto& [name, text] : {std::pair("event", &record.event.name), std::pair("type", &record.event.type)}) {
    const auto member = message.find(name);
    if (member == message.end()) continue;
    if (!member->is_string()) return Wrong(fmt::format("{}.{}", field, name), Dump(*member), "a text");
    *text = member->get<std::string>();
  }
  if (record.event.type.empty()) record.event.type = "track";
  const char* const name = record.event.type == "identify" ? "traits" : "properties";
  const auto properties = message.find(name);
  if (properties == message.end() || !properties->is_object()) {
    return Wrong(fmt::format("{}.{}", field, name), properties == message.end() ? "nothing" : Dump(*properties),
                 "an object");
  }
  record.event.properties = Dump(*properties);
  out->push_back(std::move(record));
  return {};
}

Parsed ReadSuppositions(const Json& value, FeedQuery* query) {
  if (!value.is_array() || value.size() > kSupposedMax) {
    return Wrong("suppose", value.is_array() ? fmt::format("{} of them", value.size()) : Dump(value),
                 fmt::format("a list of at most {} messages", kSupposedMax));
  }
  for (size_t i = 0; i < value.size(); ++i) {
    if (auto read = ReadSupposed(fmt::format("suppose[{}]", i), value[i], &query->suppose); !read) return read;
  }
  query->dry_run |= !query->suppose.empty();
  return {};
}

Parsed ReadContextField(const domain::Field& field, const Json& value, ContextValue* out) {
  const std::string name = "context." + field.name;
  switch (field.type) {
    case domain::FieldType::kText:
      if (!value.is_string()) return Wrong(name, Dump(value), "a text");
      out->texts = {value.get<std::string>()};
      return {};
    case domain::FieldType::kTexts:
      return ReadTexts(value, name, kTopicsMax, &out->texts);
    case domain::FieldType::kNumber:
      if (!value.is_number()) return Wrong(name, Dump(value), "a number");
      out->number = value.get<double>();
      return {};
    case domain::FieldType::kBoolean:
      if (!value.is_boolean()) return Wrong(name, Dump(value), "true or false");
      out->number = value.get<bool>() ? 1 : 0;
      return {};
    case domain::FieldType::kTime: {
      const auto time = value.is_string() ? ParseTime(value.get_ref<const std::string&>()) : Result<Micros>(0);
      if (!value.is_string() || !time) return Wrong(name, Dump(value), "an instant like \"2026-11-22T21:52:06Z\"");
      out->number = static_cast<double>(FloorTo(*time, kMicrosPerSecond) / kMicrosPerSecond);
      return {};
    }
  }
  return {};
}

Parsed ReadContext(const Json& value, const std::vector<domain::Field>& fields, FeedQuery* query) {
  if (!value.is_object()) return Wrong("context", Dump(value), "an object");
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto said = value.find(fields[i].name);
    if (said == value.end() || said->is_null()) continue;
    if (auto read = ReadContextField(fields[i], *said, &query->context[i]); !read) return read;
  }
  const auto topics = value.find("topics");
  return topics == value.end() ? Parsed() : ReadTexts(*topics, "context.topics", kTopicsMax, &query->topics);
}

Parsed ReadMember(const std::string& key, const Json& value, int items_max, const std::vector<domain::Field>& fields,
                  FeedQuery* query) {
  if (key == "n") {
    return ReadCount(value.is_number_integer() ? Dump(value) : fmt::format("not whole: {}", Dump(value)), items_max,
                     &query->n);
  }
  if (key == "debug") return ReadFlag(key, value, &query->debug);
  if (key == "guest") return ReadFlag(key, value, &query->guest);
  if (key == "recent") return ReadTexts(value, key, kRecentMax, &query->recent);
  if (key == "dry_run") {
    bool wanted = false;
    Parsed read = ReadFlag(key, value, &wanted);
    query->dry_run |= wanted;
    return read;
  }
  if (key == "suppose") return ReadSuppositions(value, query);
  if (key == "exclude") return ReadTexts(value, key, kExcludeMax, &query->exclude);
  if (key == "context") return ReadContext(value, fields, query);
  if (key != "user_id" && key != "scene" && key != "after" && key != "cursor") {
    return Wrong(key, "an unknown field",
                 "user_id, guest, recent, scene, n, cursor, exclude, context, after, debug, dry_run, suppose");
  }
  if (!value.is_string()) return Wrong(key, Dump(value), "a text");
  const std::string text = value.get<std::string>();
  if (key == "after") return ReadPositions(text, &query->after);
  if (key == "cursor") return ReadCursor(text, &query->cursor);
  (key == "scene" ? query->scene : query->user_id) = text;
  return {};
}

Parsed ReadBody(const std::string& body, int items_max, const std::vector<domain::Field>& fields, FeedQuery* query) {
  if (body.size() > kBodyBytesMax) {
    return Wrong("body", fmt::format("{} bytes", body.size()), fmt::format("at most {} bytes", kBodyBytesMax));
  }
  const Json document = Json::parse(body, nullptr, false);
  if (!document.is_object()) {
    return Wrong("body", document.is_discarded() ? "bytes that are no JSON" : Dump(document),
                 "a JSON object like {\"user_id\": \"ada\", \"n\": 20}");
  }
  for (const auto& [key, value] : document.items()) {
    if (auto read = ReadMember(key, value, items_max, fields, query); !read) return read;
  }
  return {};
}

Parsed ReadParameters(const io::HttpRequest& request, int items_max, FeedQuery* query) {
  if (const auto repeated = io::RepeatedParameter(request, {"exclude", "recent"}); !repeated.empty())
    return Wrong(std::string(repeated), "it more than once", "once");
  for (const auto& [key, value] : request.query) {
    Parsed read;
    if (key == "n") {
      read = ReadCount(value, items_max, &query->n);
    } else if (key == "after") {
      read = ReadPositions(value, &query->after);
    } else if (key == "user_id" || key == "scene") {
      (key == "scene" ? query->scene : query->user_id) = value;
    } else if (key == "cursor") {
      read = ReadCursor(value, &query->cursor);
    } else if (key == "debug" || key == "guest") {
      bool& flag = key == "debug" ? query->debug : query->guest;
      flag = value == "1" || value == "true";
      if (!flag && value != "0" && value != "false") read = Wrong(key, value, "true or false");
    } else if (key == "exclude") {
      query->exclude.push_back(value);
    } else if (key == "recent" && query->recent.size() < kRecentMax) {
      query->recent.push_back(value);
    } else if (key == "recent") {
      read = Wrong(key, fmt::format("more than {}", kRecentMax), fmt::format("at most {}", kRecentMax));
    } else {
      read = Wrong(key, "an unknown parameter", "user_id, guest, recent, scene, n, cursor, exclude, after, debug");
    }
    if (!read) return read;
  }
  return {};
}

}  // namespace

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax && text.find('\0') == std::string_view::npos && IsUtf8(text);
}

std::expected<FeedQuery, QueryError> ParseFeedQuery(const io::HttpRequest& request, int items_max,
                                                    const std::vector<domain::Field>& fields) {
  FeedQuery query;
  query.n = std::min(kItemsDefault, items_max);
  const bool has_body = request.method == "POST";
  Parsed read = ReadParameters(request, items_max, &query);
  if (read && has_body) read = ReadBody(request.body, items_max, fields, &query);
  if (read && query.guest && !query.user_id.empty()) read = Wrong("user_id", query.user_id, "nothing of a guest");
  if (read && !query.guest && !query.recent.empty())
    read = Wrong("recent", "items of a known user", "items of a guest");
  if (read && !query.guest) read = CheckId("user_id", query.user_id);
  if (read) read = CheckId("scene", query.scene);
  if (!read) return std::unexpected(read.error());
  return query;
}

}  // namespace feedmill::serve
