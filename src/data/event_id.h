// What makes an event one: the messageId, within the write key that let it in. Two senders may use the same messageIds,
// by chance or on purpose, and none may hide an event of another's.
#pragma once

#include <string>
#include <string_view>

#include "data/event.h"

namespace feedmill {

// The source whose messageIds are event ids as they are.
inline constexpr std::string_view kPlainSource = "app";

// Appends the event's id: the messageId alone for `kPlainSource`, otherwise (or when it holds a colon itself) with the
// source's name and a colon in front. Different (source, messageId) give different ids as long as names hold no colon.
// An empty messageId gives nothing.
void AppendEventId(std::string_view source, std::string_view message_id, std::string* out);
std::string EventIdOf(const Event& event);

// Takes an id apart, so that EventIdOf gives it again.
void SetEventId(std::string_view event_id, Event* event);

// The id of an event whose table row says `stored`: rows of the first release hold the messageId alone.
std::string EventIdOfRow(std::string_view source, std::string_view stored);

}  // namespace feedmill
