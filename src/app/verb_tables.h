// `feedmill tables`: what the lake holds, and where other engines find it.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddTablesVerb(CLI::App& app);

}  // namespace feedmill::app
