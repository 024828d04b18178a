#include <utility>

#include <nlohmann/json.hpp>

#include "lake/manifest_schema_internal.h"

namespace feedmill::lake {

using nlohmann::json;

namespace {

json Field(const char* name, int id, json type, bool required = true) {
  if (required) return {{"name", name}, {"type", std::move(type)}, {"field-id", id}};
  return {{"name", name}, {"type", json::array({"null", std::move(type)})}, {"default", nullptr}, {"field-id", id}};
}

json Optional(const char* name, int id, json type) { return Field(name, id, std::move(type), false); }

// Avro's own maps have string keys only; Iceberg writes others as a list of pairs.
json IntMap(int key_id, int value_id, const char* value) {
  json pair = {{"type", "record"},
               {"name", "k" + std::to_string(key_id) + "_v" + std::to_string(value_id)},
               {"fields", json::array({Field("key", key_id, "int"), Field("value", value_id, value)})}};
  return {{"type", "array"}, {"items", std::move(pair)}, {"logicalType", "map"}};
}

json PartitionAvroType(ColumnType type) {
  switch (type) {
    case ColumnType::kBoolean:
      return "boolean";
    case ColumnType::kInt:
      return "int";
    case ColumnType::kDate:
      return {{"type", "int"}, {"logicalType", "date"}};
    case ColumnType::kTimestamptz:
      return {{"type", "long"}, {"logicalType", "timestamp-micros"}, {"adjust-to-utc", true}};
    case ColumnType::kString:
      return "string";
    default:
      return "long";
  }
}

// Avro names are letters, digits and underscores and begin with no digit.
std::string AvroName(const std::string& name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (letter || (digit && i > 0)) {
      out.push_back(name[i]);
    } else {
      out += digit ? fmt::format("_{}", name[i]) : fmt::format("_x{:X}", c);
    }
  }
  return out;
}

json PartitionRecord(const std::vector<PartitionType>& partition) {
  json fields = json::array();
  for (const PartitionType& type : partition) {
    const std::string name = AvroName(type.name);
    json field = Optional(name.c_str(), type.field_id, PartitionAvroType(type.type));
    if (name != type.name) field["iceberg-field-name"] = type.name;
    fields.push_back(std::move(field));
  }
  return {{"type", "record"}, {"name", "r102"}, {"fields", std::move(fields)}};
}

}  // namespace

std::string ManifestEntrySchema(const std::vector<PartitionType>& partition) {
  using namespace file_field;
  json offsets = {{"type", "array"}, {"items", "long"}, {"element-id", 133}};
  json file = {
      {"type", "record"},
      {"name", "r2"},
      {"fields",
       json::array({Field("content", kContent, "int"), Field("file_path", kPath, "string"),
                    Field("file_format", kFormat, "string"), Field("partition", kPartition, PartitionRecord(partition)),
                    Field("record_count", kRecordCount, "long"), Field("file_size_in_bytes", kSize, "long"),
                    Optional("column_sizes", kColumnSizes, IntMap(117, 118, "long")),
                    Optional("value_counts", kValueCounts, IntMap(119, 120, "long")),
                    Optional("null_value_counts", kNullCounts, IntMap(121, 122, "long")),
                    Optional("nan_value_counts", kNanCounts, IntMap(138, 139, "long")),
                    Optional("lower_bounds", kLowerBounds, IntMap(126, 127, "bytes")),
                    Optional("upper_bounds", kUpperBounds, IntMap(129, 130, "bytes")),
                    Optional("split_offsets", kSplitOffsets, std::move(offsets)),
                    Optional("sort_order_id", kSortOrderId, "int"), Optional("feedmill_crc32c", kCrc32c, "long")})}};
  json entry = {{"type", "record"},
                {"name", "manifest_entry"},
                {"fields", json::array({Field("status", entry_field::kStatus, "int"),
                                        Optional("snapshot_id", entry_field::kSnapshotId, "long"),
                                        Optional("sequence_number", entry_field::kSequenceNumber, "long"),
                                        Optional("file_sequence_number", entry_field::kFileSequenceNumber, "long"),
                                        Field("data_file", entry_field::kDataFile, std::move(file))})}};
  return entry.dump();
}

std::string ManifestListSchema() {
  using namespace list_field;
  json summary = {
      {"type", "record"},
      {"name", "r508"},
      {"fields",
       json::array({Field("contains_null", kContainsNull, "boolean"), Optional("contains_nan", kContainsNan, "boolean"),
                    Optional("lower_bound", kLowerBound, "bytes"), Optional("upper_bound", kUpperBound, "bytes")})}};
  json summaries = {{"type", "array"}, {"items", std::move(summary)}, {"element-id", 508}};
  json file = {
      {"type", "record"},
      {"name", "manifest_file"},
      {"fields",
       json::array(
           {Field("manifest_path", kPath, "string"), Field("manifest_length", kLength, "long"),
            Field("partition_spec_id", kSpecId, "int"), Field("content", kContent, "int"),
            Field("sequence_number", kSequenceNumber, "long"), Field("min_sequence_number", kMinSequenceNumber, "long"),
            Field("added_snapshot_id", kAddedSnapshotId, "long"), Field("added_files_count", kAddedFiles, "int"),
            Field("existing_files_count", kExistingFiles, "int"), Field("deleted_files_count", kDeletedFiles, "int"),
            Field("added_rows_count", kAddedRows, "long"), Field("existing_rows_count", kExistingRows, "long"),
            Field("deleted_rows_count", kDeletedRows, "long"),
            Optional("partitions", kPartitions, std::move(summaries)), Optional("feedmill_crc32c", kCrc32c, "long")})}};
  return file.dump();
}

}  // namespace feedmill::lake
