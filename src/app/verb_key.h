// `feedmill key`: the keys of a data folder.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddKeyVerb(CLI::App& app);

}  // namespace feedmill::app
