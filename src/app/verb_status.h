// `feedmill status`: how a project stands.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddStatusVerb(CLI::App& app);

}  // namespace feedmill::app
