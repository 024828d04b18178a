#include "app/verb_lake.h"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "app/data_folder.h"
#include "app/offline_landing.h"
#include "app/project.h"
#include "app/work_lock.h"
#include "base/log.h"
#include "base/time_text.h"
#include "ingest/event_tables.h"
#include "lake/recover.h"
#include "meta/store_file.h"

namespace feedmill::app {
namespace {

struct LakeArguments {
  std::string project = ".";
  Overrides overrides;
  bool yes = false;
};

// How many tables the store has; an error when it cannot be used. kInvalidArgument: a newer program has changed it.
Result<size_t> CountTables(const ProjectPaths& paths) {
  FEEDMILL_TRY(meta::CheckStore(paths.MetaStore()));
  FEEDMILL_ASSIGN(const auto store, meta::OpenWholeStore(paths.MetaStore(), AllMigrations()));
  size_t tables = 0;
  FEEDMILL_TRY(store->Read([&](meta::Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(const auto rows, transaction.Query("SELECT name FROM lake_table"));
    tables = rows.size();
    return Ok();
  }));
  return tables;
}

// Which tables of the store cannot be read: their own words.
Result<std::vector<std::string>> UnreadableTables(const ProjectPaths& paths, const Clock& clock) {
  FEEDMILL_ASSIGN(const auto store, meta::OpenWholeStore(paths.MetaStore(), AllMigrations()));
  lake::CatalogOptions options;
  options.warehouse = paths.Lake();
  FEEDMILL_ASSIGN(const auto catalog, lake::OpenCatalog(io::PosixFileSystem(), *store, clock, options));
  FEEDMILL_ASSIGN(const auto tables, catalog->ListTables());
  std::vector<std::string> unreadable;
  for (const std::string& table : tables) {
    const auto plan = catalog->PlanScan(table, {});
    if (!plan) unreadable.push_back(plan.error().message());
  }
  return unreadable;
}

// What a whole store says is younger than what the files tell, so that it goes only when it is asked for.
Status RefuseWholeStore(const ProjectPaths& paths, const Clock& clock, size_t tables) {
  FEEDMILL_ASSIGN(const auto unreadable, UnreadableTables(paths, clock));
  const std::string command = fmt::format("`feedmill lake recover --yes --project {}`", paths.project);
  if (!unreadable.empty()) {
    return Corrupt(
        "{} of the {} tables of {} cannot be read; nothing was changed. {} keeps that file aside, makes it anew from "
        "what is whole, and lands again what the log has. The first: {}",
        unreadable.size(), tables, paths.MetaStore(), command, unreadable.front());
  }
  return AlreadyExists(
      "{} is whole and has {} tables, which can all be read; nothing was changed. {} makes it anew all the same, and "
      "keeps the file aside",
      paths.MetaStore(), tables, command);
}

Status SetStoreAside(const ProjectPaths& paths, const Clock& clock, bool yes) {
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(const bool exists, files.Exists(paths.MetaStore()));
  if (!exists) return Ok();
  const auto tables = CountTables(paths);
  if (!tables && tables.error().kind() == ErrorKind::kInvalidArgument) return std::unexpected(tables.error());
  if (tables && *tables > 0 && !yes) return RefuseWholeStore(paths, clock, *tables);
  const std::string aside = fmt::format("{}.aside-{}", paths.MetaStore(), FormatTime(clock.Now()));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    FEEDMILL_ASSIGN(const bool there, files.Exists(paths.MetaStore() + suffix));
    if (there) FEEDMILL_TRY(files.Rename(paths.MetaStore() + suffix, aside + suffix));
  }
  fmt::print(stderr, "lake recover: what was there is kept as {}\n", aside);
  return files.SyncDirectory(paths.data);
}

// The bundle that was live when the newest one was measured is known to have been live; the newest may not have been.
Result<std::string> RecoverBundles(const ProjectPaths& paths, registry::Registry& registry) {
  io::FileSystem& files = io::PosixFileSystem();
  std::vector<registry::BundleManifest> bundles;
  const auto names = files.List(paths.Bundles());
  for (const std::string& name : names ? *names : std::vector<std::string>{}) {
    auto manifest = registry::VerifyBundle(files, paths.Bundles() + "/" + name);
    if (manifest) {
      bundles.push_back(std::move(*manifest));
    } else {
      fmt::print(stderr, "lake recover: bundle left aside: {}\n", manifest.error().message());
    }
  }
  if (bundles.empty()) return std::string();
  std::ranges::sort(bundles, {}, &registry::BundleManifest::created_at);
  for (const registry::BundleManifest& bundle : bundles) FEEDMILL_TRY(registry.Add(bundle, bundle.id));
  std::string live = bundles.back().id;
  if (std::ranges::find(bundles, bundles.back().compared_to, &registry::BundleManifest::id) != bundles.end())
    live = bundles.back().compared_to;
  FEEDMILL_TRY(registry.Promote(live, true));
  return live;
}

// Under another name first: a crash leaves no store or the whole one.
Status WriteStore(const ProjectPaths& paths, const Clock& clock, const std::vector<lake::FoundTable>& tables,
                  std::string* live) {
  io::FileSystem& files = io::PosixFileSystem();
  const std::string path = paths.MetaStore() + ".recovering";
  for (const char* suffix : {"", "-wal", "-shm"}) {
    FEEDMILL_ASSIGN(const bool there, files.Exists(path + suffix));
    if (there) FEEDMILL_TRY(files.Remove(path + suffix));
  }
  {
    FEEDMILL_ASSIGN(const auto store, meta::OpenWholeStore(path, AllMigrations()));
    FEEDMILL_TRY(lake::KeepTables(*store, tables));
    FEEDMILL_ASSIGN(const auto registry, registry::OpenRegistry(*store, clock));
    FEEDMILL_ASSIGN(*live, RecoverBundles(paths, *registry));
  }
  FEEDMILL_TRY(files.SyncFile(path));
  FEEDMILL_TRY(files.Rename(path, paths.MetaStore()));
  return files.SyncDirectory(paths.data);
}

std::string Line(const lake::FoundTable& table) {
  if (table.pointer.empty()) return fmt::format("{:<28} lost: no version is whole", table.name);
  std::string line = fmt::format("{:<28} {} rows", table.name, table.rows);
  for (const auto& [stream, offsets] : table.landed)
    line += fmt::format(", {} landed up to {}", stream, lake::OffsetsToString(offsets));
  if (!table.damaged_newer.empty()) line += fmt::format("; {} version(s) are not whole", table.damaged_newer.size());
  return line;
}

bool IsRaw(std::string_view table) { return std::ranges::find(ingest::kRawTables, table) != ingest::kRawTables.end(); }

std::string WhatIsNext(const lake::FoundTable& table) {
  if (!table.pointer.empty()) return "";
  return IsRaw(table.name) ? "; it lands again from the log" : "; the next `feedmill run` makes it again";
}

// Records that were in tables of which nothing is whole and that the log does not have any more.
Status RefuseGap(const std::vector<std::string>& lost, const ingest::EventLog& log) {
  for (uint32_t partition = 0; partition < log.partitions(); ++partition) {
    if (lost.empty() || log.BeginOffset(partition) == 0) continue;
    return Corrupt(
        "{}: nothing of it is whole, and partition {} of the log begins at record {}: what landed before is only in a "
        "backup. The catalog is made anew, and what the log has has landed",
        fmt::join(lost, ", "), partition, log.BeginOffset(partition));
  }
  return Ok();
}

// What the recovered tables lack and the log has.
Status LandFromLog(const Config& config, const std::vector<lake::FoundTable>& tables, uint64_t* landed_up_to) {
  std::vector<std::string> lost;
  for (const std::string_view raw : ingest::kRawTables) {
    const auto found = std::ranges::find(tables, raw, &lake::FoundTable::name);
    if (found == tables.end() || found->pointer.empty()) lost.emplace_back(raw);
  }
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const auto landing, OfflineLanding::Open(config, folder, clock));
  FEEDMILL_TRY(landing->LandAll());
  for (uint32_t partition = 0; partition < landing->log().partitions(); ++partition)
    *landed_up_to += landing->LandedOffset(partition);
  return RefuseGap(lost, landing->log());
}

uint64_t Tell(const std::vector<lake::FoundTable>& tables) {
  uint64_t recovered = 0;
  for (const lake::FoundTable& table : tables) {
    fmt::print(stderr, "{}{}\n", Line(table), WhatIsNext(table));
    for (const std::string& why : table.damaged_newer) fmt::print(stderr, "  {}\n", why);
    recovered += table.pointer.empty() ? 0 : 1;
  }
  return recovered;
}

Status RunRecover(const LakeArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolderLock lock, DataFolderLock::Take(config.paths.data));
  FEEDMILL_ASSIGN(const WorkLock work, WorkLock::Take(config.paths.data, "feedmill lake recover", clock.Now()));
  FEEDMILL_TRY(SetStoreAside(config.paths, clock, arguments.yes));
  FEEDMILL_ASSIGN(const auto tables, lake::FindTables(io::PosixFileSystem(), config.paths.Lake()));
  std::string live;
  FEEDMILL_TRY(WriteStore(config.paths, clock, tables, &live));
  const uint64_t recovered = Tell(tables);
  uint64_t landed = 0;
  const Status all_landed = LandFromLog(config, tables, &landed);
  const nlohmann::json json = {{"tables", recovered},
                               {"tables_lost", tables.size() - recovered},
                               {"records_landed", landed},
                               {"bundle_live", live}};
  cli::PrintResult(json.dump());
  if (!all_landed) return std::unexpected(all_landed.error().WithContext("the catalog is made anew; landing the log"));
  return Ok();
}

}  // namespace

void AddLakeVerb(CLI::App& app) {
  auto arguments = std::make_shared<LakeArguments>();
  CLI::App* verb = app.add_subcommand("lake", "work on the lake itself");
  verb->require_subcommand(1);
  CLI::App* recover = verb->add_subcommand("recover",
                                           "make meta.db anew from the tables' own files: pointers, landed offsets, "
                                           "bundles; land again what the log has; the "
                                           "next nightly makes what is derived again");
  recover->add_option("--project", arguments->project, "project folder")->capture_default_str();
  recover->add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  recover->add_flag("--yes", arguments->yes,
                    "also when meta.db is there and whole, but names what is not: the file is kept aside");
  recover->callback([arguments] { cli::Finish(RunRecover(*arguments)); });
}

}  // namespace feedmill::app
