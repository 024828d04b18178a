// What one run (a nightly, a backfill, a rebuild) sees of the tables. When it begins, every table is pinned at the
// snapshot it has; all steps read there, whatever lands meanwhile, and a table that the run itself publishes moves on
// with it. Pins stand in the metadata store, so that a resumed run sees the same. Snapshots that are pinned do not
// expire. Tables may be staged instead: made beside the published ones and seen by the run alone until PublishStaged.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "lake/catalog.h"
#include "meta/store.h"

namespace feedmill::lake {

// A commit whose summary has this key moves the pin of the run that it names, in the transaction that publishes.
inline constexpr const char* kRunSummary = "feedmill.run";

// Before PinRun: these tables are made anew beside the published ones, by OpenStagedCatalog. Staged before: the same
// run's unpublished work on them is forgotten.
Status StageRun(meta::Store& store, const std::string& run_id, const std::vector<std::string>& tables);

// Pins all other tables; nothing changes when the run is pinned already (resumed). kNotFound when one of its pinned
// snapshots is gone.
Status PinRun(meta::Store& store, Catalog& catalog, const std::string& run_id);

// The catalog with the run's staged tables in place of the published ones; those that are not made yet do not exist.
Result<std::unique_ptr<Catalog>> OpenStagedCatalog(io::FileSystem& files, meta::Store& store, const Clock& clock,
                                                   const CatalogOptions& options, const std::string& run_id);

Result<bool> IsPinned(meta::Store& store, const std::string& run_id);

// Snapshot by table; 0 for a table that had none. Staged tables are left out.
Result<std::map<std::string, int64_t>> PinsOf(meta::Store& store, const std::string& run_id);
Result<std::vector<std::string>> StagedTables(meta::Store& store, const std::string& run_id);

// The catalog as a pinned run sees it: tables at their pins and those that came after as empty; a commit is fenced by
// the pin (kConflict when somebody else has published since) and moves it. `inner` and `store` outlive it. Any thread;
// several processes of one run.
std::unique_ptr<Catalog> MakeRunCatalog(Catalog& inner, meta::Store& store, const std::string& run_id);

// In one transaction: every staged table takes the place of the published one (one that was not made again is gone),
// and `also` does what belongs to it. The former tables' files are for the orphan scan.
Status PublishStaged(meta::Store& store, const std::string& run_id,
                     const std::function<Status(meta::Transaction&)>& also);

// Pins and staged tables are let go. Idempotent.
Status ForgetRun(meta::Store& store, const std::string& run_id);
// Runs that hold something.
Result<std::vector<std::string>> RunsWithTables(meta::Store& store);

}  // namespace feedmill::lake
