#include "serve/item_card.h"

#include "base/time_text.h"
#include "serve/feed_query.h"
#include "serve/json_text.h"

namespace feedmill::serve {
namespace {

using features::EntityHandle;
using features::kNoEntity;
using stream::FieldWord;
using stream::LiveState;

constexpr std::string_view kItems = kItemCards, kUsers = "/v1/users/";
constexpr size_t kFoundBytesMax = 80;

std::unexpected<FeedError> Unknown(const std::string& id) {
  const std::string found = id.substr(0, kFoundBytesMax);
  return std::unexpected(
      FeedError{404, fmt::format("nothing is known of \"{}\"", found), "id", found, "an id that an event has named"});
}

void AppendTexts(const LiveState& state, std::span<const EntityHandle> texts, JsonText* json) {
  json->Open('[');
  for (const EntityHandle text : texts) json->Text(state.TopicName(text));
  json->Close(']');
}

void AppendField(const LiveState& state, const domain::Field& field, FieldWord word, JsonText* json) {
  if (!word.given()) return;
  json->Key(field.name);
  switch (field.type) {
    case domain::FieldType::kText:
      json->Text(state.TopicName(word.handle()));
      return;
    case domain::FieldType::kTexts:
      return AppendTexts(state, state.TextsOf(word), json);
    case domain::FieldType::kNumber:
      json->Real(word.number());
      return;
    case domain::FieldType::kBoolean:
      json->Bool(word.boolean());
      return;
    case domain::FieldType::kTime:
      json->Text(FormatTime(word.seconds() * kMicrosPerSecond));
      return;
  }
}

std::string ItemJson(const LiveState& state, const std::string& id, EntityHandle item) {
  const domain::ItemKind& shown = state.domain()->Shown();
  const stream::PostInfo& info = state.Post(item);
  std::string text;
  JsonText json(&text);
  json.Open('{').Key("kind").Text(shown.name).Key("id").Text(id);
  if (info.author != kNoEntity) json.Key("author").Text(state.UserId(info.author));
  if (info.created_at != 0) json.Key("created_at").Text(FormatTime(info.created_at));
  if (info.version_at != 0) json.Key("changed_at").Text(FormatTime(info.version_at));
  if (info.removed_at != 0) json.Key("removed_at").Text(FormatTime(info.removed_at));
  if (const Micros at = state.WithdrawnAt(item); at != 0) json.Key("withdrawn_at").Text(FormatTime(at));
  if (info.topic != kNoEntity) json.Key("category").Text(state.TopicName(info.topic));
  json.Key("numbers").Open('{');
  for (size_t i = 0; info.created_at != 0 && i < shown.numbers.size(); ++i)
    json.Key(shown.numbers[i]).Real(info.numbers[i]);
  json.Close('}').Key("fields").Open('{');
  for (size_t i = 0; i < shown.fields.size(); ++i) AppendField(state, shown.fields[i], state.PostField(item, i), &json);
  json.Close('}').Close('}');
  return text;
}

std::string UserJson(const LiveState& state, const std::string& id, EntityHandle user) {
  const auto& fields = state.domain()->Users().fields;
  std::string text;
  JsonText json(&text);
  json.Open('{').Key("id").Text(id).Key("categories");
  AppendTexts(state, state.ToldTopics(user), &json);
  json.Key("fields").Open('{');
  for (size_t i = 0; i < fields.size(); ++i) AppendField(state, fields[i], state.UserField(user, i), &json);
  json.Close('}').Key("follows").Integer(std::ssize(state.Followees(user))).Close('}');
  return text;
}

}  // namespace

bool IsCard(std::string_view path) { return path.starts_with(kItems) || path.starts_with(kUsers); }

std::expected<CardPath, FeedError> ParseCardPath(std::string_view path, const domain::ItemKind& shown) {
  CardPath card;
  if (path.starts_with(kUsers)) {
    card.id = path.substr(kUsers.size());
  } else {
    const std::string_view rest = path.substr(kItems.size());
    const size_t slash = std::min(rest.find('/'), rest.size());
    card.kind = rest.substr(0, slash);
    card.id = rest.substr(std::min(slash + 1, rest.size()));
    if (card.kind != shown.name) {
      const std::string found = card.kind.substr(0, kFoundBytesMax);
      return std::unexpected(FeedError{404, fmt::format("there is no kind \"{}\"", found), "kind", found, shown.name});
    }
  }
  if (IsId(card.id)) return card;
  return std::unexpected(FeedError{400, "id is wrong", "id", card.id.substr(0, kFoundBytesMax),
                                   fmt::format("an id of 1 to {} bytes of UTF-8, none of value 0", kIdBytesMax)});
}

std::expected<std::string, FeedError> CardJson(const CardPath& path, const LiveState& state) {
  const EntityHandle handle = path.kind.empty() ? state.FindUser(path.id) : state.FindPost(path.id);
  if (handle == kNoEntity) return Unknown(path.id);
  return path.kind.empty() ? UserJson(state, path.id, handle) : ItemJson(state, path.id, handle);
}

}  // namespace feedmill::serve
