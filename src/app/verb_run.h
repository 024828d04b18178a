// `feedmill plan|run|backfill`: the nightly.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddPlanVerb(CLI::App& app);
void AddRunVerb(CLI::App& app);
void AddBackfillVerb(CLI::App& app);

}  // namespace feedmill::app
