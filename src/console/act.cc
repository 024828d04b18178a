#include "console/act.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace feedmill::console {
namespace {

using Json = nlohmann::json;

constexpr double kValueDefault = 8;  // of an action with a value, scaled: what "read it" stands for
constexpr size_t kItemsMax = 200;
constexpr std::string_view kOfAuthor = "_author";  // of an action of items: it is about the author

Result<std::string> TextOf(const Json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    return InvalidArgument("{}: found {}, allowed: a text that is not empty", key,
                           found == from.end() ? "nothing" : found->dump());
  }
  return found->get<std::string>();
}

// What the event may carry about the item and the feed it was in.
Result<Json> ItemProperties(const ActWords& words, const std::string& event, const std::string& id, const Json& from,
                            const Json& feed) {
  Json properties = Json::object();
  const domain::ItemKind& kind = words.domain->Shown();
  FEEDMILL_ASSIGN(properties[id], TextOf(from, "item_id"));
  FEEDMILL_ASSIGN(const std::string author, TextOf(from, "author_id"));
  if (!kind.author_stated.empty() && words.takes(event, kind.author_stated)) properties[kind.author_stated] = author;
  for (const Json* part : {&feed, &from}) {
    for (const char* key : {"request_id", "scene", "source"}) {
      if (part->contains(key) && (*part)[key].is_string() && words.takes(event, key)) properties[key] = (*part)[key];
    }
    const bool placed = part->contains("position") && (*part)["position"].is_number_integer();
    if (placed && words.takes(event, "position")) properties["position"] = (*part)["position"];
  }
  return properties;
}

Json Track(std::string_view event, const std::string& user_id, const std::string& message_id, Json properties) {
  return {{"type", "track"},
          {"event", event},
          {"userId", user_id},
          {"messageId", message_id},
          {"properties", std::move(properties)}};
}

Result<ActedEvent> Impressions(const ActWords& words, const domain::Action& shown, const Json& from,
                               const std::string& user_id, const std::string& message_id) {
  const auto items = from.find("items");
  if (items == from.end() || !items->is_array() || items->empty() || items->size() > kItemsMax) {
    return InvalidArgument("items: allowed: a list of 1 to {} shown items", kItemsMax);
  }
  Json batch = Json::array();
  for (size_t i = 0; i < items->size(); ++i) {
    const Json& item = (*items)[i];
    if (!item.is_object()) return InvalidArgument("items[{}]: found {}, allowed: an object", i, item.dump());
    const std::string& event = shown.events.front();
    FEEDMILL_ASSIGN(Json properties, ItemProperties(words, event, shown.id, item, from));
    batch.push_back(Track(event, user_id, fmt::format("{}-{}", message_id, i), std::move(properties)));
  }
  return ActedEvent{"/v1/batch", Json{{"batch", std::move(batch)}}.dump()};
}

Result<ActedEvent> Identify(const Json& from, const std::string& user_id, const std::string& message_id) {
  const Json traits = from.contains("traits") && from["traits"].is_object() ? from["traits"] : Json::object();
  const Json event = {{"type", "identify"}, {"userId", user_id}, {"messageId", message_id}, {"traits", traits}};
  return ActedEvent{"/v1/identify", event.dump()};
}

std::string AllowedActs(const domain::Domain& domain) {
  std::string allowed = "identify";
  for (const domain::Action& action : domain.actions) {
    allowed += ", " + action.name;
    if (!action.author.empty()) allowed += fmt::format(", {}{}", action.name, kOfAuthor);
  }
  for (const domain::Relation& relation : domain.relations)
    allowed += relation.remove.empty() ? "" : ", " + relation.remove;
  return allowed;
}

Result<ActedEvent> OneAction(const ActWords& words, const Json& from, const std::string& act,
                             const std::string& user_id, const std::string& message_id) {
  const domain::Domain& domain = *words.domain;
  const auto of_author = [&](const std::string& event, const std::string& id) -> Result<ActedEvent> {
    FEEDMILL_ASSIGN(const std::string author, TextOf(from, "author_id"));
    return ActedEvent{"/v1/track", Track(event, user_id, message_id, Json{{id, author}}).dump()};
  };
  for (const domain::Relation& relation : domain.relations) {
    if (act == relation.add || act == relation.remove) return of_author(act, relation.id);
  }
  const bool by_suffix = act.ends_with(kOfAuthor);
  const domain::Action* action = domain.FindAction(by_suffix ? act.substr(0, act.size() - kOfAuthor.size()) : act);
  if (action == nullptr || (by_suffix && action->author.empty()))
    return InvalidArgument("action: found \"{}\", allowed: {}", act, AllowedActs(domain));
  if (action->shown) return Impressions(words, *action, from, user_id, message_id);
  const std::string& event = action->events.front();
  if (by_suffix) return of_author(event, action->author);
  if (domain.IsOfUsers(*action)) return of_author(event, action->id);
  FEEDMILL_ASSIGN(Json properties, ItemProperties(words, event, action->id, from, Json::object()));
  if (!action->value.empty())
    properties[action->value] = std::llround(std::min(kValueDefault, action->value_max) / action->scale);
  return ActedEvent{"/v1/track", Track(event, user_id, message_id, std::move(properties)).dump()};
}

}  // namespace

std::vector<ActButton> ActButtons(const domain::Domain& domain) {
  std::vector<ActButton> buttons;
  for (const domain::Action& action : domain.actions) {
    if (!action.counted || !action.value.empty()) continue;
    ActButton button{action.name, "", action.said, action.icon, action.shown, domain.IsOfUsers(action)};
    for (const domain::Relation& relation : domain.relations) {
      if (!button.of_author || std::ranges::find(action.events, relation.add) == action.events.end()) continue;
      button.undo = relation.remove;
      button.hides = relation.hides != domain::Relation::Hides::kNothing;
    }
    buttons.push_back(std::move(button));
  }
  return buttons;
}

Result<ActedEvent> MakeActedEvent(const ActWords& words, std::string_view body, const std::string& message_id) {
  const Json from = Json::parse(body, nullptr, false);
  if (!from.is_object())
    return InvalidArgument("body: allowed: a JSON object like {{\"action\": ..., \"user_id\": ...}}");
  FEEDMILL_ASSIGN(const std::string action, TextOf(from, "action"));
  FEEDMILL_ASSIGN(const std::string user_id, TextOf(from, "user_id"));
  if (action == "identify") return Identify(from, user_id, message_id);
  return OneAction(words, from, action, user_id, message_id);
}

Result<std::string> SupposeActs(const ActWords& words, const std::string& body) {
  Json asked = Json::parse(body, nullptr, false);
  if (!asked.is_object() || !asked.contains("suppose") || !asked["suppose"].is_array()) return body;
  Json messages = Json::array();
  for (const Json& act : asked["suppose"]) {
    FEEDMILL_ASSIGN(const ActedEvent acted, MakeActedEvent(words, act.dump(), "supposed"));
    const Json event = Json::parse(acted.body);
    if (!event.contains("batch")) messages.push_back(event);
    if (event.contains("batch")) messages.insert(messages.end(), event["batch"].begin(), event["batch"].end());
  }
  asked["suppose"] = std::move(messages);
  return asked.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace feedmill::console
