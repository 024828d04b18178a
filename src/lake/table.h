// Iceberg v2 tables on files (specification: iceberg.apache.org/spec, format version 2): what a table is, what a commit
// asks for.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/schema.h"

namespace feedmill::lake {

enum class Transform { kIdentity, kDay, kHour };

struct PartitionField {
  std::string column;
  Transform transform = Transform::kDay;
};

// Empty = unpartitioned.
using PartitionSpec = std::vector<PartitionField>;

// Min/max/null statistics of one column of one file; bounds in Iceberg's single-value binary form.
struct ColumnStatistics {
  int64_t value_count = 0;
  int64_t null_count = 0;
  int64_t size_bytes = 0;
  std::optional<std::string> lower_bound;
  std::optional<std::string> upper_bound;
};

// A file's name must be new: another attempt at the same rows writes other names, unless it is sure that the first was
// not committed.
struct DataFile {
  std::string path;  // absolute, below the table's folder
  // One value a partition field: days or hours since epoch, or the whole number; nothing for null. For a text column
  // any value, which only says that it is not null; the text stands in `partition_text`.
  std::vector<std::optional<int64_t>> partition;
  // Empty when no partition field is text; otherwise aligned with `partition`.
  std::vector<std::string> partition_text;
  int64_t record_count = 0;
  int64_t size_bytes = 0;
  std::map<int, ColumnStatistics> statistics;  // by field id
  std::optional<uint32_t> crc32c;              // of the whole file, kept in the manifest; absent: not known
};

struct Snapshot {
  int64_t id = 0;
  std::optional<int64_t> parent_id;
  int64_t sequence_number = 0;
  Micros committed_at = 0;
  std::string manifest_list;
  std::map<std::string, std::string> summary;  // "operation", counts, feedmill.* keys
  int schema_id = 0;
};

struct TableDescription {
  std::string name;  // "warehouse.dwd_user_action" -> namespace and name joined by a point
  std::string location;
  std::string uuid;
  Schema schema;  // current
  PartitionSpec partition_spec;
  std::vector<Snapshot> snapshots;  // oldest first
  std::optional<int64_t> current_snapshot_id;
  std::map<std::string, std::string> properties;
  std::string metadata_location;  // the pointer a commit compares and swaps
};

// Offsets consumed from the log by one landing batch: the exactly-once fence (docs/formats/lake.md).
struct LandingMark {
  std::string stream;                     // "events"
  std::map<uint32_t, uint64_t> expected;  // next offset per partition that the catalog must hold now
  std::map<uint32_t, uint64_t> next;      // what it will hold after the commit
  std::string batch_id;
  int64_t writer_epoch = 0;
};

// Keys of the summary of a snapshot and of those that follow it: where the landings of a stream ended (after the prefix
// comes the stream's name), and the epoch of their writer.
inline const std::string kOffsetsPrefix = "feedmill.offsets.";
inline const std::string kWriterEpoch = "feedmill.writer-epoch";

struct CommitRequest {
  enum class Operation { kAppend, kReplacePartitions, kReplaceFiles };
  Operation operation = Operation::kAppend;
  std::vector<DataFile> files;
  // kReplaceFiles takes these out, by their paths; kConflict when one is not in the table.
  std::vector<std::string> replaced_files;
  // kReplacePartitions empties the partitions that `files` are in and these ones, and all of an unpartitioned table.
  // Tables partitioned by text take no `replaced_partitions`.
  std::vector<std::vector<std::optional<int64_t>>> replaced_partitions;
  // What the caller has read of the table: kReplacePartitions fails with kConflict when files that are newer than this
  // snapshot would be emptied, kAppend when any snapshot is newer. 0: it read the table before its first snapshot, so
  // that any file (or snapshot) is newer. Absent: the last one wins.
  std::optional<int64_t> read_snapshot_id;
  std::map<std::string, std::string> summary;  // added to the snapshot's summary
  std::optional<LandingMark> landing;
};

// A range test on one column for pruning: lower <= value < upper; either may be absent. Values of timestamptz are
// Micros, of date days.
struct RangeFilter {
  std::string column;
  std::optional<int64_t> lower;
  std::optional<int64_t> upper;
};

// Everything that the versions of a table consist of, as a check or a copy of the lake needs it.
struct LakeFile {
  enum class Kind { kMetadata, kManifestList, kManifest, kData };
  Kind kind = Kind::kData;
  std::string path;
  int64_t size_bytes = 0;          // 0: not known
  std::optional<uint32_t> crc32c;  // of a data file
  bool current = false;            // whether the current version needs it
};
struct Inventory {
  std::vector<LakeFile> files;  // each once
  std::vector<Error> damaged;   // manifest lists and manifests that are not there or not whole; each names its file
};

struct ScanPlan {
  Schema schema;                // the table's current schema: readers fill missing columns with null by field id
  std::vector<DataFile> files;  // data files that may hold matching rows
  std::vector<std::string> position_delete_files;  // written by other engines, to be applied; empty for our own tables
  int64_t files_pruned = 0;
};

}  // namespace feedmill::lake
