// What the live state knows of one item or user: GET /v1/items/{kind}/{id} and GET /v1/users/{id}.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "io/http_server.h"
#include "serve/feed_errors.h"
#include "stream/live_state.h"

namespace feedmill::serve {

// What `path` is about: an item or a user. `kind` is empty of a user.
struct CardPath {
  std::string kind;
  std::string id;
};
inline constexpr std::string_view kItemCards = "/v1/items/";
bool IsCard(std::string_view path);
// 404 for another kind than the one that scenes show, 400 for an id that is none.
std::expected<CardPath, FeedError> ParseCardPath(std::string_view path, const domain::ItemKind& shown);

// Under a ReadGuard of the state. {"kind", "id", "author", "created_at", "changed_at", "removed_at", "withdrawn_at",
// "category", "numbers", "fields"} of an item, {"id", "categories", "fields", "follows"} of a user; what is not known
// is left out. 404 when nothing is known at all.
std::expected<std::string, FeedError> CardJson(const CardPath& path, const stream::LiveState& state);

}  // namespace feedmill::serve
