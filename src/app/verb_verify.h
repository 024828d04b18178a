// `feedmill verify-features`: logged feature values, computed again from the lake.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddVerifyFeaturesVerb(CLI::App& app);

}  // namespace feedmill::app
