#include "app/item_writes.h"

#include <nlohmann/json.hpp>

#include "serve/item_card.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;
using serve::FeedError;

constexpr std::string_view kWithdrawn = "/v1/withdrawn/";
constexpr std::string_view kNobody = "withdrawal";  // anonymousId when the body does not say who withdraws

std::unexpected<FeedError> Refused(int status, std::string message, std::string field, std::string found,
                                   std::string allowed) {
  return std::unexpected(FeedError{status, std::move(message), std::move(field), std::move(found), std::move(allowed)});
}

std::expected<Json, FeedError> BodyOf(const io::HttpRequest& request) {
  if (!request.Header("content-encoding").empty())
    return Refused(415, "the body is packed", "Content-Encoding", std::string(request.Header("content-encoding")),
                   "a plain body");
  if (request.body.size() > kItemBodyBytesMax)
    return Refused(413, "the body is too large", "body", fmt::format("{} bytes", request.body.size()),
                   fmt::format("{} bytes", kItemBodyBytesMax));
  if (request.body.empty()) return Json::object();
  Json body = Json::parse(request.body, nullptr, false);
  if (body.is_object()) return body;
  return Refused(400, "the body is wrong", "body", "no JSON object",
                 "a message without its event, like {\"userId\": \"ada\", \"properties\": {...}}");
}

// A member that the path says already may be there if it says the same.
std::expected<void, FeedError> Set(const std::string& name, const std::string& value, Json* object) {
  const auto said = object->find(name);
  if (said != object->end() && *said != value)
    return Refused(400, name + " is wrong", name,
                   said->dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80),
                   fmt::format("\"{}\", as the path says, or nothing", value));
  (*object)[name] = value;
  return {};
}

// Whose creation has come in; "" when none has.
std::string AuthorOf(const stream::LiveState& state, const std::string& item) {
  const stream::LiveState::ReadGuard guard = state.Read();
  const features::EntityHandle handle = state.FindPost(item);
  if (handle == features::kNoEntity || state.Post(handle).created_at == 0) return "";
  return std::string(state.UserId(state.Post(handle).author));
}

// The properties of a message about the item of the path.
std::expected<void, FeedError> FillItemId(const std::string& event, const serve::CardPath& path,
                                          const domain::ItemKind& shown, Json* message) {
  if (auto set = Set("event", event, message); !set) return set;
  Json& properties = (*message)["properties"];
  if (properties.is_null()) properties = Json::object();
  if (!properties.is_object()) return Refused(400, "properties is wrong", "properties", "no object", "an object");
  return Set(shown.id, path.id, &properties);
}

std::expected<void, FeedError> FillWithdrawal(const std::string& method, const serve::CardPath& path,
                                              const domain::ItemKind& shown, Json* message) {
  const bool restores = method == "DELETE";
  const std::string& event = restores ? shown.restored_by : shown.withdrawn_by;
  if (event.empty()) {
    return Refused(
        405,
        fmt::format("no event {0} a {1}: domain.toml has no {2} in [item.{1}]", restores ? "restores" : "withdraws",
                    shown.name, restores ? "restored_by" : "withdrawn_by"),
        "method", method, "nothing");
  }
  if (!message->contains("userId") && !message->contains("anonymousId")) (*message)["anonymousId"] = kNobody;
  return FillItemId(event, path, shown, message);
}

std::expected<void, FeedError> FillItem(const std::string& method, const serve::CardPath& path,
                                        const stream::LiveState& state, Json* message) {
  const domain::ItemKind& shown = state.domain()->Shown();
  const bool removes = method == "DELETE";
  const std::string& event = removes ? shown.removed_by : shown.made_by;
  if (event.empty()) {
    return Refused(405,
                   fmt::format("no event {0} a {1}: domain.toml has no {2} in [item.{1}]",
                               removes ? "removes" : "makes", shown.name, removes ? "removed_by" : "made_by"),
                   "method", method, "GET");
  }
  if (auto filled = FillItemId(event, path, shown, message); !filled) return filled;
  const std::string author = AuthorOf(state, path.id);
  if (message->contains("userId") && !author.empty() && (*message)["userId"] != author)
    return Refused(409, fmt::format("this {} is another author's", shown.name), "userId",
                   (*message)["userId"].dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80),
                   "its author, or nobody with DELETE");
  if (message->contains("userId") || !removes) return {};
  if (author.empty())
    return Refused(404, fmt::format("nobody is known who made \"{}\"", path.id.substr(0, 80)), "id",
                   path.id.substr(0, 80),
                   "an item that has come in, or a body that says its author: {\"userId\": ...}");
  (*message)["userId"] = author;
  return {};
}

}  // namespace

bool IsWithdrawal(std::string_view path) { return path.starts_with(kWithdrawn); }

std::expected<io::HttpRequest, FeedError> AsMessage(io::HttpRequest&& request, const stream::LiveState& state) {
  const domain::ItemKind& shown = state.domain()->Shown();
  const bool withdraws = IsWithdrawal(request.path);
  const auto path = serve::ParseCardPath(
      withdraws ? std::string(serve::kItemCards) + request.path.substr(kWithdrawn.size()) : request.path, shown);
  if (!path) return std::unexpected(path.error());
  const bool of_user = path->kind.empty();
  if (request.method != "PUT" && (of_user || request.method != "DELETE"))
    return Refused(405, "this method does nothing here", "method", request.method,
                   of_user     ? "GET, PUT"
                   : withdraws ? "PUT, DELETE"
                               : "GET, PUT, DELETE");
  auto message = BodyOf(request);
  if (!message) return std::unexpected(message.error());
  const auto filled = of_user     ? Set("userId", path->id, &*message)
                      : withdraws ? FillWithdrawal(request.method, *path, shown, &*message)
                                  : FillItem(request.method, *path, state, &*message);
  if (!filled) return std::unexpected(filled.error());
  request.path = of_user ? "/v1/identify" : "/v1/track";
  request.method = "POST";
  request.query = {{"strict", "1"}};
  request.body = message->dump(-1, ' ', false, Json::error_handler_t::replace);
  return std::move(request);
}

}  // namespace feedmill::app
