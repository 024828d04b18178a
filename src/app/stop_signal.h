// SIGINT and SIGTERM as a question: has somebody asked this process to stop?
#pragma once

namespace feedmill::app {

// From now on the signals are kept; a second one ends the process at once. Call once, before threads start.
void CatchStopSignals();
bool StopRequested();
// Sleeps until a signal comes.
void WaitForStopSignal();

}  // namespace feedmill::app
