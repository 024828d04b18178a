// The state of a table as its metadata file holds it (specification, "Table Metadata Fields"). Plain data;
// metadata_json.h reads and writes it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/schema.h"
#include "lake/table.h"

namespace feedmill::lake {

struct TableSchema {
  int id = 0;
  Schema columns;
};

// One field of a partition spec. Other engines may use transforms that this code does not know; such tables can be
// read.
struct SpecField {
  int source_id = 0;
  int field_id = 0;
  std::string name;
  std::string transform;
};

struct TableSpec {
  int id = 0;
  std::vector<SpecField> fields;
};

struct SnapshotLogEntry {
  Micros at = 0;
  int64_t snapshot_id = 0;
};

struct MetadataLogEntry {
  Micros at = 0;
  std::string location;
};

struct TableMetadata {
  std::string uuid;
  std::string location;  // where the table is now
  // Where the file says it is: another folder when the table was moved or copied since (lake/table_files.h).
  std::string recorded_location;
  int64_t last_sequence_number = 0;
  Micros last_updated = 0;  // whole milliseconds, as the file keeps them
  int last_column_id = 0;
  int last_partition_id = 999;
  int current_schema_id = 0;
  int default_spec_id = 0;
  std::vector<TableSchema> schemas;
  std::vector<TableSpec> specs;
  std::map<std::string, std::string> properties;
  std::optional<int64_t> current_snapshot_id;
  std::vector<Snapshot> snapshots;  // oldest first
  std::vector<SnapshotLogEntry> snapshot_log;
  std::vector<MetadataLogEntry> metadata_log;
  std::map<std::string, std::string> other;  // fields of the file that this code does not use, as JSON text by name

  const Schema& CurrentSchema() const;
  const TableSpec& DefaultSpec() const;
  const TableSchema* FindSchema(int id) const;
  const TableSpec* FindSpec(int id) const;
  const Snapshot* FindSnapshot(int64_t id) const;
  const Snapshot* CurrentSnapshot() const;
};

// Gives every column and list element an id above `*last_column_id` and raises that.
void AssignColumnIds(Schema* columns, int* last_column_id);

// kInvalidArgument on empty or repeated column names.
Status CheckSchema(const Schema& columns);

const Column* FindColumn(const Schema& columns, std::string_view name);
const Column* FindColumn(const Schema& columns, int id);

// The spec with column ids in place of names, and back. kInvalidArgument when a column is missing or its type does not
// fit; on the way back, when a transform is one of those this code does not know.
Result<TableSpec> BindSpec(const PartitionSpec& spec, const Schema& columns);
Result<PartitionSpec> UnbindSpec(const TableSpec& spec, const Schema& columns);

// A partition's field as manifests store it: the type of its values, and the transform when this code knows it.
struct PartitionType {
  int field_id = 0;
  std::string name;
  std::optional<Transform> transform;
  int source_id = 0;
  ColumnType source_type = ColumnType::kLong;
  ColumnType type = ColumnType::kLong;
};
// A source column that is gone, or a transform that is unknown, leaves `transform` empty and the types meaningless.
std::vector<PartitionType> PartitionTypes(const TableSpec& spec, const Schema& columns);

}  // namespace feedmill::lake
