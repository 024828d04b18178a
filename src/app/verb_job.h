// `feedmill job ...`: one step of a nightly, as its child process runs it. Not shown in the help.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddJobVerb(CLI::App& app);

}  // namespace feedmill::app
