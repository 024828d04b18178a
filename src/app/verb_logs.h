// `feedmill logs`: what the server of a project wrote.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddLogsVerb(CLI::App& app);

}  // namespace feedmill::app
