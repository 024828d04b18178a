// `feedmill import FILE...`: events from JSON lines or CSV into a running server.
#pragma once

#include "cli/verb.h"

namespace feedmill::cli {

void AddImportVerb(CLI::App& app);

}  // namespace feedmill::cli
