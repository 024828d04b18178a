#include <algorithm>
#include <cstring>

#include <simdjson.h>

#include "base/hash.h"
#include "data/bot_agent.h"
#include "data/event_id.h"
#include "features/counter_table.h"
#include "stream/stream_event_internal.h"

namespace feedmill::stream {
namespace {

// As the warehouse: what a bot did is not counted. Its posts are posts.
StreamEvent::Kind KindOf(const Event& event, uint8_t* action) {
  using Kind = StreamEvent::Kind;
  if (event.name == "post_create") return Kind::kPostCreate;
  if (IsBotAgent(event.user_agent)) return Kind::kIgnored;
  if (event.type == "identify") return Kind::kIdentify;
  if (event.name == "unfollow") return Kind::kUnfollow;
  if (event.name == "post_view") return Kind::kPostView;
  const auto counted = features::CountedActionOf(event.name);
  if (!counted) return Kind::kIgnored;
  *action = static_cast<uint8_t>(*counted);
  return *counted == features::Action::kFollow ? Kind::kFollow : Kind::kCounted;
}

void GetText(simdjson::ondemand::value value, std::string* out) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) out->assign(text);
}

int64_t GetWhole(simdjson::ondemand::value value) {
  double number = 0;
  return value.get_double().get(number) == simdjson::SUCCESS ? static_cast<int64_t>(std::clamp(number, -1e15, 1e15))
                                                             : 0;
}

// What is no list of texts is passed over.
void GetTexts(simdjson::ondemand::value value, std::optional<std::vector<std::string>>* out) {
  simdjson::ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return;
  out->emplace();
  for (auto item : array) {
    std::string_view text;
    if (item.get_string().get(text) == simdjson::SUCCESS) (*out)->emplace_back(text);
  }
}

void GetField(std::string_view key, simdjson::ondemand::value value, StreamEvent* out) {
  if (key == "post_id") return GetText(value, &out->post_id);
  if (key == "author_id") return GetText(value, &out->author_id);
  if (key == "target_user_id") return GetText(value, &out->target_user_id);
  if (key == "topic") return GetText(value, &out->topic);
  if (key == "topics") return GetTexts(value, &out->topics);
  if (key == "dwell_ms") out->dwell_ms = GetWhole(value);
  if (key == "text_length") out->text_length = static_cast<double>(GetWhole(value));
}

}  // namespace

struct StreamEventReader::Parser {
  simdjson::ondemand::parser json;
  std::string padded;

  bool Fields(std::string_view properties, StreamEvent* out) {
    padded.resize(std::max(padded.size(), properties.size() + simdjson::SIMDJSON_PADDING));
    std::memcpy(padded.data(), properties.data(), properties.size());
    std::memset(padded.data() + properties.size(), 0, simdjson::SIMDJSON_PADDING);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    const simdjson::padded_string_view view(padded.data(), properties.size(), padded.size());
    if (json.iterate(view).get(document) != simdjson::SUCCESS || document.get_object().get(object) != simdjson::SUCCESS)
      return false;
    for (auto field : object) {
      std::string_view key;
      simdjson::ondemand::value value;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(value) != simdjson::SUCCESS)
        return false;
      GetField(key, value, out);
    }
    return true;
  }
};

StreamEventReader::StreamEventReader() : parser_(std::make_unique<Parser>()) {}
StreamEventReader::~StreamEventReader() = default;

void StreamEventReader::Read(const LogRecord& record, LogPosition position, StreamEvent* out) {
  out->position = position;
  out->kind = StreamEvent::Kind::kIgnored;
  out->received = record.event.received_time;
  if (record.kind != RecordKind::kEvent) return;
  const auto kind = KindOf(record.event, &out->action);
  if (kind == StreamEvent::Kind::kIgnored) return;
  for (std::string* text : {&out->post_id, &out->author_id, &out->target_user_id, &out->topic}) text->clear();
  out->topics.reset();
  out->dwell_ms = 0;
  out->text_length = 0;
  if (!parser_->Fields(record.event.properties, out)) return;
  out->kind = kind;
  out->time = record.event.event_time;
  out->id_hash = Hash64(EventIdOf(record.event));
  out->user_id.assign(record.event.user_id);
}

}  // namespace feedmill::stream
