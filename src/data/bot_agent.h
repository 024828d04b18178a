// Which user agents are machines that nobody asked to act: crawlers, link previews, monitors, browsers without a
// screen. The one list: landing flags rows by it, the live state leaves the same events out.
#pragma once

#include <string_view>

namespace feedmill {

// Looks at whole words of the agent, so that a Cubot phone is a phone. HTTP libraries (curl, okhttp, python-requests)
// are no bots: the servers of an app send what its users did with them. Any thread.
bool IsBotAgent(std::string_view user_agent);

}  // namespace feedmill
