// Expiry of snapshots: which ones go, and which files then belong to nobody.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "lake/table_files.h"

namespace feedmill::lake {

// Takes the snapshots committed before `older_than` out of `metadata`, but never the current one nor the newest
// `keep_min`.
std::vector<Snapshot> RemoveExpired(Micros older_than, int keep_min, TableMetadata* metadata);

// Data files, manifests and manifest lists that `expired` refers to and no snapshot in `metadata` does.
Result<std::vector<std::string>> FilesOnlyUsedBy(const std::vector<Snapshot>& expired, const TableMetadata& metadata,
                                                 TableFiles& files);

}  // namespace feedmill::lake
