// `feedmill fork`: a copy of a project that goes its own way.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddForkVerb(CLI::App& app);

}  // namespace feedmill::app
