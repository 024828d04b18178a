#include "lake/metadata_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/matchers.h"

namespace feedmill::lake {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TableMetadata TestMetadata() {
  TableMetadata metadata;
  metadata.uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1";
  metadata.location = "/lake/ods/ods_event";
  metadata.last_sequence_number = 34;
  metadata.last_updated = 1'602'638'573'590 * kMicrosPerMilli;
  TableSchema schema;
  for (const auto& [name, type] :
       {std::pair("event_time", ColumnType::kTimestamptz), std::pair("vector", ColumnType::kListFloat)}) {
    Column column;
    column.name = name;
    column.type = type;
    column.doc = "a column";
    schema.columns.push_back(column);
  }
  schema.columns[0].required = true;
  AssignColumnIds(&schema.columns, &metadata.last_column_id);
  metadata.schemas = {schema};
  metadata.specs = {BindSpec({{"event_time", Transform::kDay}}, schema.columns).value()};
  metadata.last_partition_id = metadata.specs[0].fields[0].field_id;
  metadata.properties = {{"commit.retry.num-retries", "1"}};
  Snapshot snapshot;
  snapshot.id = 3'051'729'675'574'597'004;
  snapshot.sequence_number = 34;
  snapshot.committed_at = metadata.last_updated;
  snapshot.manifest_list = "/lake/ods/ods_event/metadata/snap.avro";
  snapshot.summary = {{"operation", "append"}, {"feedmill.batch", "a \"b\" c:\\d \n caf\u00e9"}};
  metadata.snapshots = {snapshot};
  metadata.current_snapshot_id = snapshot.id;
  metadata.snapshot_log = {{metadata.last_updated, snapshot.id}};
  return metadata;
}

// The file with one field changed or, when `value` is null, taken away.
std::string Changed(const std::string& field, const json& value) {
  json document = json::parse(WriteMetadataJson(TestMetadata()));
  if (value.is_null()) {
    document.erase(field);
  } else {
    document[field] = value;
  }
  return document.dump();
}

TEST(MetadataJsonTest, WhatIsWrittenComesBack) {
  const TableMetadata metadata = TestMetadata();
  const std::string text = WriteMetadataJson(metadata);
  const auto read = ReadMetadataJson(text);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(WriteMetadataJson(*read), text);
  EXPECT_EQ(read->CurrentSchema(), metadata.CurrentSchema());
  EXPECT_EQ(read->CurrentSnapshot()->manifest_list, metadata.snapshots[0].manifest_list);
  EXPECT_EQ(read->CurrentSnapshot()->committed_at, metadata.last_updated);
  EXPECT_EQ(read->CurrentSnapshot()->summary, metadata.snapshots[0].summary);
  EXPECT_EQ(read->DefaultSpec().fields[0].transform, "day");
  EXPECT_EQ(read->properties, metadata.properties);
}

TEST(MetadataJsonTest, FieldsOfOtherEnginesPassThrough) {
  const auto read = ReadMetadataJson(Changed("statistics", json::array({{{"snapshot-id", 1}}})));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(json::parse(WriteMetadataJson(*read))["statistics"][0]["snapshot-id"], 1);
}

TEST(MetadataJsonTest, BrokenFilesAreCorruptAndForeignOnesAreTold) {
  EXPECT_THAT(ReadMetadataJson("{"), IsError(ErrorKind::kCorrupt));
  EXPECT_THAT(ReadMetadataJson(std::string(10'000, '[')), IsError(ErrorKind::kCorrupt));
  EXPECT_THAT(ReadMetadataJson(Changed("format-version", 3)),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("format")));
  for (const char* needed : {"schemas", "partition-specs", "last-sequence-number", "current-schema-id"})
    EXPECT_THAT(ReadMetadataJson(Changed(needed, nullptr)), IsError(ErrorKind::kCorrupt)) << needed;
  EXPECT_THAT(ReadMetadataJson(Changed("current-schema-id", 9)), IsError(ErrorKind::kCorrupt));
  EXPECT_THAT(ReadMetadataJson(Changed("default-spec-id", 9)), IsError(ErrorKind::kCorrupt));
  EXPECT_THAT(ReadMetadataJson(Changed("current-snapshot-id", 9)), IsError(ErrorKind::kCorrupt));
}

TEST(MetadataJsonTest, ATableWithoutSnapshotsHasNone) {
  TableMetadata metadata = TestMetadata();
  metadata.snapshots.clear();
  metadata.snapshot_log.clear();
  metadata.current_snapshot_id.reset();
  const auto read = ReadMetadataJson(WriteMetadataJson(metadata));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->CurrentSnapshot(), nullptr);
}

}  // namespace
}  // namespace feedmill::lake
