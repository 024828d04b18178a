// Whether Parquet files that were committed without a checksum (by former releases, or by other engines) can be read.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace feedmill::query {

// Reads every value of each file, in an engine of its own that spills into `temporary_directory`. kCorrupt names the
// first that cannot be read and says why, kNotFound one that is not there. What can be read may still not be what was
// written: only a checksum tells that.
Status ReadWholeParquet(const std::vector<std::string>& paths, const std::string& temporary_directory);

}  // namespace feedmill::query
