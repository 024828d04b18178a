#include "console/act.h"

#include <array>

#include <nlohmann/json.hpp>

namespace feedmill::console {
namespace {

using Json = nlohmann::json;

constexpr int kDwellDefaultMillis = 8000;  // what the playground's "read it" stands for
constexpr size_t kItemsMax = 200;

struct ActionEvent {
  std::string_view action;
  std::string_view event;
  bool about_post;  // else about an author
};
constexpr std::array<ActionEvent, 9> kEvents = {{{"click", "post_click", true},
                                                 {"like", "like", true},
                                                 {"comment", "comment", true},
                                                 {"share", "share", true},
                                                 {"dwell", "dwell", true},
                                                 {"hide", "hide", true},
                                                 {"hide_author", "hide", false},
                                                 {"follow", "follow", false},
                                                 {"unfollow", "unfollow", false}}};

Result<std::string> TextOf(const Json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    return InvalidArgument("{}: found {}, allowed: a text that is not empty", key,
                           found == from.end() ? "nothing" : found->dump());
  }
  return found->get<std::string>();
}

// Copies what the event may carry about the feed the item was in.
void CopyFeedPart(const Json& from, bool with_source, Json* properties) {
  for (const char* key : {"request_id", "scene"}) {
    if (from.contains(key) && from[key].is_string()) (*properties)[key] = from[key];
  }
  if (from.contains("position") && from["position"].is_number_integer()) (*properties)["position"] = from["position"];
  if (with_source && from.contains("source") && from["source"].is_string()) (*properties)["source"] = from["source"];
}

Result<Json> PostProperties(const Json& from) {
  Json properties = Json::object();
  FEEDMILL_ASSIGN(properties["post_id"], TextOf(from, "post_id"));
  FEEDMILL_ASSIGN(properties["author_id"], TextOf(from, "author_id"));
  return properties;
}

Json Track(std::string_view event, const std::string& user_id, const std::string& message_id, Json properties) {
  return {{"type", "track"},
          {"event", event},
          {"userId", user_id},
          {"messageId", message_id},
          {"properties", std::move(properties)}};
}

Result<ActedEvent> Impressions(const Json& from, const std::string& user_id, const std::string& message_id) {
  const auto items = from.find("items");
  if (items == from.end() || !items->is_array() || items->empty() || items->size() > kItemsMax) {
    return InvalidArgument("items: allowed: a list of 1 to {} shown items", kItemsMax);
  }
  Json batch = Json::array();
  for (size_t i = 0; i < items->size(); ++i) {
    const Json& item = (*items)[i];
    if (!item.is_object()) return InvalidArgument("items[{}]: found {}, allowed: an object", i, item.dump());
    FEEDMILL_ASSIGN(Json properties, PostProperties(item));
    CopyFeedPart(from, false, &properties);
    CopyFeedPart(item, true, &properties);
    batch.push_back(Track("feed_impression", user_id, fmt::format("{}-{}", message_id, i), std::move(properties)));
  }
  return ActedEvent{"/v1/batch", Json{{"batch", std::move(batch)}}.dump()};
}

Result<ActedEvent> Identify(const Json& from, const std::string& user_id, const std::string& message_id) {
  const Json traits = from.contains("traits") && from["traits"].is_object() ? from["traits"] : Json::object();
  const Json event = {{"type", "identify"}, {"userId", user_id}, {"messageId", message_id}, {"traits", traits}};
  return ActedEvent{"/v1/identify", event.dump()};
}

Result<ActedEvent> OneAction(const Json& from, const std::string& action, const std::string& user_id,
                             const std::string& message_id) {
  std::string allowed = "impression, identify";
  for (const ActionEvent& known : kEvents) {
    allowed += fmt::format(", {}", known.action);
    if (known.action != action) continue;
    Json properties = Json::object();
    if (known.about_post) {
      FEEDMILL_ASSIGN(properties, PostProperties(from));
      if (action == "hide") properties.erase("author_id");
      if (action != "hide") CopyFeedPart(from, false, &properties);
      if (action == "dwell") properties["dwell_ms"] = kDwellDefaultMillis;
    } else {
      FEEDMILL_ASSIGN(properties["target_user_id"], TextOf(from, "author_id"));
    }
    return ActedEvent{"/v1/track", Track(known.event, user_id, message_id, std::move(properties)).dump()};
  }
  return InvalidArgument("action: found \"{}\", allowed: {}", action, allowed);
}

}  // namespace

Result<ActedEvent> MakeActedEvent(std::string_view body, const std::string& message_id) {
  const Json from = Json::parse(body, nullptr, false);
  if (!from.is_object())
    return InvalidArgument("body: allowed: a JSON object like {{\"action\": \"like\", \"user_id\": ...}}");
  FEEDMILL_ASSIGN(const std::string action, TextOf(from, "action"));
  FEEDMILL_ASSIGN(const std::string user_id, TextOf(from, "user_id"));
  if (action == "impression") return Impressions(from, user_id, message_id);
  if (action == "identify") return Identify(from, user_id, message_id);
  return OneAction(from, action, user_id, message_id);
}

Result<std::string> SupposeActs(const std::string& body) {
  Json asked = Json::parse(body, nullptr, false);
  if (!asked.is_object() || !asked.contains("suppose") || !asked["suppose"].is_array()) return body;
  Json messages = Json::array();
  for (const Json& act : asked["suppose"]) {
    FEEDMILL_ASSIGN(const ActedEvent acted, MakeActedEvent(act.dump(), "supposed"));
    const Json event = Json::parse(acted.body);
    if (!event.contains("batch")) messages.push_back(event);
    if (event.contains("batch")) messages.insert(messages.end(), event["batch"].begin(), event["batch"].end());
  }
  asked["suppose"] = std::move(messages);
  return asked.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace feedmill::console
