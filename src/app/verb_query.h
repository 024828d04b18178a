// `feedmill query SQL`: reads the lake's tables.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddQueryVerb(CLI::App& app);

}  // namespace feedmill::app
