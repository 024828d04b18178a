// Which records of the log the console shows as they come in.
#pragma once

#include <vector>

#include "console/activity.h"
#include "ingest/log.h"
#include "stream/log_tailer.h"

namespace feedmill::app {

// The newest records of one read, and of the others those that were refused. `now` is given to rows of feed requests,
// which carry their own time inside their document.
void ShowActivity(const std::vector<stream::TailRecord>& records, Micros now, console::ActivityRing* ring);

// The last records there are at the start, so that a restart does not look like silence.
void ShowFormerActivity(ingest::EventLog& log, console::ActivityRing* ring);

}  // namespace feedmill::app
