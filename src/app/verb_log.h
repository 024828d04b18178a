// `feedmill log`: what the event log holds, and the ways out when it is damaged or shorter than the lake.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddLogVerb(CLI::App& app);

}  // namespace feedmill::app
