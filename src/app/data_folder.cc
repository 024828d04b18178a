#include "app/data_folder.h"

#include <fmt/ranges.h>

#include "access/keys.h"
#include "app/fork.h"
#include "base/log.h"
#include "io/confined_file_system.h"
#include "io/own_file.h"
#include "jobs/run_store.h"
#include "lake/recover.h"
#include "lake/run_tables.h"
#include "meta/store_file.h"
#include "query/confined_engine.h"
#include "warehouse/interval_store.h"

namespace feedmill::app {

namespace {

// A metadata store that is not there is made anew, which is right for a new folder and would be the loss of a full one.
Status RefuseLostStore(const ProjectPaths& paths) {
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(const bool exists, files.Exists(paths.MetaStore()));
  if (exists) {
    FEEDMILL_ASSIGN(const uint64_t size, files.FileSize(paths.MetaStore()));
    if (size > 0) return Ok();
  }
  FEEDMILL_ASSIGN(const auto table, lake::FindOneTable(files, paths.Lake()));
  if (!table) return Ok();
  return NotFound(
      "{} is {}, but {} holds tables ({}, ...): nothing was changed; put the file back from a backup, or make it anew "
      "from the tables with `feedmill lake recover --project {}`",
      paths.MetaStore(), exists ? "empty" : "not there", paths.Lake(), *table, paths.project);
}

// A file that was copied while somebody wrote to it may be of two minds.
Status CheckCopiedStore(const ProjectPaths& paths) {
  const Status whole = meta::CheckStore(paths.MetaStore());
  if (whole || whole.error().kind() != ErrorKind::kCorrupt) return whole;
  return Corrupt(
      "{}; the folder was copied while a server worked in it: make the copy with `feedmill fork`, or make this file "
      "anew from the tables with `feedmill lake recover --project {}`",
      whole.error().message(), paths.project);
}

// SQLite writes in place. Where the folder lies elsewhere than when it was last opened, its files may be those of other
// copies as well.
Status OwnStore(const ProjectPaths& paths) {
  const std::string name = paths.MetaStore().substr(paths.data.size() + 1);
  return io::GiveOwnFiles(paths.data, {name, name + "-wal", name + "-shm"});
}

Status MakeAtHome(const ProjectPaths& paths, const Recognised& recognised, DataFolder* folder) {
  folder->identity = recognised.identity;
  if (recognised.place == FolderPlace::kSame) return Ok();
  const bool copied = recognised.place == FolderPlace::kCopied;
  if (copied || recognised.place == FolderPlace::kMoved) {
    log::Info(copied ? "the data folder is a copy, which from now on goes its own way" : "the data folder was moved",
              {{"folder", recognised.identity.path}});
  }
  // A table that cannot be written anew can still be read.
  const auto adopted = folder->catalog->AdoptTables();
  if (!adopted)
    log::Warn("not all tables could be made at home; foreign readers may miss files",
              {{"error", adopted.error().message()}});
  // The store's transaction is what processes that start at once stand in line at.
  return folder->store->Write([&](meta::Transaction&) -> Status {
    FEEDMILL_ASSIGN(folder->identity, KeepIdentity(*folder->files, paths.data, recognised.identity));
    return Ok();
  });
}

}  // namespace

std::unique_ptr<io::FileSystem> ConfinedFiles(const ProjectPaths& paths) {
  return std::make_unique<io::ConfinedFileSystem>(
      io::PosixFileSystem(), std::vector{paths.data, paths.Log(), paths.Lake(), paths.State(),
                                         paths.FeatureCheckpoints(), paths.Bundles(), paths.Runs(), paths.Temporary()});
}

std::vector<meta::Migration> AllMigrations() {
  std::vector<meta::Migration> migrations = lake::CatalogMigrations();
  for (const auto& more : {registry::RegistryMigrations(), jobs::JobsMigrations(), warehouse::WarehouseMigrations(),
                           access::AccessMigrations()})
    migrations.insert(migrations.end(), more.begin(), more.end());
  return migrations;
}

Result<DataFolder> OpenDataFolder(const ProjectPaths& paths, const Clock& clock, const std::string& run_id) {
  FEEDMILL_TRY(RefuseUnfinishedFork(paths));
  FEEDMILL_TRY(RefuseLostStore(paths));
  FEEDMILL_TRY(MakeDataFolder(paths.data));
  FEEDMILL_ASSIGN(const Recognised recognised, RecogniseFolder(paths.data));
  if (recognised.place != FolderPlace::kSame) FEEDMILL_TRY(OwnStore(paths));
  if (recognised.place == FolderPlace::kCopied) FEEDMILL_TRY(CheckCopiedStore(paths));
  DataFolder folder;
  folder.files = ConfinedFiles(paths);
  for (const std::string& part : {paths.Lake(), paths.State(), paths.Bundles(), paths.Runs(), paths.Temporary()})
    FEEDMILL_TRY(folder.files->CreateDirectories(part));
  FEEDMILL_ASSIGN(folder.store, meta::OpenWholeStore(paths.MetaStore(), AllMigrations()));
  lake::CatalogOptions options;
  options.warehouse = paths.Lake();
  FEEDMILL_ASSIGN(folder.catalog, run_id.empty()
                                      ? lake::OpenCatalog(*folder.files, *folder.store, clock, options)
                                      : lake::OpenStagedCatalog(*folder.files, *folder.store, clock, options, run_id));
  if (!run_id.empty()) {
    FEEDMILL_ASSIGN(const bool pinned, lake::IsPinned(*folder.store, run_id));
    if (pinned) {
      folder.tables = std::move(folder.catalog);
      folder.catalog = lake::MakeRunCatalog(*folder.tables, *folder.store, run_id);
    }
  }
  FEEDMILL_ASSIGN(folder.registry, registry::OpenRegistry(*folder.store, clock));
  FEEDMILL_TRY(MakeAtHome(paths, recognised, &folder));
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
                                                      const std::vector<std::string>& only_folders,
                                                      uint64_t memory_bytes_max) {
  query::EngineOptions options;
  options.temporary_directory = config.paths.Temporary();
  // The engine's own limit stays below the process's, so that it spills instead of being stopped.
  options.memory_bytes_max = memory_bytes_max > 0 ? memory_bytes_max : config.nightly.memory_bytes_max / 4 * 3;
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
