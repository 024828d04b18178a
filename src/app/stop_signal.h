// SIGINT and SIGTERM as a question: has somebody asked this process to stop?
#pragma once

#include "base/clock.h"

namespace feedmill::app {

// From now on the signals are kept; a second one ends the process at once. Call once, before threads start.
void CatchStopSignals();
bool StopRequested();
// Sleeps until a signal comes.
void WaitForStopSignal();
// The process ends in that time (whole seconds), by itself or with a line and exit code 1.
void EndWithin(Micros time);

}  // namespace feedmill::app
