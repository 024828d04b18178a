// What a run did, for a terminal and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"
#include "jobs/step.h"

namespace feedmill::warehouse {

// What a run has left out of one model, as its record tells.
struct LeftOutRows {
  std::string model;
  std::string text;            // for people
  int64_t late_rows = 0;       // came past the lookback and wait for `feedmill backfill --late`
  int64_t late_intervals = 0;  // that they are of
  int64_t rows_ahead = 0;      // of days after the cut: a later run takes them
};
std::vector<LeftOutRows> LeftOutOf(const jobs::RunRecord& run);

// A table: step, state, rows, bytes, seconds, CPU seconds, peak memory, checks; messages of what failed below it.
std::string FormatReport(const jobs::RunRecord& run);

// {"run": ..., "state": ..., "seconds": ..., "memory_bytes_peak": ..., "steps": [{"name": ..., "rows": ..., "checks":
// [...]}, ...]}
std::string ReportJson(const jobs::RunRecord& run);

// Writes <folder>/<run id>.json atomically.
Status WriteReport(io::FileSystem& files, const std::string& folder, const jobs::RunRecord& run);

}  // namespace feedmill::warehouse
