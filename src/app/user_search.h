// Users for the console's picker, found without standing in the way of feeds and of applying.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "console/console_service.h"
#include "stream/live_state.h"

namespace feedmill::app {

struct UserSearchOptions {
  size_t slice_users = 2000;   // looked at under one guard: well under a millisecond
  size_t users_max = 200'000;  // looked at in all
  Micros time_max = kMicrosPerSecond / 4;
  std::function<void()> between_slices;  // called without the guard; may be empty
};

// At most `limit` users whose id holds `search`, those who did most first. The user of exactly this id is always found;
// the others among those that the limits let it look at.
std::vector<console::UserRow> SearchUsers(const stream::LiveState& state, const std::string& search, size_t limit,
                                          const UserSearchOptions& options = {});

}  // namespace feedmill::app
