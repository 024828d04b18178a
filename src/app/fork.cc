#include "app/fork.h"

#include <algorithm>
#include <filesystem>

#include "app/data_folder.h"
#include "base/progress.h"
#include "io/confined_file_system.h"
#include "lake/run_tables.h"
#include "meta/store_file.h"

namespace feedmill::app {
namespace {

namespace fs = std::filesystem;

constexpr int kAttemptsMax = 5;
// What has no place in a copy: the original's own, or made anew.
constexpr const char* kLeftOut[] = {"identity.json", "lock",        "work.lock",   "server.json",      "tmp",
                                    "meta.db",       "meta.db-wal", "meta.db-shm", "features.rebuilt", "state.rebuilt"};

std::string MarkPath(const std::string& data_folder) { return data_folder + "/fork.unfinished"; }

class Forking {
 public:
  Forking(const Config& from, const ForkOptions& options) : config_(from), options_(options) {
    to_.project = options.to;
    to_.data = options.to + "/data";
  }

  Result<ForkFigures> Run() {
    FEEDMILL_TRY(Check());
    FEEDMILL_TRY(files_.CreateDirectories(to_.data));
    std::error_code ignored;
    fs::permissions(to_.data, fs::perms::owner_all, ignored);
    FEEDMILL_TRY(io::WriteFileAtomically(files_, MarkPath(to_.data), "made by feedmill fork\n"));
    FEEDMILL_TRY(CopyTree(config_.paths.project, to_.project, {"data"}));
    FEEDMILL_ASSIGN(const bool started, files_.Exists(config_.paths.MetaStore()));
    if (started) FEEDMILL_TRY(CopyLake());
    // A checkpoint may be older than the log beside it, never younger: the log comes last.
    FEEDMILL_TRY(CopyTree(config_.paths.data, to_.data, {"lake", "log"}));
    FEEDMILL_TRY(CopyTree(config_.paths.Log(), to_.Log(), {}));
    return Finish(started);
  }

 private:
  Status Check() {
    if (io::RealPath(config_.paths.data) != io::RealPath(config_.paths.project + "/data")) {
      return InvalidArgument(
          "data.folder is {}: allowed is a project whose data lies in {}/data, since the copy would have the same "
          "setting and work in the same folder",
          config_.paths.data, config_.paths.project);
    }
    if (io::RealPath(to_.project) == io::RealPath(config_.paths.project) ||
        io::LiesBelow(io::RealPath(to_.project), io::RealPath(config_.paths.project))) {
      return InvalidArgument("{} lies in {}; a copy is made beside it", to_.project, config_.paths.project);
    }
    FEEDMILL_ASSIGN(const bool exists, files_.Exists(to_.project));
    if (!exists) return Ok();
    FEEDMILL_ASSIGN(const auto found, files_.List(to_.project));
    if (found.empty()) return Ok();
    return AlreadyExists("{}: the folder holds \"{}\"; a copy is written into a new or empty folder", to_.project,
                         found.front());
  }

  // The catalog first, then what it names. Files that expire meanwhile need a younger catalog.
  Status CopyLake() {
    for (int attempt = 1;; ++attempt) {
      std::error_code ignored;
      for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(to_.MetaStore() + suffix, ignored);
      FEEDMILL_TRY(meta::CopyStore(config_.paths.MetaStore(), to_.MetaStore()));
      const Status copied = CopyTables();
      if (copied || copied.error().kind() != ErrorKind::kNotFound || attempt == kAttemptsMax) return copied;
    }
  }

  Status CopyTables() {
    FEEDMILL_ASSIGN(const auto store, meta::OpenWholeStore(to_.MetaStore(), AllMigrations()));
    // The copied catalog over the original's files: it only reads.
    lake::CatalogOptions original;
    original.warehouse = config_.paths.Lake();
    FEEDMILL_ASSIGN(const auto catalog, lake::OpenCatalog(files_, *store, clock_, original));
    FEEDMILL_ASSIGN(const auto tables, catalog->ListTables());
    std::vector<std::string> paths;
    uint64_t bytes = 0;
    for (const std::string& table : tables) {
      FEEDMILL_ASSIGN(const lake::Inventory inventory, catalog->TakeInventory(table));
      if (!inventory.damaged.empty()) return std::unexpected(inventory.damaged.front());
      for (const lake::LakeFile& file : inventory.files) {
        paths.push_back(file.path);
        bytes += static_cast<uint64_t>(file.size_bytes);
      }
    }
    Progress progress("fork", bytes, "B");
    const std::string from = io::RealPath(config_.paths.Lake());
    for (const std::string& path : paths) {
      if (!io::LiesBelow(path, from)) return InvalidArgument("{}: a file of the lake that is not below {}", path, from);
      FEEDMILL_TRY(CopyFile(path, to_.Lake() + path.substr(from.size()), options_.links));
      progress.Set(figures_.bytes);
    }
    return Ok();
  }

  // Everything below `from` except entries of that name at the top. What vanishes meanwhile is not part of it.
  Status CopyTree(const std::string& from, const std::string& to, const std::vector<std::string>& without) {
    FEEDMILL_ASSIGN(const bool exists, files_.Exists(from));
    if (!exists) return Ok();
    FEEDMILL_TRY(files_.CreateDirectories(to));
    FEEDMILL_ASSIGN(const auto names, files_.List(from));
    for (const std::string& name : names) {
      const bool left_out = std::ranges::find(without, name) != without.end() ||
                            std::ranges::any_of(kLeftOut, [&](const char* left) { return name == left; }) ||
                            name.ends_with(".tmp");
      if (!left_out) FEEDMILL_TRY(CopyEntry(fmt::format("{}/{}", from, name), fmt::format("{}/{}", to, name)));
    }
    std::error_code ignored;
    fs::permissions(to, fs::status(from, ignored).permissions(), ignored);
    return files_.SyncDirectory(to);
  }

  Status CopyEntry(const std::string& from, const std::string& to) {
    std::error_code error;
    const fs::file_status status = fs::status(from, error);
    if (fs::is_directory(status)) return CopyTree(from, to, {});
    if (!fs::is_regular_file(status)) return Ok();  // gone, or a socket
    const bool bundle = io::LiesBelow(from, config_.paths.Bundles());
    const Status copied = CopyFile(from, to, bundle && options_.links);
    return copied || copied.error().kind() == ErrorKind::kNotFound ? Ok() : copied;
  }

  Status CopyFile(const std::string& from, const std::string& to, bool link) {
    std::error_code error;
    if (fs::exists(to, error)) return Ok();  // of an earlier attempt, and files of the lake never change
    FEEDMILL_TRY(files_.CreateDirectories(fs::path(to).parent_path().string()));
    ++figures_.files;
    if (link) {
      fs::create_hard_link(from, to, error);
      if (!error) {
        ++figures_.linked;
        return files_.SyncDirectory(fs::path(to).parent_path().string());
      }
    }
    const std::string temporary = to + ".tmp";
    if (!fs::copy_file(from, temporary, fs::copy_options::overwrite_existing, error)) {
      const bool gone = error == std::errc::no_such_file_or_directory;
      return Fail(gone ? ErrorKind::kNotFound : ErrorKind::kIo, "copy {} to {}: {}", from, to, error.message());
    }
    figures_.bytes += fs::file_size(temporary, error);
    FEEDMILL_TRY(files_.SyncFile(temporary));
    FEEDMILL_TRY(files_.Rename(temporary, to));
    return files_.SyncDirectory(fs::path(to).parent_path().string());
  }

  Result<ForkFigures> Finish(bool started) {
    FEEDMILL_ASSIGN(const auto origin, ReadIdentity(config_.paths.data));
    if (started) {
      FEEDMILL_ASSIGN(const auto store, meta::OpenWholeStore(to_.MetaStore(), AllMigrations()));
      lake::CatalogOptions own;
      own.warehouse = to_.Lake();
      FEEDMILL_ASSIGN(const auto catalog, lake::OpenCatalog(files_, *store, clock_, own));
      FEEDMILL_TRY(catalog->AdoptTables());
      // What runs of the original had begun goes on there alone.
      FEEDMILL_ASSIGN(const auto runs, lake::RunsWithTables(*store));
      for (const std::string& run : runs) FEEDMILL_TRY(lake::ForgetRun(*store, run));
    }
    FEEDMILL_TRY(KeepIdentity(files_, to_.data, NewIdentity(to_.data, origin ? origin->id : "")));
    FEEDMILL_TRY(files_.Remove(MarkPath(to_.data)));
    FEEDMILL_TRY(files_.SyncDirectory(to_.data));
    FEEDMILL_TRY(files_.SyncDirectory(to_.project));
    return figures_;
  }

  const Config& config_;
  const ForkOptions& options_;
  ProjectPaths to_;
  io::ConfinedFileSystem files_{io::PosixFileSystem(), {options_.to}};
  SystemClock clock_;
  ForkFigures figures_;
};

}  // namespace

Result<ForkFigures> ForkProject(const Config& from, const ForkOptions& options) { return Forking(from, options).Run(); }

Status RefuseUnfinishedFork(const ProjectPaths& paths) {
  FEEDMILL_ASSIGN(const bool unfinished, io::PosixFileSystem().Exists(MarkPath(paths.data)));
  if (!unfinished) return Ok();
  return Unavailable("{} was made by a `feedmill fork` that did not finish; remove {} and fork again", paths.data,
                     paths.project);
}

}  // namespace feedmill::app
