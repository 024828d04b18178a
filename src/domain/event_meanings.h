// What an event is, as the domain says: one look-up by the event's name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/domain.h"

namespace feedmill::domain {

struct EventMeaning {
  bool makes = false;            // an item of the kind that is shown, or a new version of it
  bool unmakes = false;          // one, which is not to be shown any more
  bool withdraws = false;        // one, by whoever watches over the app
  bool restores = false;         // one that was withdrawn
  std::vector<uint8_t> adds;     // an edge of these: places in Domain::relations
  std::vector<uint8_t> removes;  // likewise
  std::vector<uint8_t> actions;  // places in Domain::actions, in their order; `when` is still to be looked at
};

// Any thread.
class EventMeanings {
 public:
  explicit EventMeanings(const Domain& domain);
  // Null when the domain says nothing of an event of that name.
  const EventMeaning* Find(std::string_view event) const;

 private:
  struct StringHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, EventMeaning, StringHash, std::equal_to<>> by_event_;
};

}  // namespace feedmill::domain
