// What a person does in the playground, as the event the app would have sent.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace feedmill::console {

struct ActedEvent {
  std::string path;  // "/v1/track", "/v1/identify" or "/v1/batch"
  std::string body;  // Segment's JSON
};

// `body`: {"action", "user_id", and what the action is about}. Actions: impression (with "items"), click, like,
// comment, share, dwell, follow, unfollow, hide, hide_author, identify. `message_id` names the event. Pure.
Result<ActedEvent> MakeActedEvent(std::string_view body, const std::string& message_id);

// The body of a feed request with the acts of its member "suppose" turned into the messages that /v1/feed supposes.
// Other bodies stay as they are. Pure.
Result<std::string> SupposeActs(const std::string& body);

}  // namespace feedmill::console
