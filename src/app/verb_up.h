// `feedmill up`: the server.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddUpVerb(CLI::App& app);

}  // namespace feedmill::app
