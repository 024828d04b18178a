#include "app/verb_lake.h"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/data_folder.h"
#include "app/project.h"
#include "base/log.h"
#include "base/time_text.h"
#include "lake/recover.h"
#include "meta/store_file.h"

namespace feedmill::app {
namespace {

struct LakeArguments {
  std::string project = ".";
  Overrides overrides;
};

// A store with tables is not made again: what it says is younger than what the files tell.
Status SetStoreAside(const ProjectPaths& paths, const Clock& clock) {
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(const bool exists, files.Exists(paths.MetaStore()));
  if (!exists) return Ok();
  Status usable = meta::CheckStore(paths.MetaStore());
  size_t tables = 0;
  if (usable) {
    const auto store = meta::OpenWholeStore(paths.MetaStore(), AllMigrations());
    if (!store && store.error().kind() == ErrorKind::kInvalidArgument) return std::unexpected(store.error());
    usable = store ? (*store)->Read([&](meta::Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(const auto rows, transaction.Query("SELECT name FROM lake_table"));
      tables = rows.size();
      return Ok();
    })
                   : Status(std::unexpected(store.error()));
  }
  if (usable && tables > 0) {
    return AlreadyExists(
        "{} is whole and has {} tables; nothing was changed. Move the file away if it must be made anew",
        paths.MetaStore(), tables);
  }
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

Status RunRecover(const LakeArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  FEEDMILL_ASSIGN(const DataFolderLock lock, DataFolderLock::Take(config.paths.data));
  const SystemClock clock;
  FEEDMILL_TRY(SetStoreAside(config.paths, clock));
  FEEDMILL_ASSIGN(const auto tables, lake::FindTables(io::PosixFileSystem(), config.paths.Lake()));
  std::string live;
  FEEDMILL_TRY(WriteStore(config.paths, clock, tables, &live));
  uint64_t recovered = 0, lost = 0;
  for (const lake::FoundTable& table : tables) {
    fmt::print(stderr, "{}\n", Line(table));
    for (const std::string& why : table.damaged_newer) fmt::print(stderr, "  {}\n", why);
    (table.pointer.empty() ? lost : recovered) += 1;
  }
  const nlohmann::json json = {{"tables", recovered}, {"tables_lost", lost}, {"bundle_live", live}};
  cli::PrintResult(json.dump());
  if (lost > 0) return Corrupt("{} of {} tables have no whole version; see above", lost, tables.size());
  return Ok();
}

}  // namespace

void AddLakeVerb(CLI::App& app) {
  auto arguments = std::make_shared<LakeArguments>();
  CLI::App* verb = app.add_subcommand("lake", "work on the lake itself");
  verb->require_subcommand(1);
  CLI::App* recover = verb->add_subcommand(
      "recover",
      "make meta.db anew from the tables' own files: pointers, landed offsets, bundles; the next nightly makes what is "
      "derived again");
  recover->add_option("--project", arguments->project, "project folder")->capture_default_str();
  recover->add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  recover->callback([arguments] { cli::Finish(RunRecover(*arguments)); });
}

}  // namespace feedmill::app
