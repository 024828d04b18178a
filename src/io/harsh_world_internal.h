// The state behind HarshFileSystem: a tree of nodes, each with what the page cache shows and what the disk holds.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/random.h"
#include "io/harsh_file_system.h"

namespace feedmill::io {

struct HarshNode;
using HarshNodePtr = std::shared_ptr<HarshNode>;
using HarshEntries = std::map<std::string, HarshNodePtr, std::less<>>;

// A file's bytes. `durable` is what the disk holds; cache[dirty_from, end) is newer.
struct HarshBytes {
  std::string cache;
  std::string durable;
  size_t dirty_from = 0;
  bool truncation_pending = false;

  bool Clean() const { return dirty_from == cache.size() && !truncation_pending; }
  void Sync();
  // A sync that failed: some of the dirty pages are on disk by chance, the others never will be.
  void DropDirty(Random* random);
  // What a crash leaves.
  std::string AfterCrash(Random* random) const;
};

struct HarshNode {
  bool is_directory = false;
  HarshBytes bytes;      // of a file
  HarshEntries entries;  // of a directory, as seen
  HarshEntries on_disk;  // of a directory, as synced
};

// One change of a directory that is not synced: `name` in `directory` stands for `node` (nothing = removed). A rename
// also removes `old_name` from `old_directory`, in the same instant.
struct HarshEntryChange {
  HarshNodePtr directory;
  std::string name;
  HarshNodePtr node;
  HarshNodePtr old_directory;
  std::string old_name;
};

// Changes that depend on each other: those of one name, joined by renames. Each group keeps its order, groups have
// none.
std::vector<std::vector<size_t>> GroupChanges(const std::vector<HarshEntryChange>& changes);
// Puts the change on disk.
void ApplyToDisk(const HarshEntryChange& change);

// A path as the names on the way from the root; "." and empty names are left out.
std::vector<std::string> SplitPath(std::string_view path);

class HarshFileSystem::World {
 public:
  explicit World(const HarshOptions& given) : options(given), random(given.seed) { root->is_directory = true; }

  // What kind of call asks, for the faults that fit it.
  struct Call {
    bool changes = false;
    bool appends = false;
    bool creates = false;
    bool syncs = false;
    bool opens = false;
  };
  // Counts the call; the fault it has to fail with, if any. An error when the machine is dead.
  Result<std::optional<Fault>> Enter(const Call& call, const std::string& path) FEEDMILL_REQUIRES(mutex);
  // Enter for calls of which a fault leaves nothing done.
  Status EnterWhole(const Call& call, const std::string& path) FEEDMILL_REQUIRES(mutex);
  // True when the call that entered last is the last one that happens.
  bool DiesNow() const FEEDMILL_REQUIRES(mutex) { return stop_after != 0 && changes == stop_after; }

  HarshNodePtr Find(const std::string& path) const FEEDMILL_REQUIRES(mutex);
  Result<HarshNodePtr> FindFile(const std::string& path) const FEEDMILL_REQUIRES(mutex);
  Result<HarshNodePtr> FindDirectory(const std::string& path) const FEEDMILL_REQUIRES(mutex);
  // The directory a path's last name stands in, and that name.
  Result<std::pair<HarshNodePtr, std::string>> FindParent(const std::string& path) const FEEDMILL_REQUIRES(mutex);
  Result<HarshNodePtr> OpenOrCreate(const std::string& path, bool truncate) FEEDMILL_REQUIRES(mutex);
  void Change(HarshEntryChange change) FEEDMILL_REQUIRES(mutex);
  void SyncDirectory(const HarshNodePtr& directory) FEEDMILL_REQUIRES(mutex);
  uint64_t UsedBytes() const FEEDMILL_REQUIRES(mutex);
  std::shared_ptr<World> AfterCrash(uint64_t seed) const FEEDMILL_REQUIRES(mutex);

  Mutex mutex;
  const HarshOptions options;
  Random random FEEDMILL_GUARDED_BY(mutex);
  HarshNodePtr root FEEDMILL_GUARDED_BY(mutex) = std::make_shared<HarshNode>();
  std::vector<HarshEntryChange> unsynced FEEDMILL_GUARDED_BY(mutex);
  struct Planned {
    uint64_t in;  // calls that fit, this one included
    Fault fault;
  };
  std::vector<Planned> planned FEEDMILL_GUARDED_BY(mutex);
  uint64_t changes FEEDMILL_GUARDED_BY(mutex) = 0;
  uint64_t stop_after FEEDMILL_GUARDED_BY(mutex) = 0;
};

}  // namespace feedmill::io
