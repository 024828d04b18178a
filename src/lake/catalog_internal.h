// The catalog over any pointer store. For catalog.cc and tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "io/confined_file_system.h"
#include "lake/catalog.h"
#include "lake/ids.h"
#include "lake/pointer_store.h"
#include "lake/table_files.h"

namespace feedmill::lake {

class FileCatalog final : public Catalog {
 public:
  FileCatalog(io::FileSystem& files, std::unique_ptr<PointerStore> pointers, const Clock& clock, CatalogOptions options,
              bool staged = false);

  Result<std::vector<std::string>> ListTables() override;
  Result<TableDescription> Load(const std::string& table) override;
  Result<TableDescription> Create(const std::string& table, const Schema& schema,
                                  const PartitionSpec& partition_spec) override;
  Status Drop(const std::string& table, bool purge) override;
  Result<TableDescription> AddColumns(const std::string& table, const Schema& columns) override;
  Result<Snapshot> Commit(const std::string& table, const CommitRequest& request) override;
  Result<ScanPlan> PlanScan(const std::string& table, const std::vector<RangeFilter>& filters,
                            std::optional<int64_t> snapshot_id) override;
  Result<std::map<uint32_t, uint64_t>> LandedOffsets(const std::string& table, const std::string& stream) override;
  Result<int64_t> AcquireWriterEpoch(const std::string& stream) override;
  Result<int64_t> CurrentWriterEpoch(const std::string& stream) override;
  Status ExpireSnapshots(const std::string& table, Micros older_than, int keep_min) override;
  Result<std::string> DataFolder(const std::string& table) override;
  Result<int> AdoptTables() override;
  Result<Inventory> TakeInventory(const std::string& table) override;

 private:
  struct Current {
    std::string location;  // path of the metadata file
    std::shared_ptr<const TableMetadata> metadata;
  };
  enum class Attempt { kDone, kMoved };
  // Changes metadata in place; false when there is nothing to change.
  using Change = std::function<Result<bool>(TableMetadata&)>;

  Result<Current> ReadCurrent(const std::string& table);
  // The same for whoever is going to change the table: its files name the folder that it is in.
  Result<Current> ReadForChange(const std::string& table) FEEDMILL_REQUIRES(commit_mutex_);
  // Pointers are relative to the warehouse, so that a data folder can be moved and copied.
  Result<std::string> PathOf(const std::string& table, const std::string& pointer) const;
  std::string PointerOf(const std::string& path) const;
  std::string FolderOf(const std::string& table) const;
  Result<TableDescription> Describe(const std::string& table, const Current& current) const;
  Result<ScanPlan> PlanIn(const Current& current, const std::string& table, const std::vector<RangeFilter>& filters,
                          std::optional<int64_t> snapshot_id);
  // Reads, changes, writes and swaps until the pointer stood still meanwhile.
  Result<Current> Update(const std::string& table, const Change& change);
  // Writes `next` and makes it current if `base` still is. kMoved: it is not, and `next` is gone.
  Result<Attempt> Publish(const Current& base, TableMetadata next, PointerChange change, Current* published)
      FEEDMILL_REQUIRES(commit_mutex_);
  Result<std::optional<Snapshot>> CommitOnce(const std::string& table, const CommitRequest& request,
                                             int64_t snapshot_id) FEEDMILL_REQUIRES(commit_mutex_);
  // Writes metadata, manifest lists and manifests anew, with the present folder in them. False when they have it.
  // Adds the files that are no longer needed once the pointer is settled.
  Result<bool> Adopt(const std::string& table, std::vector<std::string>* replaced) FEEDMILL_REQUIRES(commit_mutex_);
  void RemoveReplaced(const std::vector<std::string>& paths);
  std::unexpected<Error> Damaged(const std::string& table, const Error& error) const;
  // The metadata file after `location`.
  std::string NextLocation(const TableMetadata& metadata, const std::string& location);

  io::ConfinedFileSystem confined_;  // nothing outside of the warehouse is ever changed
  TableFiles files_;
  std::unique_ptr<PointerStore> pointers_;
  const Clock& clock_;
  const CatalogOptions options_;
  const bool staged_;  // sees tables that a run stages, whose folders are those of the published ones
  IdSource ids_;
  // Commits of this process to one table stand in line here instead of undoing each other; other processes' still may.
  Mutex commit_mutex_;
};

}  // namespace feedmill::lake
