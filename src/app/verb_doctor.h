// `feedmill doctor`: whether everything a project stands on is well, and what to do where it is not.
#pragma once

#include "cli/verb.h"

namespace feedmill::app {

void AddDoctorVerb(CLI::App& app);

}  // namespace feedmill::app
