#include "app/data_folder.h"

#include <fmt/ranges.h>

#include "jobs/run_store.h"
#include "lake/run_tables.h"
#include "query/confined_engine.h"
#include "warehouse/interval_store.h"

namespace feedmill::app {

Result<DataFolder> OpenDataFolder(const ProjectPaths& paths, const Clock& clock, const std::string& run_id) {
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_TRY(MakeDataFolder(paths.data));
  for (const std::string& folder :
       {paths.data, paths.Lake(), paths.State(), paths.Bundles(), paths.Runs(), paths.Temporary()}) {
    FEEDMILL_TRY(files.CreateDirectories(folder));
  }
  std::vector<meta::Migration> migrations = lake::CatalogMigrations();
  for (const auto& more : {registry::RegistryMigrations(), jobs::JobsMigrations(), warehouse::WarehouseMigrations()})
    migrations.insert(migrations.end(), more.begin(), more.end());
  DataFolder folder;
  FEEDMILL_ASSIGN(folder.store, meta::OpenStore(paths.MetaStore(), migrations));
  lake::CatalogOptions options;
  options.warehouse = paths.Lake();
  FEEDMILL_ASSIGN(folder.catalog, run_id.empty()
                                      ? lake::OpenCatalog(files, *folder.store, clock, options)
                                      : lake::OpenStagedCatalog(files, *folder.store, clock, options, run_id));
  if (!run_id.empty()) {
    FEEDMILL_ASSIGN(const bool pinned, lake::IsPinned(*folder.store, run_id));
    if (pinned) {
      folder.tables = std::move(folder.catalog);
      folder.catalog = lake::MakeRunCatalog(*folder.tables, *folder.store, run_id);
    }
  }
  FEEDMILL_ASSIGN(folder.registry, registry::OpenRegistry(*folder.store, clock));
  return folder;
}

Status ForgetDeadWork(const DataFolder& folder, Micros now) {
  FEEDMILL_TRY(jobs::MarkInterrupted(*folder.store, now));
  FEEDMILL_TRY(warehouse::ForgetStagedIntervals(*folder.store));
  FEEDMILL_ASSIGN(const auto runs, lake::RunsWithTables(*folder.store));
  for (const std::string& run : runs) {
    FEEDMILL_ASSIGN(const auto staged, lake::StagedTables(*folder.store, run));
    if (!staged.empty()) FEEDMILL_TRY(lake::ForgetRun(*folder.store, run));
  }
  return Ok();
}

Result<std::unique_ptr<query::Engine>> OpenStepEngine(const Config& config,
                                                      const std::vector<std::string>& only_folders) {
  query::EngineOptions options;
  options.temporary_directory = config.paths.Temporary();
  // The engine's own limit stays below the process's, so that it spills instead of being stopped.
  options.memory_bytes_max = config.nightly.memory_bytes_max / 4 * 3;
  options.threads = config.nightly.threads + 1;  // one mostly waits for the rows of a writer
  return only_folders.empty() ? query::OpenEngine(options) : query::OpenConfinedEngine(options, only_folders);
}

Result<std::string> FindTable(lake::Catalog& catalog, std::string_view name) {
  FEEDMILL_ASSIGN(const auto tables, catalog.ListTables());
  for (const std::string& table : tables) {
    if (table == name || table.substr(table.find('.') + 1) == name) return table;
  }
  return NotFound("table \"{}\" does not exist; there are: {}", name,
                  tables.empty() ? "none yet" : fmt::format("{}", fmt::join(tables, ", ")));
}

Status RegisterReferencedTables(query::Session& session, lake::Catalog& catalog, std::string_view sql) {
  FEEDMILL_ASSIGN(const auto names, session.ReferencedTables(sql));
  for (const std::string& name : names) {
    FEEDMILL_ASSIGN(const std::string table, FindTable(catalog, name));
    FEEDMILL_TRY(session.RegisterTable(catalog, table));
  }
  return Ok();
}

}  // namespace feedmill::app
