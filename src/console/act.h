// What a person does in the playground, as the event the app would have sent.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/domain.h"

namespace feedmill::console {

struct ActedEvent {
  std::string path;  // "/v1/track", "/v1/identify" or "/v1/batch"
  std::string body;  // Segment's JSON
};

// What acts are to the app.
struct ActWords {
  domain::DomainPtr domain = domain::LegacyDomain();
  // Whether the tracking plan lets a track event carry the property.
  std::function<bool(std::string_view event, std::string_view property)> takes = [](auto, auto) { return true; };
};

// A button of the playground.
struct ActButton {
  std::string act;         // what MakeActedEvent takes
  std::string undo;        // the act that takes it back; empty: there is none
  std::string said;        // "liked"; may be empty
  std::string icon;        // one of domain::kIcons
  bool shown = false;      // no button: what is said of all items of a page, with "items"
  bool of_author = false;  // about the item's author
  bool hides = false;      // of a relation that hides: what is shown stands under none
};
// In the order of the domain: actions of which it is enough that they happen, without a number.
std::vector<ActButton> ActButtons(const domain::Domain& domain);

// `body`: {"action", "user_id", and what the action is about: "item_id", "author_id"}. Actions: those of the domain
// (with "items" when it is the one that is shown); NAME_author of one that may be about an author; the events of a
// relation; identify. `message_id` names the event. Pure.
Result<ActedEvent> MakeActedEvent(const ActWords& words, std::string_view body, const std::string& message_id);

// The body of a feed request with the acts of its member "suppose" turned into the messages that /v1/feed supposes.
// Other bodies stay as they are. Pure.
Result<std::string> SupposeActs(const ActWords& words, const std::string& body);

}  // namespace feedmill::console
