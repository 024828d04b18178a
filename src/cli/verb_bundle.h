// `feedmill bundle list|promote|rollback`: which bundle serves, through the server's administration API.
#pragma once

#include "cli/verb.h"

namespace feedmill::cli {

void AddBundleVerb(CLI::App& app);

}  // namespace feedmill::cli
