// The next state of a table: from its current metadata and a commit request to new manifests, a manifest list and new
// metadata. One attempt of one commit; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "lake/ids.h"
#include "lake/table.h"
#include "lake/table_files.h"

namespace feedmill::lake {

struct SnapshotBuilderOptions {
  int64_t snapshot_id = 0;
  Micros now = 0;
  // A list with more manifests than this below the target size has them merged.
  int64_t small_manifests_max = 100;
  int64_t manifest_bytes_target = 8 << 20;
};

class SnapshotBuilder {
 public:
  SnapshotBuilder(TableFiles& files, IdSource& ids, const TableMetadata& base, const CommitRequest& request,
                  const SnapshotBuilderOptions& options);

  // Writes manifests and the manifest list (durable after their folder is synced), and returns the metadata that the
  // new snapshot is current in. kConflict: the table is not as the request has read it. kInvalidArgument: files that
  // do not fit the table.
  Result<TableMetadata> Build();

  // Paths of all files written so far, to be removed when the attempt is given up.
  const std::vector<std::string>& written() const { return written_; }

 private:
  struct Totals {
    int64_t files = 0;
    int64_t rows = 0;
    int64_t bytes = 0;
    std::set<std::string> partitions;
  };

  Status CheckFiles() const;
  struct Partitions {
    std::set<std::string> keys;
    std::vector<DataFile> samples;  // one of each, only its partition
  };
  Result<Partitions> ReplacedPartitions() const;
  // Whether the manifest may hold files of one of them, by what its list says of it.
  bool MayHold(const ManifestFile& manifest, const Partitions& partitions) const;
  Status CheckAppendable() const;
  Status CheckReplaceable(const ManifestEntry& entry) const;
  using IsReplaced = std::function<bool(const ManifestEntry&)>;
  Status ReplacePartitions(std::vector<ManifestFile>* manifests);
  Status ReplaceFiles(std::vector<ManifestFile>* manifests);
  using MayBeReplaced = std::function<bool(const ManifestFile&)>;
  // Manifests of which `may` says no are not read.
  Status FilterManifests(const MayBeReplaced& may, const IsReplaced& replaced, std::vector<ManifestFile>* manifests);
  // Rewrites the manifest without the files that are replaced, unless it has none of them.
  Status FilterManifest(const IsReplaced& replaced, ManifestFile* manifest);
  Status AddFiles(std::vector<ManifestFile>* manifests);
  Status MergeSmallManifests(std::vector<ManifestFile>* manifests);
  Result<ManifestFile> MergeManifests(const std::vector<ManifestFile>& parts);
  Result<ManifestFile> Write(ManifestWriter& writer);
  // Its checksum goes into the snapshot's summary.
  Status WriteList(std::vector<ManifestFile> manifests, Snapshot* snapshot);
  std::map<std::string, std::string> Summary(const std::vector<ManifestFile>& manifests) const;

  TableFiles& files_;
  IdSource& ids_;
  const TableMetadata& base_;
  const CommitRequest& request_;
  const SnapshotBuilderOptions options_;
  const Snapshot* const parent_;
  const std::string uuid_;
  const TableSchema& schema_;
  const TableSpec& spec_;
  const std::vector<PartitionType> types_;
  int64_t sequence_number_ = 0;
  int64_t read_sequence_number_ = 0;
  Totals added_;
  Totals deleted_;
  std::vector<std::string> written_;
};

}  // namespace feedmill::lake
