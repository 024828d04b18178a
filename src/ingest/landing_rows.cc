#include <algorithm>
#include <array>
#include <optional>

#include "base/time_text.h"
#include "data/bot_agent.h"
#include "data/event_id.h"
#include "ingest/json_access_internal.h"
#include "ingest/landing_rows_internal.h"

namespace feedmill::ingest {

enum class RowMapper::Slot : int {
  kTyped,
  kEventId,
  kType,
  kEvent,
  kUserId,
  kAnonymousId,
  kEventTime,
  kOriginalTime,
  kReceivedTime,
  kIp,
  kCountry,
  kRegion,
  kCity,
  kUserAgent,
  kIsBot,
  kWriteSource,
  kContext,
  kProperties,
  kLogPartition,
  kLogOffset,
  kReason,
  kField,
  kRule,
  kRaw,
};

// Parsers and what the last record's JSON gave for each typed column.
struct RowMapper::Json {
  simdjson::dom::parser properties;
  simdjson::dom::parser context;
  std::vector<std::optional<simdjson::dom::element>> typed;
};

RowMapper::~RowMapper() = default;

RowMapper::RowMapper(const Schema& schema, const PlaceFinder* places)
    : places_(places), json_(std::make_unique<Json>()) {
  static constexpr std::array<std::pair<std::string_view, Slot>, 23> kSlots = {{{"event_id", Slot::kEventId},
                                                                                {"type", Slot::kType},
                                                                                {"event", Slot::kEvent},
                                                                                {"user_id", Slot::kUserId},
                                                                                {"anonymous_id", Slot::kAnonymousId},
                                                                                {"event_time", Slot::kEventTime},
                                                                                {"original_time", Slot::kOriginalTime},
                                                                                {"received_time", Slot::kReceivedTime},
                                                                                {"ip", Slot::kIp},
                                                                                {"country", Slot::kCountry},
                                                                                {"region", Slot::kRegion},
                                                                                {"city", Slot::kCity},
                                                                                {"user_agent", Slot::kUserAgent},
                                                                                {"is_bot", Slot::kIsBot},
                                                                                {"write_source", Slot::kWriteSource},
                                                                                {"context", Slot::kContext},
                                                                                {"properties", Slot::kProperties},
                                                                                {"log_partition", Slot::kLogPartition},
                                                                                {"log_offset", Slot::kLogOffset},
                                                                                {"reason", Slot::kReason},
                                                                                {"field", Slot::kField},
                                                                                {"rule", Slot::kRule},
                                                                                {"raw", Slot::kRaw}}};
  for (const auto& column : schema) {
    auto slot = std::ranges::find(kSlots, column.name, &std::pair<std::string_view, Slot>::first);
    columns_.push_back({slot == kSlots.end() ? Slot::kTyped : slot->second, column.type, column.name});
    has_typed_ = has_typed_ || columns_.back().slot == Slot::kTyped;
  }
  json_->typed.resize(columns_.size());
}

Status RowMapper::Write(const LogRecord& record, LogPosition position, Micros append_time, RowWriter* writer) {
  if (record.kind == RecordKind::kFeedRequest) return WriteFeedRequest(record, position, append_time, writer);
  if (has_typed_) FindTyped(record.event.properties);
  FindPlace(record.event);
  event_id_.clear();
  AppendEventId(record.event.source, record.event.message_id, &event_id_);
  if (bot_of_ != record.event.user_agent) {
    bot_of_ = record.event.user_agent;
    is_bot_ = IsBotAgent(bot_of_);
  }
  for (size_t i = 0; i < columns_.size(); ++i) WriteStandard(i, record, position, writer);
  return writer->EndRow();
}

namespace {

void AppendTextOrNull(size_t column, std::string_view text, RowWriter* writer) {
  text.empty() ? writer->AppendNull(column) : writer->AppendText(column, text);
}

// An integer that a value is, 3.0 included; nothing when it is none or does not fit.
std::optional<int64_t> LongOf(const simdjson::dom::element& value) {
  int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number;
  double real = 0;
  if (!value.is_double() || value.get(real) != simdjson::SUCCESS) return std::nullopt;
  if (real < -0x1p63 || real >= 0x1p63 || static_cast<double>(static_cast<int64_t>(real)) != real) return std::nullopt;
  return static_cast<int64_t>(real);
}

void AppendTyped(size_t column, ColumnType type, const std::optional<simdjson::dom::element>& value,
                 RowWriter* writer) {
  if (!value || value->is_null()) return writer->AppendNull(column);
  if (type == ColumnType::kString && value->is_string()) return writer->AppendText(column, TextOf(*value));
  if (type == ColumnType::kLong) {
    if (auto number = LongOf(*value)) return writer->AppendLong(column, *number);
  }
  if (type == ColumnType::kDouble && value->is_number()) return writer->AppendDouble(column, NumberOf(*value));
  if (type == ColumnType::kBoolean && value->is_bool()) return writer->AppendBoolean(column, ValueOf<bool>(*value));
  writer->AppendNull(column);
}

simdjson::error_code Parse(simdjson::dom::parser* parser, const std::string& text, simdjson::dom::element* out) {
  return parser->parse(text.data(), text.size(), true).get(*out);
}

}  // namespace

void RowMapper::WriteStandard(size_t index, const LogRecord& record, LogPosition position, RowWriter* writer) const {
  const Event& event = record.event;
  switch (columns_[index].slot) {
    case Slot::kTyped:
      return AppendTyped(index, columns_[index].type, json_->typed[index], writer);
    case Slot::kEventId:
      return writer->AppendText(index, event_id_);
    case Slot::kType:
      return writer->AppendText(index, event.type);
    case Slot::kEvent:
      return AppendTextOrNull(index, event.name, writer);
    case Slot::kUserId:
      return AppendTextOrNull(index, event.user_id, writer);
    case Slot::kAnonymousId:
      return AppendTextOrNull(index, event.anonymous_id, writer);
    case Slot::kEventTime:
      return writer->AppendLong(index, event.event_time);
    case Slot::kOriginalTime:
      return writer->AppendLong(index, event.original_time);
    case Slot::kReceivedTime:
      return writer->AppendLong(index, event.received_time);
    case Slot::kIp:
      return AppendTextOrNull(index, event.remote_ip, writer);
    case Slot::kCountry:
      return AppendTextOrNull(index, place_.country, writer);
    case Slot::kRegion:
      return AppendTextOrNull(index, place_.region, writer);
    case Slot::kCity:
      return AppendTextOrNull(index, place_.city, writer);
    case Slot::kUserAgent:
      return AppendTextOrNull(index, event.user_agent, writer);
    case Slot::kIsBot:
      return writer->AppendBoolean(index, is_bot_);
    case Slot::kWriteSource:
      return AppendTextOrNull(index, event.source, writer);
    case Slot::kContext:
      return AppendTextOrNull(index, event.context, writer);
    case Slot::kProperties:
      return AppendTextOrNull(index, event.properties, writer);
    case Slot::kLogPartition:
      return writer->AppendLong(index, position.partition);
    case Slot::kLogOffset:
      return writer->AppendLong(index, static_cast<int64_t>(position.offset));
    case Slot::kReason:
      return AppendTextOrNull(index, record.rejection.reason, writer);
    case Slot::kField:
      return AppendTextOrNull(index, record.rejection.field, writer);
    case Slot::kRule:
      return AppendTextOrNull(index, record.rejection.rule, writer);
    case Slot::kRaw:
      return AppendTextOrNull(index, record.rejection.raw, writer);
  }
}

// Members of the object whose names are typed columns.
void RowMapper::FindTyped(const std::string& properties) {
  std::ranges::fill(json_->typed, std::nullopt);
  simdjson::dom::element root;
  if (properties.size() <= 2 || Parse(&json_->properties, properties, &root) != simdjson::SUCCESS) return;
  for (simdjson::dom::key_value_pair member : ObjectOf(root)) {
    auto named = [&](const Column& column) { return column.slot == Slot::kTyped && column.name == member.key; };
    auto column = std::ranges::find_if(columns_, named);
    if (column != columns_.end()) json_->typed[static_cast<size_t>(column - columns_.begin())] = member.value;
  }
}

// By the database where it knows the network, otherwise as the client said (context.location).
void RowMapper::FindPlace(const Event& event) {
  place_ = {};
  if (places_ != nullptr && !event.remote_ip.empty()) {
    if (place_of_ != event.remote_ip) {
      place_of_ = event.remote_ip;
      network_place_ = places_->Find(event.remote_ip);
    }
    place_ = network_place_;
  }
  simdjson::dom::element root, location;
  if (!place_.country.empty() || event.context.find("\"location\"") == std::string::npos) return;
  if (Parse(&json_->context, event.context, &root) != simdjson::SUCCESS ||
      root["location"].get(location) != simdjson::SUCCESS)
    return;
  auto text = [&](std::string_view name) {
    std::string_view value;
    return location[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  };
  place_ = {text("country"), text("region"), text("city")};
}

// The members of the document by the columns' names: texts as they are, other values as JSON.
Status RowMapper::WriteFeedRequest(const LogRecord& record, LogPosition position, Micros append_time,
                                   RowWriter* writer) {
  simdjson::dom::element root;
  if (Parse(&json_->properties, record.document, &root) != simdjson::SUCCESS || !root.is_object()) {
    return Corrupt("record {} of partition {}: a feed request's document is no JSON object", position.offset,
                   position.partition);
  }
  simdjson::dom::object document = ObjectOf(root);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    simdjson::dom::element value;
    if (column.slot == Slot::kLogPartition) {
      writer->AppendLong(i, position.partition);
    } else if (column.slot == Slot::kLogOffset) {
      writer->AppendLong(i, static_cast<int64_t>(position.offset));
    } else if (column.slot == Slot::kReceivedTime) {
      writer->AppendLong(i, append_time);
    } else if (document[column.name == "request_time" ? "time" : column.name].get(value) != simdjson::SUCCESS ||
               value.is_null()) {
      writer->AppendNull(i);
    } else if (column.type == ColumnType::kTimestamptz) {
      Result<Micros> time = ParseTime(TextOf(value));
      time ? writer->AppendLong(i, *time) : writer->AppendNull(i);
    } else if (column.type == ColumnType::kString && !value.is_string()) {
      writer->AppendText(i, simdjson::minify(value));
    } else {
      AppendTyped(i, column.type, value, writer);
    }
  }
  return writer->EndRow();
}

}  // namespace feedmill::ingest
