#include "lake/metadata_json.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "lake/json_nesting.h"
#include "lake/schema_json_internal.h"

namespace feedmill::lake {

using nlohmann::json;

namespace {

constexpr int kFormatVersion = 2;
constexpr int kJsonDepthMax = 64;
constexpr int64_t kNoSnapshot = -1;

// Fields this code reads and writes; all others of a file pass through.
const std::set<std::string_view>& KnownFields() {
  static const std::set<std::string_view> known = {"format-version",
                                                   "table-uuid",
                                                   "location",
                                                   "last-sequence-number",
                                                   "last-updated-ms",
                                                   "last-column-id",
                                                   "schemas",
                                                   "current-schema-id",
                                                   "partition-specs",
                                                   "default-spec-id",
                                                   "last-partition-id",
                                                   "properties",
                                                   "current-snapshot-id",
                                                   "snapshots",
                                                   "snapshot-log",
                                                   "metadata-log",
                                                   "sort-orders",
                                                   "default-sort-order-id",
                                                   "refs",
                                                   "feedmill-crc32c"};
  return known;
}

int64_t Millis(Micros at) { return at / kMicrosPerMilli; }

std::string Quoted(std::string_view text) {
  const bool plain =
      std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain) return fmt::format("\"{}\"", text);
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// Every commit writes all snapshots that are kept, so they become text without a tree between.
void AppendSnapshot(const Snapshot& snapshot, std::string* out) {
  auto at = std::back_inserter(*out);
  fmt::format_to(at, R"({{"snapshot-id":{},"sequence-number":{},"timestamp-ms":{},"manifest-list":{},"schema-id":{})",
                 snapshot.id, snapshot.sequence_number, Millis(snapshot.committed_at), Quoted(snapshot.manifest_list),
                 snapshot.schema_id);
  if (snapshot.parent_id) fmt::format_to(at, R"(,"parent-snapshot-id":{})", *snapshot.parent_id);
  out->append(R"(,"summary":{)");
  for (bool first = true; const auto& [key, value] : snapshot.summary) {
    fmt::format_to(at, "{}{}:{}", first ? "" : ",", Quoted(key), Quoted(value));
    first = false;
  }
  out->append("}}");
}

// ,"name":[entry,entry]
template <typename Entries, typename Append>
void AppendList(const char* name, const Entries& entries, std::string* out, const Append& append) {
  fmt::format_to(std::back_inserter(*out), ",\"{}\":[", name);
  for (bool first = true; const auto& entry : entries) {
    if (!first) out->push_back(',');
    append(entry);
    first = false;
  }
  out->push_back(']');
}

Result<Snapshot> SnapshotFromJson(const json& node) {
  Snapshot snapshot;
  FEEDMILL_ASSIGN(snapshot.id, ReadInteger(node, "snapshot-id"));
  if (node.contains("parent-snapshot-id") && !node["parent-snapshot-id"].is_null()) {
    FEEDMILL_ASSIGN(snapshot.parent_id, ReadInteger(node, "parent-snapshot-id"));
  }
  FEEDMILL_ASSIGN(snapshot.sequence_number, ReadInteger(node, "sequence-number"));
  FEEDMILL_ASSIGN(int64_t at, ReadMillis(node, "timestamp-ms"));
  snapshot.committed_at = at;
  FEEDMILL_ASSIGN(snapshot.manifest_list, ReadText(node, "manifest-list"));
  FEEDMILL_ASSIGN(snapshot.summary, ReadTextMap(node, "summary"));
  if (node.contains("schema-id")) {
    FEEDMILL_ASSIGN(int64_t id, ReadInteger(node, "schema-id"));
    snapshot.schema_id = static_cast<int>(id);
  }
  return snapshot;
}

Status ReadNumbers(const json& node, TableMetadata* metadata) {
  FEEDMILL_ASSIGN(metadata->last_sequence_number, ReadInteger(node, "last-sequence-number"));
  FEEDMILL_ASSIGN(metadata->last_updated, ReadMillis(node, "last-updated-ms"));
  const std::pair<const char*, int*> fields[] = {{"last-column-id", &metadata->last_column_id},
                                                 {"current-schema-id", &metadata->current_schema_id},
                                                 {"default-spec-id", &metadata->default_spec_id},
                                                 {"last-partition-id", &metadata->last_partition_id}};
  for (auto [key, target] : fields) {
    FEEDMILL_ASSIGN(int64_t value, ReadInteger(node, key));
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
      return Corrupt("metadata: '{}' is {}, allowed is a 32-bit number", key, value);
    }
    *target = static_cast<int>(value);
  }
  return Ok();
}

Status ReadSchemasAndSpecs(const json& node, TableMetadata* metadata) {
  FEEDMILL_ASSIGN(const json* schemas, ReadList(node, "schemas"));
  for (const json& entry : *schemas) {
    FEEDMILL_ASSIGN(TableSchema schema, SchemaFromJson(entry));
    metadata->schemas.push_back(std::move(schema));
  }
  FEEDMILL_ASSIGN(const json* specs, ReadList(node, "partition-specs"));
  for (const json& entry : *specs) {
    FEEDMILL_ASSIGN(TableSpec spec, SpecFromJson(entry));
    metadata->specs.push_back(std::move(spec));
  }
  return Ok();
}

Status ReadSnapshots(const json& node, TableMetadata* metadata) {
  if (node.contains("snapshots")) {
    FEEDMILL_ASSIGN(const json* snapshots, ReadList(node, "snapshots"));
    for (const json& entry : *snapshots) {
      FEEDMILL_ASSIGN(Snapshot snapshot, SnapshotFromJson(entry));
      metadata->snapshots.push_back(std::move(snapshot));
    }
    std::ranges::stable_sort(metadata->snapshots, {}, &Snapshot::sequence_number);
  }
  if (node.contains("current-snapshot-id") && !node["current-snapshot-id"].is_null()) {
    FEEDMILL_ASSIGN(int64_t current, ReadInteger(node, "current-snapshot-id"));
    if (current != kNoSnapshot) metadata->current_snapshot_id = current;
  }
  return Ok();
}

Status ReadLogs(const json& node, TableMetadata* metadata) {
  if (node.contains("snapshot-log")) {
    FEEDMILL_ASSIGN(const json* log, ReadList(node, "snapshot-log"));
    for (const json& entry : *log) {
      SnapshotLogEntry& read = metadata->snapshot_log.emplace_back();
      FEEDMILL_ASSIGN(read.at, ReadMillis(entry, "timestamp-ms"));
      FEEDMILL_ASSIGN(read.snapshot_id, ReadInteger(entry, "snapshot-id"));
    }
  }
  if (node.contains("metadata-log")) {
    FEEDMILL_ASSIGN(const json* log, ReadList(node, "metadata-log"));
    for (const json& entry : *log) {
      MetadataLogEntry& read = metadata->metadata_log.emplace_back();
      FEEDMILL_ASSIGN(read.at, ReadMillis(entry, "timestamp-ms"));
      FEEDMILL_ASSIGN(read.location, ReadText(entry, "metadata-file"));
    }
  }
  return Ok();
}

// Branches and tags of other engines are not kept by a commit of ours; sort orders are, as they are.
Status ReadOther(const json& node, TableMetadata* metadata) {
  for (const auto& [key, value] : node.items()) {
    if (!KnownFields().contains(key)) metadata->other[key] = value.dump();
  }
  for (const char* key : {"sort-orders", "default-sort-order-id"}) {
    if (node.contains(key)) metadata->other[key] = node[key].dump();
  }
  if (!node.contains("refs") || !node["refs"].is_object()) return Ok();
  for (const auto& [name, ref] : node["refs"].items()) {
    if (name != "main") return InvalidArgument("metadata: branch or tag '{}': only 'main' is supported", name);
  }
  return Ok();
}

Status CheckConsistent(const TableMetadata& metadata) {
  if (metadata.FindSchema(metadata.current_schema_id) == nullptr) {
    return Corrupt("metadata: current-schema-id {} is not among the schemas", metadata.current_schema_id);
  }
  if (metadata.FindSpec(metadata.default_spec_id) == nullptr) {
    return Corrupt("metadata: default-spec-id {} is not among the partition specs", metadata.default_spec_id);
  }
  if (metadata.current_snapshot_id && metadata.CurrentSnapshot() == nullptr) {
    return Corrupt("metadata: current-snapshot-id {} is not among the snapshots", *metadata.current_snapshot_id);
  }
  return Ok();
}

// The last field of a file of ours is the checksum of the text before it. Whoever writes the JSON anew, in another
// order or with other bytes, leaves it out or puts it elsewhere.
constexpr std::string_view kSeal = ",\"feedmill-crc32c\":";

std::string Sealed(std::string json) {
  json.pop_back();  // the closing brace
  return fmt::format("{}{}{}}}", json, kSeal, Crc32c(json));
}

Status CheckSeal(std::string_view text) {
  const size_t at = text.rfind(kSeal);
  if (at == std::string_view::npos) return Ok();
  const std::string_view number = text.substr(at + kSeal.size());
  if (number.empty() || number.find_first_not_of("0123456789") != number.size() - 1 || number.back() != '}')
    return Ok();
  const std::string found = std::to_string(Crc32c(text.substr(0, at)));
  if (number.substr(0, number.size() - 1) == found) return Ok();
  return Corrupt("metadata: checksum {}, the file says {}", found, number.substr(0, number.size() - 1));
}

void AppendLogs(const TableMetadata& metadata, std::string* out) {
  auto at = std::back_inserter(*out);
  AppendList("snapshots", metadata.snapshots, out, [&](const Snapshot& snapshot) { AppendSnapshot(snapshot, out); });
  AppendList("snapshot-log", metadata.snapshot_log, out, [&](const SnapshotLogEntry& entry) {
    fmt::format_to(at, R"({{"timestamp-ms":{},"snapshot-id":{}}})", Millis(entry.at), entry.snapshot_id);
  });
  AppendList("metadata-log", metadata.metadata_log, out, [&](const MetadataLogEntry& entry) {
    fmt::format_to(at, R"({{"timestamp-ms":{},"metadata-file":{}}})", Millis(entry.at), Quoted(entry.location));
  });
}

}  // namespace

std::string WriteMetadataJson(const TableMetadata& metadata) {
  json node = {{"format-version", kFormatVersion},
               {"table-uuid", metadata.uuid},
               {"location", metadata.location},
               {"last-sequence-number", metadata.last_sequence_number},
               {"last-updated-ms", Millis(metadata.last_updated)},
               {"last-column-id", metadata.last_column_id},
               {"current-schema-id", metadata.current_schema_id},
               {"default-spec-id", metadata.default_spec_id},
               {"last-partition-id", metadata.last_partition_id},
               {"properties", metadata.properties},
               {"schemas", json::array()},
               {"partition-specs", json::array()},
               {"sort-orders", json::parse(R"([{"order-id": 0, "fields": []}])")},
               {"default-sort-order-id", 0},
               {"refs", json::object()}};
  for (const TableSchema& schema : metadata.schemas) node["schemas"].push_back(SchemaToJson(schema));
  for (const TableSpec& spec : metadata.specs) {
    node["partition-specs"].push_back({{"spec-id", spec.id}, {"fields", SpecFieldsToJson(spec)}});
  }
  node["current-snapshot-id"] = metadata.current_snapshot_id.value_or(kNoSnapshot);
  if (metadata.current_snapshot_id) {
    node["refs"]["main"] = {{"snapshot-id", *metadata.current_snapshot_id}, {"type", "branch"}};
  }
  for (const auto& [key, text] : metadata.other) node[key] = json::parse(text, nullptr, false);
  std::string text = node.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back();  // the closing brace
  AppendLogs(metadata, &text);
  text.push_back('}');
  return Sealed(std::move(text));
}

Result<TableMetadata> ReadMetadataJson(std::string_view text) {
  FEEDMILL_TRY(CheckSeal(text));
  if (NestsDeeperThan(text, kJsonDepthMax)) return Corrupt("metadata: nested deeper than {}", kJsonDepthMax);
  const json node = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!node.is_object()) return Corrupt("metadata: not a JSON object");
  FEEDMILL_ASSIGN(int64_t version, ReadInteger(node, "format-version"));
  if (version != kFormatVersion)
    return InvalidArgument("metadata: format-version {}, allowed is {}", version, kFormatVersion);
  TableMetadata metadata;
  FEEDMILL_ASSIGN(metadata.uuid, ReadText(node, "table-uuid"));
  FEEDMILL_ASSIGN(metadata.location, ReadText(node, "location"));
  FEEDMILL_TRY(ReadNumbers(node, &metadata));
  FEEDMILL_TRY(ReadSchemasAndSpecs(node, &metadata));
  if (node.contains("properties")) {
    FEEDMILL_ASSIGN(metadata.properties, ReadTextMap(node, "properties"));
  }
  FEEDMILL_TRY(ReadSnapshots(node, &metadata));
  FEEDMILL_TRY(ReadLogs(node, &metadata));
  FEEDMILL_TRY(ReadOther(node, &metadata));
  FEEDMILL_TRY(CheckConsistent(metadata));
  return metadata;
}

std::string WriteSchemaJson(const TableSchema& schema) { return SchemaToJson(schema).dump(); }
std::string WriteSpecFieldsJson(const TableSpec& spec) { return SpecFieldsToJson(spec).dump(); }

}  // namespace feedmill::lake
