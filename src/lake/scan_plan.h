// Which files of a snapshot may hold rows that pass the filters.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "lake/table.h"
#include "lake/table_files.h"

namespace feedmill::lake {

// `snapshot` null = an empty table. kInvalidArgument when a filter names no column or one that has no whole-number
// order, or when the snapshot has deletes that the readers of a ScanPlan cannot apply (equality deletes).
Result<ScanPlan> MakeScanPlan(TableFiles& files, const TableMetadata& metadata, const Snapshot* snapshot,
                              const std::vector<RangeFilter>& filters);

}  // namespace feedmill::lake
