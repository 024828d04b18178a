#include "data/event_id.h"

namespace feedmill {

void AppendEventId(std::string_view source, std::string_view message_id, std::string* out) {
  if (message_id.empty()) return;
  if (source != kPlainSource || message_id.find(':') != std::string_view::npos) {
    out->append(source);
    out->push_back(':');
  }
  out->append(message_id);
}

std::string EventIdOf(const Event& event) {
  std::string id;
  AppendEventId(event.source, event.message_id, &id);
  return id;
}

void SetEventId(std::string_view event_id, Event* event) {
  const size_t colon = event_id.find(':');
  event->source = colon == std::string_view::npos ? kPlainSource : event_id.substr(0, colon);
  event->message_id = colon == std::string_view::npos ? event_id : event_id.substr(colon + 1);
}

std::string EventIdOfRow(std::string_view source, std::string_view stored) {
  if (stored.starts_with(source) && stored.substr(source.size()).starts_with(':')) return std::string(stored);
  std::string id;
  AppendEventId(source, stored, &id);
  return id;
}

}  // namespace feedmill
