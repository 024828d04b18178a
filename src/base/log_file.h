// Log lines into a file, beside standard error.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace feedmill::log {

// From now on lines go into this file too, which is begun anew when it has `bytes_max`; `files_max` former ones are
// kept as name.1.log and so on. Call before other threads log. kIo when it cannot be opened.
Status KeepIn(const std::string& path, uint64_t bytes_max, int files_max);

}  // namespace feedmill::log
