// `feedmill verify`: every file of the lake is read and compared with its checksum.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddVerifyLakeVerb(CLI::App& app);

}  // namespace feedmill::app
