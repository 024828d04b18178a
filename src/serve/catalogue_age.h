// From when an item's age is counted: now while new items keep coming, and where they come slowly or no more, from the
// newest ones there are, so that a static catalogue does not expire as a whole.
#pragma once

#include "stream/live_state.h"

namespace feedmill::serve {

// Under the state's guard. `now`, or when the 20th newest item was made (the oldest, where there are fewer), whichever
// is earlier: the few newest do not count, one of them may have come by a wrong clock.
Micros AgesFrom(const stream::LiveState& state, Micros now);

}  // namespace feedmill::serve
