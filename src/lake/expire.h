// Expiry of snapshots: which ones go, and which files then belong to nobody.
#pragma once

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "lake/table_files.h"

namespace feedmill::lake {

struct ExpiryRule {
  Micros older_than = 0;     // snapshots committed before go
  int keep_min = 1;          // but not the newest ones
  std::set<int64_t> pinned;  // nor these
  // More than so many go whatever their age: every commit writes the metadata of all that are kept, and a table that is
  // landed into each minute would carry thousands.
  int keep_max = std::numeric_limits<int>::max();
};

// Takes what the rule lets go out of `metadata`; never the current snapshot.
std::vector<Snapshot> RemoveExpired(const ExpiryRule& rule, TableMetadata* metadata);

// Data files, manifests and manifest lists that `expired` refers to and no snapshot in `metadata` does. What left the
// table never comes back, so the kept snapshots next to the expired ones answer for all others: the cost is that of the
// expired ones, however many are kept. Where the snapshots are no single line (each the child of the one before), all
// are asked.
Result<std::vector<std::string>> FilesOnlyUsedBy(const std::vector<Snapshot>& expired, const TableMetadata& metadata,
                                                 TableFiles& files);

}  // namespace feedmill::lake
