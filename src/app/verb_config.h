// `feedmill config explain|check`: what can be set, and whether a project's files are right.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddConfigVerb(CLI::App& app);

}  // namespace feedmill::app
