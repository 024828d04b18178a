// What a run did, for a terminal and for programs.
#pragma once

#include <string>

#include "base/result.h"
#include "io/file_system.h"
#include "jobs/step.h"

namespace feedmill::warehouse {

// A table: step, state, rows, bytes, seconds, CPU seconds, peak memory, checks; messages of what failed below it.
std::string FormatReport(const jobs::RunRecord& run);

// {"run": ..., "state": ..., "seconds": ..., "memory_bytes_peak": ..., "steps": [{"name": ..., "rows": ..., "checks":
// [...]}, ...]}
std::string ReportJson(const jobs::RunRecord& run);

// Writes <folder>/<run id>.json atomically.
Status WriteReport(io::FileSystem& files, const std::string& folder, const jobs::RunRecord& run);

}  // namespace feedmill::warehouse
