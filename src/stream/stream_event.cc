#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include <simdjson.h>

#include "base/hash.h"
#include "base/time_text.h"
#include "data/bot_agent.h"
#include "data/event_id.h"
#include "stream/stream_event_internal.h"

namespace feedmill::stream {
namespace {

// Properties that say whom and what an event is about.
struct PropertyNames {
  std::string post;
  std::string author;                // whose post it is, as actions state it
  std::vector<std::string> targets;  // of another user
  std::string category;
  std::string told;  // categories, of identify
  std::vector<std::string> numbers;
};

PropertyNames NamesOf(const domain::Domain& domain) {
  const domain::ItemKind& shown = domain.Shown();
  PropertyNames names{shown.id, shown.author_stated, {}, shown.category, domain.Users().category, shown.numbers};
  std::set<std::string> targets;
  for (const domain::Action& action : domain.actions) {
    targets.insert(action.author);
    if (domain.IsOfUsers(action)) targets.insert(action.id);
  }
  for (const domain::Relation& relation : domain.relations) targets.insert(relation.id);
  targets.erase("");
  names.targets.assign(targets.begin(), targets.end());
  return names;
}

constexpr double kNumberMax = std::numeric_limits<float>::max();  // of a field

void GetText(simdjson::ondemand::value value, std::string* out) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) out->assign(text);
}

double GetNumber(simdjson::ondemand::value value) {
  double number = 0;
  return value.get_double().get(number) == simdjson::SUCCESS ? std::clamp(number, -1e15, 1e15) : 0;
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

void GetField(std::string_view key, simdjson::ondemand::value value, const PropertyNames& names, StreamEvent* out) {
  if (key == names.post) return GetText(value, &out->post_id);
  if (key == names.author) return GetText(value, &out->author_id);
  if (std::ranges::find(names.targets, key) != names.targets.end()) return GetText(value, &out->target_user_id);
  if (key == names.category) return GetText(value, &out->topic);
  if (key == names.told) return GetTexts(value, &out->topics);
  const auto number = std::ranges::find(names.numbers, key);
  if (number != names.numbers.end())
    out->numbers[static_cast<size_t>(number - names.numbers.begin())] = static_cast<float>(GetNumber(value));
}

bool GetValue(simdjson::ondemand::value value, StreamEvent::Said* said) {
  switch (said->type) {
    case domain::FieldType::kText: {
      std::string_view text;
      if (value.get_string().get(text) != simdjson::SUCCESS) return false;
      said->texts.emplace_back(text);
      return true;
    }
    case domain::FieldType::kTexts: {
      std::optional<std::vector<std::string>> texts;
      GetTexts(value, &texts);
      if (texts) said->texts = std::move(*texts);
      return texts.has_value();
    }
    case domain::FieldType::kNumber:
      if (value.get_double().get(said->number) != simdjson::SUCCESS) return false;
      said->number = std::clamp(said->number, -kNumberMax, kNumberMax);
      return true;
    case domain::FieldType::kTime: {
      std::string_view text;
      if (value.get_string().get(text) != simdjson::SUCCESS) return false;
      const auto time = ParseTime(text);
      if (time) said->number = static_cast<double>(FloorTo(*time, kMicrosPerSecond) / kMicrosPerSecond);
      return time.has_value();
    }
    case domain::FieldType::kBoolean: {
      bool flag = false;
      if (value.get_bool().get(flag) != simdjson::SUCCESS) return false;
      said->number = flag ? 1 : 0;
      return true;
    }
  }
  return false;
}

// True when the property is one of the declared fields.
bool GetDeclared(std::string_view key, simdjson::ondemand::value value, const std::vector<domain::Field>& fields,
                 StreamEvent* out) {
  const auto field = std::ranges::find(fields, key, &domain::Field::name);
  if (field == fields.end()) return false;
  StreamEvent::Said said{static_cast<size_t>(field - fields.begin()), field->type, false, 0, {}};
  said.is_unset = !GetValue(value, &said);
  out->fields.push_back(std::move(said));
  return true;
}

// What the property says of the event's actions. True when it was a number that one of them counts.
bool GetDeeds(std::string_view key, simdjson::ondemand::value value, const domain::Domain& domain, StreamEvent* out) {
  bool is_value = false;
  double number = 0;
  for (StreamEvent::Deed& deed : out->deeds) {
    const domain::Action& action = features::ActionOf(domain, deed.action);
    if (action.when == key) deed.holds = true;
    if (action.value.empty() || action.value != key) continue;
    if (!is_value) number = GetNumber(value);
    is_value = true;
    deed.weight = action.Weight(number);
  }
  return is_value;
}

}  // namespace

struct StreamEventReader::Parser {
  simdjson::ondemand::parser json;
  std::string padded;
  PropertyNames names;

  // `fields` are those that are looked for; null: none.
  bool Fields(std::string_view properties, const domain::Domain& domain, const std::vector<domain::Field>* fields,
              StreamEvent* out) {
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
      if (fields != nullptr && GetDeclared(key, value, *fields, out)) continue;
      if (!GetDeeds(key, value, domain, out)) GetField(key, value, names, out);
    }
    return true;
  }
};

StreamEventReader::StreamEventReader(domain::DomainPtr domain)
    : domain_(std::move(domain)), meanings_(*domain_), parser_(std::make_unique<Parser>()) {
  parser_->names = NamesOf(*domain_);
}
StreamEventReader::~StreamEventReader() = default;

// As the warehouse: what a bot did is not counted. Its posts are posts.
StreamEvent::Kind StreamEventReader::KindOf(const Event& event, const domain::EventMeaning* meaning) const {
  using Kind = StreamEvent::Kind;
  if (meaning != nullptr && meaning->makes) return Kind::kPostCreate;
  if (meaning != nullptr && meaning->unmakes) return Kind::kPostRemove;
  if (meaning != nullptr && meaning->withdraws) return Kind::kPostWithdraw;
  if (meaning != nullptr && meaning->restores) return Kind::kPostRestore;
  if (IsBotAgent(event.user_agent)) return Kind::kIgnored;
  if (event.type == "identify") return Kind::kIdentify;
  if (meaning == nullptr) return Kind::kIgnored;
  if (!meaning->adds.empty() || !meaning->removes.empty()) return Kind::kRelated;
  return meaning->actions.empty() ? Kind::kIgnored : Kind::kActed;
}

const std::vector<domain::Field>* StreamEventReader::FieldsOf(StreamEvent::Kind kind) const {
  if (kind == StreamEvent::Kind::kPostCreate) return &domain_->Shown().fields;
  return kind == StreamEvent::Kind::kIdentify ? &domain_->Users().fields : nullptr;
}

void StreamEventReader::Read(const LogRecord& record, LogPosition position, StreamEvent* out) {
  out->position = position;
  out->kind = StreamEvent::Kind::kIgnored;
  out->received = record.event.received_time;
  if (record.kind != RecordKind::kEvent) return;
  const domain::EventMeaning* meaning = record.event.name.empty() ? nullptr : meanings_.Find(record.event.name);
  const auto kind = KindOf(record.event, meaning);
  if (kind == StreamEvent::Kind::kIgnored) return;
  for (std::string* text : {&out->post_id, &out->author_id, &out->target_user_id, &out->topic}) text->clear();
  out->user = out->post = features::kNoEntity;
  out->topics.reset();
  out->numbers = {};
  out->fields.clear();
  out->deeds.clear();
  out->edges.clear();
  if (meaning != nullptr) {
    for (const uint8_t place : meaning->removes) out->edges.push_back({place, false});
    for (const uint8_t place : meaning->adds) out->edges.push_back({place, true});
    for (const uint8_t place : meaning->actions) {
      const domain::Action& action = domain_->actions[place];
      out->deeds.push_back({static_cast<features::Action>(place), action.when.empty(), action.Weight(0)});
    }
  }
  if (!parser_->Fields(record.event.properties, *domain_, FieldsOf(kind), out)) return;
  std::erase_if(out->deeds, [](const StreamEvent::Deed& deed) { return !deed.holds; });
  out->kind = kind;
  out->time = record.event.event_time;
  out->id_hash = Hash64(EventIdOf(record.event));
  out->user_id.assign(record.event.user_id);
}

}  // namespace feedmill::stream
