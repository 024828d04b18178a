// `feedmill simulate history|live`: a synthetic app lives against a server.
#pragma once

#include "cli/verb.h"

namespace feedmill::cli {

void AddSimulateVerb(CLI::App& app);

}  // namespace feedmill::cli
