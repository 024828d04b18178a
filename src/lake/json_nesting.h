// A guard before recursive code meets JSON from outside.
#pragma once

#include <string_view>

namespace feedmill::lake {

// True when objects and lists of `json` nest deeper than `depth_max`; found without recursion, and on text that need
// not be valid.
bool NestsDeeperThan(std::string_view json, int depth_max);

}  // namespace feedmill::lake
