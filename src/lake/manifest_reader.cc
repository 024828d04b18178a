#include <limits>
#include <utility>

#include "base/hash.h"
#include "lake/manifest.h"
#include "lake/manifest_schema_internal.h"

namespace feedmill::lake {
namespace {

// Reads the fields of records by their field id, in the order in which the file's own schema has them, so that files of
// every engine and of later versions with more fields can be read.
template <typename OnField>
Status ReadRecord(AvroDecoder& in, const AvroType& type, const OnField& on_field) {
  if (type.kind != AvroKind::kRecord) return Corrupt("manifest: a record is wanted where the schema has another type");
  for (const AvroField& field : type.fields) {
    FEEDMILL_ASSIGN(const AvroType* found, in.ReadBranch(*field.type));
    if (found->kind == AvroKind::kNull) continue;
    FEEDMILL_TRY(on_field(field.field_id, *found));
  }
  return Ok();
}

Status ReadWhole(AvroDecoder& in, const AvroType& type, int64_t* out) {
  if (type.kind != AvroKind::kInt && type.kind != AvroKind::kLong) return Corrupt("manifest: a whole number is wanted");
  FEEDMILL_ASSIGN(*out, in.ReadLong());
  return Ok();
}

Status ReadWhole(AvroDecoder& in, const AvroType& type, std::optional<int64_t>* out) {
  return ReadWhole(in, type, &out->emplace());
}

Status ReadInt(AvroDecoder& in, const AvroType& type, int low, int high, int* out) {
  int64_t value = 0;
  FEEDMILL_TRY(ReadWhole(in, type, &value));
  if (value < low || value > high) return Corrupt("manifest: {} found, allowed is {} to {}", value, low, high);
  *out = static_cast<int>(value);
  return Ok();
}

Status ReadCount(AvroDecoder& in, const AvroType& type, int64_t* out) {
  FEEDMILL_TRY(ReadWhole(in, type, out));
  return *out >= 0 ? Ok() : Status(Corrupt("manifest: a count of {}", *out));
}

Status ReadText(AvroDecoder& in, const AvroType& type, std::string* out) {
  if (type.kind != AvroKind::kString && type.kind != AvroKind::kBytes) return Corrupt("manifest: a string is wanted");
  FEEDMILL_ASSIGN(std::string_view text, in.ReadBytes());
  *out = text;
  return Ok();
}

Status ReadCrc32c(AvroDecoder& in, const AvroType& type, std::optional<uint32_t>* out) {
  int64_t value = 0;
  FEEDMILL_TRY(ReadWhole(in, type, &value));
  if (value < 0 || value > std::numeric_limits<uint32_t>::max()) return Corrupt("manifest: a checksum of {}", value);
  *out = static_cast<uint32_t>(value);
  return Ok();
}

template <typename OnItem>
Status ReadArray(AvroDecoder& in, const AvroType& type, const OnItem& on_item) {
  if (type.kind != AvroKind::kArray) return in.Skip(type);
  while (true) {
    FEEDMILL_ASSIGN(int64_t count, in.ReadBlockCount());
    if (count == 0) return Ok();
    for (int64_t i = 0; i < count; ++i) {
      FEEDMILL_ASSIGN(const AvroType* item, in.ReadBranch(*type.element));
      FEEDMILL_TRY(on_item(*item));
    }
  }
}

// Iceberg's map of int to something: a list of records of key and value.
template <typename OnValue>
Status ReadIntMap(AvroDecoder& in, const AvroType& type, const OnValue& on_value) {
  return ReadArray(in, type, [&](const AvroType& pair) -> Status {
    if (pair.kind != AvroKind::kRecord || pair.fields.size() != 2)
      return Corrupt("manifest: a pair of key and value is wanted");
    FEEDMILL_ASSIGN(const AvroType* key_type, in.ReadBranch(*pair.fields[0].type));
    int key = 0;
    FEEDMILL_TRY(ReadInt(in, *key_type, 0, std::numeric_limits<int>::max(), &key));
    FEEDMILL_ASSIGN(const AvroType* value_type, in.ReadBranch(*pair.fields[1].type));
    return value_type->kind == AvroKind::kNull ? Ok() : on_value(key, *value_type);
  });
}

Status ReadLongMap(AvroDecoder& in, const AvroType& type, DataFile* file, int64_t ColumnStatistics::* member) {
  return ReadIntMap(
      in, type, [&](int id, const AvroType& value) { return ReadWhole(in, value, &(file->statistics[id].*member)); });
}

Status ReadBoundMap(AvroDecoder& in, const AvroType& type, DataFile* file,
                    std::optional<std::string> ColumnStatistics::* member) {
  return ReadIntMap(in, type, [&](int id, const AvroType& value) {
    return ReadText(in, value, &(file->statistics[id].*member).emplace());
  });
}

Status ReadPartitionValue(AvroDecoder& in, const AvroType& type, size_t at, DataFile* file) {
  switch (type.kind) {
    case AvroKind::kInt:
    case AvroKind::kLong:
      return ReadWhole(in, type, &file->partition[at]);
    case AvroKind::kBoolean: {
      FEEDMILL_ASSIGN(bool value, in.ReadBoolean());
      file->partition[at] = value;
      return Ok();
    }
    case AvroKind::kString:
      file->partition[at] = 0;
      file->partition_text.resize(file->partition.size());
      return ReadText(in, type, &file->partition_text[at]);
    default:
      return in.Skip(type);
  }
}

Status ReadPartition(AvroDecoder& in, const AvroType& type, const TableSpec& spec, DataFile* file) {
  file->partition.assign(spec.fields.size(), std::nullopt);
  return ReadRecord(in, type, [&](int id, const AvroType& found) -> Status {
    for (size_t at = 0; at < spec.fields.size(); ++at) {
      if (spec.fields[at].field_id == id) return ReadPartitionValue(in, found, at, file);
    }
    return in.Skip(found);
  });
}

Status ReadFileField(AvroDecoder& in, int id, const AvroType& type, const TableSpec& spec, ManifestEntry* entry) {
  DataFile* file = &entry->file;
  switch (id) {
    case file_field::kContent: {
      int content = 0;
      FEEDMILL_TRY(ReadInt(in, type, 0, 2, &content));
      entry->content = static_cast<FileContent>(content);
      return Ok();
    }
    case file_field::kPath:
      return ReadText(in, type, &file->path);
    case file_field::kFormat:
      return ReadText(in, type, &entry->file_format);
    case file_field::kPartition:
      return ReadPartition(in, type, spec, file);
    case file_field::kRecordCount:
      return ReadCount(in, type, &file->record_count);
    case file_field::kSize:
      return ReadCount(in, type, &file->size_bytes);
    case file_field::kColumnSizes:
      return ReadLongMap(in, type, file, &ColumnStatistics::size_bytes);
    case file_field::kValueCounts:
      return ReadLongMap(in, type, file, &ColumnStatistics::value_count);
    case file_field::kNullCounts:
      return ReadLongMap(in, type, file, &ColumnStatistics::null_count);
    case file_field::kLowerBounds:
      return ReadBoundMap(in, type, file, &ColumnStatistics::lower_bound);
    case file_field::kUpperBounds:
      return ReadBoundMap(in, type, file, &ColumnStatistics::upper_bound);
    case file_field::kNanCounts:
      return ReadIntMap(in, type,
                        [&](int key, const AvroType& value) { return ReadWhole(in, value, &entry->nan_counts[key]); });
    case file_field::kSplitOffsets:
      return ReadArray(in, type,
                       [&](const AvroType& item) { return ReadWhole(in, item, &entry->split_offsets.emplace_back()); });
    case file_field::kSortOrderId:
      return ReadInt(in, type, 0, std::numeric_limits<int>::max(), &entry->sort_order_id.emplace());
    case file_field::kCrc32c:
      return ReadCrc32c(in, type, &file->crc32c);
    default:
      return in.Skip(type);
  }
}

Status ReadEntry(AvroDecoder& in, const AvroType& type, const TableSpec& spec, ManifestEntry* entry) {
  return ReadRecord(in, type, [&](int id, const AvroType& found) -> Status {
    switch (id) {
      case entry_field::kStatus: {
        int status = 0;
        FEEDMILL_TRY(ReadInt(in, found, 0, 2, &status));
        entry->status = static_cast<EntryStatus>(status);
        return Ok();
      }
      case entry_field::kSnapshotId:
        return ReadWhole(in, found, &entry->snapshot_id);
      case entry_field::kSequenceNumber:
        return ReadWhole(in, found, &entry->sequence_number);
      case entry_field::kFileSequenceNumber:
        return ReadWhole(in, found, &entry->file_sequence_number);
      case entry_field::kDataFile:
        return ReadRecord(in, found, [&](int file_id, const AvroType& file_type) {
          return ReadFileField(in, file_id, file_type, spec, entry);
        });
      default:
        return in.Skip(found);
    }
  });
}

// Specification, "Sequence Number Inheritance".
Status Inherit(const ManifestFile& manifest, ManifestEntry* entry) {
  if (entry->file.path.empty()) return Corrupt("manifest: an entry without file_path");
  if (!entry->snapshot_id) entry->snapshot_id = manifest.added_snapshot_id;
  const bool inherits = entry->status == EntryStatus::kAdded || manifest.sequence_number == 0;
  if (!inherits && (!entry->sequence_number || !entry->file_sequence_number)) {
    return Corrupt("manifest: {} is not newly added but has no sequence number", entry->file.path);
  }
  if (!entry->sequence_number) entry->sequence_number = manifest.sequence_number;
  if (!entry->file_sequence_number) entry->file_sequence_number = manifest.sequence_number;
  return Ok();
}

Status ReadSummary(AvroDecoder& in, const AvroType& type, PartitionSummary* summary) {
  return ReadRecord(in, type, [&](int id, const AvroType& found) -> Status {
    switch (id) {
      case list_field::kContainsNull: {
        FEEDMILL_ASSIGN(summary->contains_null, in.ReadBoolean());
        return Ok();
      }
      case list_field::kContainsNan: {
        FEEDMILL_ASSIGN(summary->contains_nan, in.ReadBoolean());
        return Ok();
      }
      case list_field::kLowerBound:
        return ReadText(in, found, &summary->lower_bound.emplace());
      case list_field::kUpperBound:
        return ReadText(in, found, &summary->upper_bound.emplace());
      default:
        return in.Skip(found);
    }
  });
}

Status ReadListField(AvroDecoder& in, int id, const AvroType& type, ManifestFile* file) {
  switch (id) {
    case list_field::kPath:
      return ReadText(in, type, &file->path);
    case list_field::kLength:
      return ReadCount(in, type, &file->length);
    case list_field::kSpecId:
      return ReadInt(in, type, 0, std::numeric_limits<int>::max(), &file->spec_id);
    case list_field::kContent: {
      int content = 0;
      FEEDMILL_TRY(ReadInt(in, type, 0, 1, &content));
      file->content = static_cast<ManifestContent>(content);
      return Ok();
    }
    case list_field::kSequenceNumber:
      return ReadCount(in, type, &file->sequence_number);
    case list_field::kMinSequenceNumber:
      return ReadCount(in, type, &file->min_sequence_number);
    case list_field::kAddedSnapshotId:
      return ReadWhole(in, type, &file->added_snapshot_id);
    case list_field::kAddedFiles:
      return ReadCount(in, type, &file->added_files);
    case list_field::kExistingFiles:
      return ReadCount(in, type, &file->existing_files);
    case list_field::kDeletedFiles:
      return ReadCount(in, type, &file->deleted_files);
    case list_field::kAddedRows:
      return ReadCount(in, type, &file->added_rows);
    case list_field::kExistingRows:
      return ReadCount(in, type, &file->existing_rows);
    case list_field::kDeletedRows:
      return ReadCount(in, type, &file->deleted_rows);
    case list_field::kPartitions:
      return ReadArray(in, type,
                       [&](const AvroType& item) { return ReadSummary(in, item, &file->partitions.emplace_back()); });
    case list_field::kCrc32c:
      return ReadCrc32c(in, type, &file->crc32c);
    default:
      return in.Skip(type);
  }
}

}  // namespace

Result<std::vector<ManifestEntry>> ReadManifest(std::string_view bytes, const ManifestFile& manifest,
                                                const TableSpec& spec) {
  if (static_cast<int64_t>(bytes.size()) != manifest.length) {
    return Corrupt("manifest: {} bytes, the manifest list says {}", bytes.size(), manifest.length);
  }
  if (const uint32_t found = Crc32c(bytes); manifest.crc32c && found != *manifest.crc32c) {
    return Corrupt("manifest: checksum {:08x}, the manifest list says {:08x}", found, *manifest.crc32c);
  }
  FEEDMILL_ASSIGN(auto reader, AvroContainerReader::Open(bytes));
  std::vector<ManifestEntry> entries;
  FEEDMILL_TRY(reader.ForEach([&](AvroDecoder& in) -> Status {
    ManifestEntry& entry = entries.emplace_back();
    FEEDMILL_ASSIGN(const AvroType* type, in.ReadBranch(reader.schema().root()));
    FEEDMILL_TRY(ReadEntry(in, *type, spec, &entry));
    return Inherit(manifest, &entry);
  }));
  return entries;
}

Result<std::vector<ManifestFile>> ReadManifestList(std::string_view bytes) {
  FEEDMILL_ASSIGN(auto reader, AvroContainerReader::Open(bytes));
  std::vector<ManifestFile> manifests;
  FEEDMILL_TRY(reader.ForEach([&](AvroDecoder& in) -> Status {
    ManifestFile& file = manifests.emplace_back();
    FEEDMILL_ASSIGN(const AvroType* type, in.ReadBranch(reader.schema().root()));
    FEEDMILL_TRY(
        ReadRecord(in, *type, [&](int id, const AvroType& found) { return ReadListField(in, id, found, &file); }));
    return file.path.empty() ? Status(Corrupt("manifest list: an entry without manifest_path")) : Ok();
  }));
  return manifests;
}

}  // namespace feedmill::lake
