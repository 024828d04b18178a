// `feedmill completion bash|zsh|fish`: a completion script made from the command line's own definition.
#pragma once

#include "cli/verb.h"

namespace feedmill::cli {

void AddCompletionVerb(CLI::App& app);

}  // namespace feedmill::cli
