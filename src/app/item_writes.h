// PUT and DELETE of /v1/items/{kind}/{id} and /v1/withdrawn/{kind}/{id}, and PUT of /v1/users/{id}: said as the message
// that makes, removes, withdraws or restores the item, or identifies the user, so that log, lake and live state see one
// truth.
#pragma once

#include <expected>
#include <string_view>

#include "io/http_server.h"
#include "serve/feed_errors.h"
#include "stream/live_state.h"

namespace feedmill::app {

inline constexpr size_t kItemBodyBytesMax = 64 << 10;

bool IsWithdrawal(std::string_view path);

// The same as POST /v1/track or /v1/identify, or why not. The body is that message, but for what the path says:
// `event`, `userId` of a user, and the property with the item's id. DELETE needs no body: the item's author removes it.
// The writer is known already. Takes a ReadGuard for DELETE.
std::expected<io::HttpRequest, serve::FeedError> AsMessage(io::HttpRequest&& request, const stream::LiveState& state);

}  // namespace feedmill::app
