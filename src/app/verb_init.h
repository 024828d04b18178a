// `feedmill init FOLDER`: writes a project folder.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddInitVerb(CLI::App& app);

}  // namespace feedmill::app
