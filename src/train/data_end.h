// Where the data of a table ends: windows and decay hang on it and not on the cut, so that a catalogue whose events are
// old, or one event under a wrong clock, does not empty them.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "query/engine.h"

namespace feedmill::train {

// `cut` when the app is alive: when the instant below which 99 of 100 `event_time`s of `rows` ("table WHERE ..., all
// before the cut") lie is not more than a day before it. Else that instant. Nothing when there are no rows.
Result<std::optional<Micros>> DataEnd(query::Session& session, const std::string& rows, Micros cut);

}  // namespace feedmill::train
