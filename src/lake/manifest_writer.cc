#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "lake/bounds.h"
#include "lake/manifest.h"
#include "lake/manifest_schema_internal.h"
#include "lake/metadata_json.h"

namespace feedmill::lake {
namespace {

// Branches of the unions that optional fields are.
constexpr int kAbsent = 0;
constexpr int kPresent = 1;

std::map<std::string, std::string> ManifestHeader(const TableSchema& schema, const TableSpec& spec) {
  return {{"schema", WriteSchemaJson(schema)},
          {"schema-id", std::to_string(schema.id)},
          {"partition-spec", WriteSpecFieldsJson(spec)},
          {"partition-spec-id", std::to_string(spec.id)},
          {"format-version", "2"},
          {"content", "data"}};
}

void WriteOptionalLong(std::optional<int64_t> value, AvroEncoder* out) {
  out->WriteBranch(value ? kPresent : kAbsent);
  if (value) out->WriteLong(*value);
}

void WriteOptionalBytes(const std::optional<std::string>& value, AvroEncoder* out) {
  out->WriteBranch(value ? kPresent : kAbsent);
  if (value) out->WriteBytes(*value);
}

// One Avro block of `count` items and the end of the array, or only the end.
template <typename Items, typename WriteItem>
void WriteArray(const Items& items, AvroEncoder* out, const WriteItem& write) {
  if (!items.empty()) {
    out->WriteLong(static_cast<int64_t>(items.size()));
    for (const auto& item : items) write(item);
  }
  out->WriteLong(0);
}

void WriteLongs(const std::map<int, int64_t>& values, AvroEncoder* out) {
  out->WriteBranch(values.empty() ? kAbsent : kPresent);
  if (values.empty()) return;
  WriteArray(values, out, [out](const auto& pair) {
    out->WriteInt(pair.first);
    out->WriteLong(pair.second);
  });
}

std::map<int, int64_t> Column(const DataFile& file, int64_t ColumnStatistics::* member) {
  std::map<int, int64_t> values;
  for (const auto& [id, statistics] : file.statistics) values[id] = statistics.*member;
  return values;
}

void WriteBounds(const DataFile& file, std::optional<std::string> ColumnStatistics::* member, AvroEncoder* out) {
  std::vector<std::pair<int, std::string_view>> bounds;
  for (const auto& [id, statistics] : file.statistics) {
    if (statistics.*member) bounds.emplace_back(id, *(statistics.*member));
  }
  out->WriteBranch(bounds.empty() ? kAbsent : kPresent);
  if (bounds.empty()) return;
  WriteArray(bounds, out, [out](const auto& pair) {
    out->WriteInt(pair.first);
    out->WriteBytes(pair.second);
  });
}

void WritePartition(const DataFile& file, const std::vector<PartitionType>& types, AvroEncoder* out) {
  for (size_t i = 0; i < types.size(); ++i) {
    const std::optional<int64_t>& value = file.partition[i];
    out->WriteBranch(value ? kPresent : kAbsent);
    if (!value) continue;
    switch (types[i].type) {
      case ColumnType::kString:
        out->WriteBytes(file.partition_text[i]);
        break;
      case ColumnType::kBoolean:
        out->WriteBoolean(*value != 0);
        break;
      default:
        out->WriteLong(*value);  // int, date, long and timestamptz have one encoding
    }
  }
}

Status CheckPartition(const DataFile& file, const std::vector<PartitionType>& types) {
  if (file.partition.size() != types.size()) {
    return InvalidArgument("data file {}: {} partition values, the table has {} partition fields", file.path,
                           file.partition.size(), types.size());
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (!types[i].transform)
      return InvalidArgument("partition field '{}' has a transform that cannot be written", types[i].name);
    if (types[i].type == ColumnType::kString && file.partition[i] && file.partition_text.size() != types.size()) {
      return InvalidArgument("data file {}: partition field '{}' is text, but partition_text has {} of {} values",
                             file.path, types[i].name, file.partition_text.size(), types.size());
    }
  }
  return Ok();
}

void WriteDataFile(const ManifestEntry& entry, const std::vector<PartitionType>& types, AvroEncoder* out) {
  const DataFile& file = entry.file;
  out->WriteInt(static_cast<int>(entry.content));
  out->WriteBytes(file.path);
  out->WriteBytes(entry.file_format);
  WritePartition(file, types, out);
  out->WriteLong(file.record_count);
  out->WriteLong(file.size_bytes);
  WriteLongs(Column(file, &ColumnStatistics::size_bytes), out);
  WriteLongs(Column(file, &ColumnStatistics::value_count), out);
  WriteLongs(Column(file, &ColumnStatistics::null_count), out);
  WriteLongs(entry.nan_counts, out);
  WriteBounds(file, &ColumnStatistics::lower_bound, out);
  WriteBounds(file, &ColumnStatistics::upper_bound, out);
  out->WriteBranch(entry.split_offsets.empty() ? kAbsent : kPresent);
  if (!entry.split_offsets.empty())
    WriteArray(entry.split_offsets, out, [out](int64_t offset) { out->WriteLong(offset); });
  WriteOptionalLong(entry.sort_order_id, out);
  WriteOptionalLong(file.crc32c, out);
}

// Whether `value` is below `bound`, both in single-value form of `type`.
bool IsBelow(ColumnType type, const std::string& value, const std::string& bound) {
  if (type == ColumnType::kString) return value < bound;
  return *DecodeIntegerBound(type, value) < *DecodeIntegerBound(type, bound);
}

void WriteListEntry(const ManifestFile& file, AvroEncoder* out) {
  out->WriteBytes(file.path);
  out->WriteLong(file.length);
  out->WriteInt(file.spec_id);
  out->WriteInt(static_cast<int>(file.content));
  for (int64_t number :
       {file.sequence_number, file.min_sequence_number, file.added_snapshot_id, file.added_files, file.existing_files,
        file.deleted_files, file.added_rows, file.existing_rows, file.deleted_rows}) {
    out->WriteLong(number);
  }
  out->WriteBranch(kPresent);
  WriteArray(file.partitions, out, [out](const PartitionSummary& summary) {
    out->WriteBoolean(summary.contains_null);
    out->WriteBranch(summary.contains_nan ? kPresent : kAbsent);
    if (summary.contains_nan) out->WriteBoolean(*summary.contains_nan);
    WriteOptionalBytes(summary.lower_bound, out);
    WriteOptionalBytes(summary.upper_bound, out);
  });
  WriteOptionalLong(file.crc32c, out);
}

}  // namespace

ManifestWriter::ManifestWriter(const TableSchema& schema, const TableSpec& spec, int64_t snapshot_id)
    : types_(PartitionTypes(spec, schema.columns)),
      container_(ManifestEntrySchema(types_), ManifestHeader(schema, spec), AvroCodec::kDeflate) {
  file_.spec_id = spec.id;
  file_.added_snapshot_id = snapshot_id;
  file_.partitions.resize(types_.size());
}

Status ManifestWriter::Add(const ManifestEntry& entry) {
  FEEDMILL_TRY(CheckPartition(entry.file, types_));
  const bool inherits = !entry.sequence_number || !entry.file_sequence_number;
  if (inherits && entry.status != EntryStatus::kAdded) {
    return Internal("data file {}: only an added file may inherit its sequence number", entry.file.path);
  }
  encoder_.Clear();
  encoder_.WriteInt(static_cast<int>(entry.status));
  WriteOptionalLong(entry.snapshot_id, &encoder_);
  WriteOptionalLong(entry.sequence_number, &encoder_);
  WriteOptionalLong(entry.file_sequence_number, &encoder_);
  WriteDataFile(entry, types_, &encoder_);
  Count(entry);
  Summarize(entry.file);
  return container_.Add(encoder_.bytes());
}

void ManifestWriter::Count(const ManifestEntry& entry) {
  const bool added = entry.status == EntryStatus::kAdded;
  const bool existing = entry.status == EntryStatus::kExisting;
  (added ? file_.added_files : existing ? file_.existing_files : file_.deleted_files) += 1;
  (added ? file_.added_rows : existing ? file_.existing_rows : file_.deleted_rows) += entry.file.record_count;
  if (entry.status == EntryStatus::kDeleted || !entry.sequence_number) return;
  min_sequence_number_ = std::min(min_sequence_number_.value_or(*entry.sequence_number), *entry.sequence_number);
}

void ManifestWriter::Summarize(const DataFile& file) {
  for (size_t i = 0; i < types_.size(); ++i) {
    PartitionSummary& summary = file_.partitions[i];
    if (!file.partition[i]) {
      summary.contains_null = true;
      continue;
    }
    const ColumnType type = types_[i].type;
    const std::string value =
        type == ColumnType::kString ? file.partition_text[i] : EncodeIntegerBound(type, *file.partition[i]);
    if (!summary.lower_bound || IsBelow(type, value, *summary.lower_bound)) summary.lower_bound = value;
    if (!summary.upper_bound || IsBelow(type, *summary.upper_bound, value)) summary.upper_bound = value;
  }
}

Result<ManifestWriter::Written> ManifestWriter::Finish() {
  FEEDMILL_ASSIGN(std::string bytes, container_.Finish());
  file_.length = static_cast<int64_t>(bytes.size());
  file_.crc32c = Crc32c(bytes);
  // Without entries of known number, all of them inherit that of the snapshot, which the list writer fills in.
  file_.min_sequence_number = min_sequence_number_.value_or(-1);
  return Written{std::move(bytes), std::move(file_)};
}

Result<std::string> WriteManifestList(const ManifestListHeader& header, const std::vector<ManifestFile>& manifests) {
  const std::map<std::string, std::string> metadata = {
      {"snapshot-id", std::to_string(header.snapshot_id)},
      {"parent-snapshot-id", header.parent_id ? std::to_string(*header.parent_id) : "null"},
      {"sequence-number", std::to_string(header.sequence_number)},
      {"format-version", "2"}};
  AvroContainerWriter container(ManifestListSchema(), metadata, AvroCodec::kDeflate);
  AvroEncoder encoder;
  for (const ManifestFile& manifest : manifests) {
    encoder.Clear();
    WriteListEntry(manifest, &encoder);
    FEEDMILL_TRY(container.Add(encoder.bytes()));
  }
  return container.Finish();
}

}  // namespace feedmill::lake
