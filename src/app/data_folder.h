// What verbs that work in a data folder share: the metadata store, the catalog of tables, the registry of bundles, the
// SQL engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/folder_identity.h"
#include "lake/catalog.h"
#include "meta/store.h"
#include "query/engine.h"
#include "registry/registry.h"

namespace feedmill::app {

struct DataFolder {
  std::unique_ptr<io::FileSystem> files;  // changes nothing outside of the data folder
  FolderIdentity identity;
  std::unique_ptr<meta::Store> store;
  std::unique_ptr<lake::Catalog> tables;  // what `catalog` of a run stands on; else empty
  std::unique_ptr<lake::Catalog> catalog;
  std::unique_ptr<registry::Registry> registry;
};

// Several processes may have it open. `clock` must outlive it. With `run_id` the tables are as that run sees them
// (lake/run_tables.h), if it has pinned or staged any. A folder that was moved, copied or restored is made at home
// first: its tables name their files anew, a copy gets an identity of its own. kNotFound when the metadata store is
// gone while the lake has tables; kInvalidArgument when a newer program has changed the folder, or when it shares files
// with the one it was copied from.
Result<DataFolder> OpenDataFolder(const ProjectPaths& paths, const Clock& clock, const std::string& run_id = "");

// The files of a data folder, for whoever changes some without the rest: nothing outside of the folder is changed
// through them. What it is made of may be links to other disks.
std::unique_ptr<io::FileSystem> ConfinedFiles(const ProjectPaths& paths);

// The migrations of every room that keeps rows in the metadata store.
std::vector<meta::Migration> AllMigrations();

// For whoever holds the work lock: runs that died stand as interrupted, and what they had made beside the published
// tables is let go.
Status ForgetDeadWork(const DataFolder& folder, Micros now);

// An engine with the limits of one nightly step, or with this limit when it is not 0; with `only_folders` a confined
// one (query/confined_engine.h).
Result<std::unique_ptr<query::Engine>> OpenStepEngine(const Config& config,
                                                      const std::vector<std::string>& only_folders = {},
                                                      uint64_t memory_bytes_max = 0);

// "dwd_user_action" -> "dwd.dwd_user_action", by the tables there are. kNotFound lists them.
Result<std::string> FindTable(lake::Catalog& catalog, std::string_view name);

// Registers every table that `sql` reads.
Status RegisterReferencedTables(query::Session& session, lake::Catalog& catalog, std::string_view sql);

}  // namespace feedmill::app
