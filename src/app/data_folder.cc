#include "app/data_folder.h"

#include <fmt/ranges.h>

#include "jobs/run_store.h"
#include "warehouse/interval_store.h"

namespace feedmill::app {

Result<DataFolder> OpenDataFolder(const ProjectPaths& paths, const Clock& clock) {
  io::FileSystem& files = io::PosixFileSystem();
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
  FEEDMILL_ASSIGN(folder.catalog, lake::OpenCatalog(files, *folder.store, clock, options));
  FEEDMILL_ASSIGN(folder.registry, registry::OpenRegistry(*folder.store, clock));
  return folder;
}

Result<std::unique_ptr<query::Engine>> OpenStepEngine(const Config& config) {
  query::EngineOptions options;
  options.temporary_directory = config.paths.Temporary();
  // The engine's own limit stays below the process's, so that it spills instead of being stopped.
  options.memory_bytes_max = config.nightly.memory_bytes_max / 4 * 3;
  options.threads = config.nightly.threads + 1;  // one mostly waits for the rows of a writer
  return query::OpenEngine(options);
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
