// Manifests and manifest lists (specification, "Manifests", "Manifest Lists"): which files a snapshot is made of. Plain
// data and its Avro codecs, over bytes in memory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lake/avro_container.h"
#include "lake/metadata.h"
#include "lake/table.h"

namespace feedmill::lake {

enum class EntryStatus { kExisting = 0, kAdded = 1, kDeleted = 2 };
enum class FileContent { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };
enum class ManifestContent { kData = 0, kDeletes = 1 };

struct ManifestEntry {
  EntryStatus status = EntryStatus::kAdded;
  // Absent in the bytes of an added file: inherited from the manifest, whose numbers are known only when its snapshot
  // commits.
  std::optional<int64_t> snapshot_id;
  std::optional<int64_t> sequence_number;       // of the data: keeps its value when files are rewritten
  std::optional<int64_t> file_sequence_number;  // of the file
  FileContent content = FileContent::kData;
  std::string file_format = "PARQUET";
  DataFile file;
  // Kept for files that other engines wrote.
  std::map<int, int64_t> nan_counts;
  std::vector<int64_t> split_offsets;
  std::optional<int> sort_order_id;
};

// Over the partition values of a manifest's entries, one a field of its spec. Bounds are single-value binary, never
// cut.
struct PartitionSummary {
  bool contains_null = false;
  std::optional<bool> contains_nan;
  std::optional<std::string> lower_bound;
  std::optional<std::string> upper_bound;
};

struct ManifestFile {
  std::string path;
  int64_t length = 0;
  int spec_id = 0;
  ManifestContent content = ManifestContent::kData;
  int64_t sequence_number = 0;
  int64_t min_sequence_number = 0;
  int64_t added_snapshot_id = 0;
  int64_t added_files = 0;
  int64_t existing_files = 0;
  int64_t deleted_files = 0;
  int64_t added_rows = 0;
  int64_t existing_rows = 0;
  int64_t deleted_rows = 0;
  std::vector<PartitionSummary> partitions;  // empty when the writer left them out
  std::optional<uint32_t> crc32c;            // of the manifest; absent in lists of other writers
};

// Writes one manifest of data files. Entries of kAdded without sequence numbers inherit them.
class ManifestWriter {
 public:
  // `spec` must bind to `schema` (BindSpec). `snapshot_id` is the snapshot that writes the manifest.
  ManifestWriter(const TableSchema& schema, const TableSpec& spec, int64_t snapshot_id);
  Status Add(const ManifestEntry& entry);
  int64_t entries() const { return file_.added_files + file_.existing_files + file_.deleted_files; }
  struct Written {
    std::string bytes;
    ManifestFile file;  // without path; sequence_number is the list writer's to set
  };
  Result<Written> Finish();

 private:
  void Count(const ManifestEntry& entry);
  void Summarize(const DataFile& file);

  std::vector<PartitionType> types_;
  AvroContainerWriter container_;
  AvroEncoder encoder_;
  ManifestFile file_;
  std::optional<int64_t> min_sequence_number_;
};

// All entries, deleted ones included, with what they inherit from `manifest` filled in. `bytes` must be as long as the
// list says, and have the checksum it says.
Result<std::vector<ManifestEntry>> ReadManifest(std::string_view bytes, const ManifestFile& manifest,
                                                const TableSpec& spec);

struct ManifestListHeader {
  int64_t snapshot_id = 0;
  std::optional<int64_t> parent_id;
  int64_t sequence_number = 0;
};
Result<std::string> WriteManifestList(const ManifestListHeader& header, const std::vector<ManifestFile>& manifests);
Result<std::vector<ManifestFile>> ReadManifestList(std::string_view bytes);

}  // namespace feedmill::lake
