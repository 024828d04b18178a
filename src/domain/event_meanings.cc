#include "domain/event_meanings.h"

namespace feedmill::domain {

EventMeanings::EventMeanings(const Domain& domain) {
  if (const std::string& made_by = domain.Shown().made_by; !made_by.empty()) by_event_[made_by].makes = true;
  if (const std::string& removed_by = domain.Shown().removed_by; !removed_by.empty())
    by_event_[removed_by].unmakes = true;
  if (const std::string& event = domain.Shown().withdrawn_by; !event.empty()) by_event_[event].withdraws = true;
  if (const std::string& event = domain.Shown().restored_by; !event.empty()) by_event_[event].restores = true;
  for (size_t i = 0; i < domain.relations.size(); ++i) {
    const Relation& relation = domain.relations[i];
    by_event_[relation.add].adds.push_back(static_cast<uint8_t>(i));
    if (!relation.remove.empty()) by_event_[relation.remove].removes.push_back(static_cast<uint8_t>(i));
  }
  for (size_t i = 0; i < domain.actions.size(); ++i) {
    for (const std::string& event : domain.actions[i].events)
      by_event_[event].actions.push_back(static_cast<uint8_t>(i));
  }
}

const EventMeaning* EventMeanings::Find(std::string_view event) const {
  const auto found = by_event_.find(event);
  return found == by_event_.end() ? nullptr : &found->second;
}

}  // namespace feedmill::domain
