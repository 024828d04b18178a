// The catalog of tables: pointers to metadata files in the metadata store, changed by compare-and-swap. Any thread,
// several processes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "io/file_system.h"
#include "lake/table.h"
#include "meta/store.h"

namespace feedmill::lake {

// Tables this room keeps in the metadata store.
std::vector<meta::Migration> CatalogMigrations();

struct CatalogOptions {
  // Folder; a table lives in <warehouse>/<namespace>/<name>, and nothing is written or removed outside of it. Links in
  // its path are followed once, when the catalog is opened.
  std::string warehouse;
  int commit_attempts_max = 8;
  int64_t metadata_versions_kept_max = 100;
  int snapshots_kept_max = 500;       // expiry lets older ones go whatever their age, but pinned ones
  int64_t small_manifests_max = 100;  // a snapshot with more of them has them merged
  std::optional<uint64_t> id_seed;    // of snapshot ids and file names; from the operating system when absent
};

class Catalog {
 public:
  virtual ~Catalog() = default;
  virtual Result<std::vector<std::string>> ListTables() = 0;            // "ods.ods_event", ...
  virtual Result<TableDescription> Load(const std::string& table) = 0;  // kNotFound lists what exists
  virtual Result<TableDescription> Create(const std::string& table, const Schema& schema,
                                          const PartitionSpec& partition_spec) = 0;
  virtual Status Drop(const std::string& table, bool purge) = 0;
  // Adds optional columns at the end; existing ones must match (name, type) or kInvalidArgument.
  virtual Result<TableDescription> AddColumns(const std::string& table, const Schema& columns) = 0;
  // Publishes a new snapshot or nothing. kConflict: see CommitRequest; landing fences give kConflict with the offsets
  // found.
  virtual Result<Snapshot> Commit(const std::string& table, const CommitRequest& request) = 0;
  // At the current snapshot, or at `snapshot_id`: kNotFound when that has expired. 0 is the table before its first
  // snapshot, which has no files.
  virtual Result<ScanPlan> PlanScan(const std::string& table, const std::vector<RangeFilter>& filters,
                                    std::optional<int64_t> snapshot_id = std::nullopt) = 0;
  // Next offset per partition committed for `stream` into `table`; empty when none was.
  virtual Result<std::map<uint32_t, uint64_t>> LandedOffsets(const std::string& table, const std::string& stream) = 0;
  // Takes over as the only landing writer of `stream`: the returned epoch is larger than any before; older ones are
  // fenced off.
  virtual Result<int64_t> AcquireWriterEpoch(const std::string& stream) = 0;
  // The youngest writer's; a writer with a lower one was taken over. 0 when there was none.
  virtual Result<int64_t> CurrentWriterEpoch(const std::string& stream) = 0;
  // Drops snapshots older than `older_than`, never the current one nor the newest `keep_min`; removes files only they
  // used.
  virtual Status ExpireSnapshots(const std::string& table, Micros older_than, int keep_min) = 0;
  // Folder into which a writer puts a new data file of the table: absolute, created.
  virtual Result<std::string> DataFolder(const std::string& table) = 0;
  // After the lake was moved or copied: writes the metadata of tables whose files name another folder anew, so that
  // foreign readers find them where they are. Our own readers need no such thing, and a commit does it for its table.
  // Stopped in the middle, it goes on when called again. Returns how many tables it was, or the first error after all
  // have been tried.
  virtual Result<int> AdoptTables() = 0;
  // Read from the files anew, whatever was read before. kCorrupt and kNotFound when the metadata file itself is not
  // whole.
  virtual Result<Inventory> TakeInventory(const std::string& table) = 0;
};

Result<std::unique_ptr<Catalog>> OpenCatalog(io::FileSystem& files, meta::Store& store, const Clock& clock,
                                             const CatalogOptions& options);

}  // namespace feedmill::lake
