// `feedmill lake recover`: the metadata store made again from the lake's own files.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddLakeVerb(CLI::App& app);

}  // namespace feedmill::app
