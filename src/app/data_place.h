// Where a data folder may lie.
#pragma once

#include <string>

#include "base/result.h"

namespace feedmill::app {

// kInvalidArgument when the path has letters that the query engine takes for patterns.
Status CheckDataFolderName(const std::string& data_folder);

}  // namespace feedmill::app
