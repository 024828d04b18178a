// `feedmill rebuild`: everything below the log, made anew.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddRebuildVerb(CLI::App& app);

}  // namespace feedmill::app
