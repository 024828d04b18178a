// The raw tables after a clock that was ahead has been set right: events received meanwhile get the times that the rule
// of data/receipt_times.h gives them, as they have in the live state.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "lake/catalog.h"
#include "query/engine.h"

namespace feedmill::app {

// Looks at what was received since `since` and rewrites the hours of ods_event that need it, in one commit; returns how
// many events got other times. Cheap when no clock was ahead: bounds of files are read, no rows. kConflict: landing
// wrote into the same hours again and again.
Result<int64_t> HealReceiptTimes(query::Session& session, lake::Catalog& catalog, Micros since);

// How far back every night looks: further than the log reaches.
inline constexpr Micros kReceiptsLookedAt = 8 * kMicrosPerDay;

}  // namespace feedmill::app
