// Pointers as a run that stages tables sees them. For catalog.cc, run_tables.cc and tests.
#pragma once

#include <memory>
#include <string>

#include "lake/pointer_store.h"

namespace feedmill::lake {

// Name of a staged table's row. No table's own name has a slash.
inline std::string StagedName(const std::string& run_id, const std::string& table) { return run_id + "/" + table; }

// `store` outlives it.
Result<std::unique_ptr<PointerStore>> MakeStagedPointers(meta::Store& store, const std::string& run_id);

}  // namespace feedmill::lake
