#include "lake/manifest.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "lake/bounds.h"

namespace feedmill::lake {
namespace {

constexpr int64_t kSnapshot = 4242;

TableSchema TestSchema() {
  TableSchema schema;
  for (const auto& [name, type] : {std::pair("event_time", ColumnType::kTimestamptz), std::pair("n", ColumnType::kLong),
                                   std::pair("text", ColumnType::kString)}) {
    Column column;
    column.name = name;
    column.type = type;
    schema.columns.push_back(column);
  }
  int last = 0;
  AssignColumnIds(&schema.columns, &last);
  return schema;
}

DataFile FileOf(const std::string& name, std::optional<int64_t> day) {
  DataFile file;
  file.path = "/lake/" + name + ".parquet";
  file.partition = {day};
  file.record_count = 10;
  file.size_bytes = 1000;
  file.statistics[2] = {.value_count = 10,
                        .null_count = 1,
                        .size_bytes = 80,
                        .lower_bound = EncodeIntegerBound(ColumnType::kLong, -5),
                        .upper_bound = EncodeIntegerBound(ColumnType::kLong, 5)};
  return file;
}

class ManifestTest : public testing::Test {
 protected:
  TableSchema schema_ = TestSchema();
  TableSpec spec_ = BindSpec({{"event_time", Transform::kDay}}, schema_.columns).value();
};

TEST_F(ManifestTest, EntriesComeBackWithWhatTheyInherit) {
  ManifestWriter writer(schema_, spec_, kSnapshot);
  ManifestEntry added;
  added.file = FileOf("added", 20'000);
  ManifestEntry existing;
  existing.status = EntryStatus::kExisting;
  existing.snapshot_id = 7;
  existing.sequence_number = 3;
  existing.file_sequence_number = 2;
  existing.file = FileOf("existing", std::nullopt);
  ASSERT_THAT(writer.Add(added), IsOk());
  ASSERT_THAT(writer.Add(existing), IsOk());
  EXPECT_EQ(writer.entries(), 2);
  auto written = writer.Finish();
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(written->file.added_files, 1);
  EXPECT_EQ(written->file.existing_rows, 10);
  ASSERT_EQ(written->file.partitions.size(), 1U);
  EXPECT_TRUE(written->file.partitions[0].contains_null);
  EXPECT_EQ(written->file.partitions[0].lower_bound, EncodeIntegerBound(ColumnType::kDate, 20'000));

  written->file.sequence_number = 9;
  const auto entries = ReadManifest(written->bytes, written->file, spec_);
  ASSERT_THAT(entries, IsOk());
  ASSERT_EQ(entries->size(), 2U);
  const ManifestEntry& first = (*entries)[0];
  EXPECT_EQ(first.snapshot_id, kSnapshot);
  EXPECT_EQ(first.sequence_number, 9);
  EXPECT_EQ(first.file_sequence_number, 9);
  EXPECT_EQ(first.file.path, "/lake/added.parquet");
  EXPECT_EQ(first.file.partition[0], 20'000);
  EXPECT_EQ(first.file.statistics.at(2).null_count, 1);
  EXPECT_EQ(first.file.statistics.at(2).lower_bound, EncodeIntegerBound(ColumnType::kLong, -5));
  const ManifestEntry& second = (*entries)[1];
  EXPECT_EQ(second.snapshot_id, 7);
  EXPECT_EQ(second.sequence_number, 3);
  EXPECT_EQ(second.file_sequence_number, 2);
  EXPECT_EQ(second.file.partition[0], std::nullopt);
}

TEST_F(ManifestTest, AListKeepsItsManifests) {
  ManifestFile file;
  file.path = "/lake/m0.avro";
  file.length = 77;
  file.sequence_number = 5;
  file.min_sequence_number = 2;
  file.added_snapshot_id = kSnapshot;
  file.added_files = 1;
  file.deleted_rows = 12;
  file.partitions = {{.contains_null = true,
                      .contains_nan = std::nullopt,
                      .lower_bound = EncodeIntegerBound(ColumnType::kDate, 1),
                      .upper_bound = std::nullopt}};
  ManifestFile without = file;
  without.path = "/lake/m1.avro";
  without.partitions.clear();
  const auto bytes = WriteManifestList({kSnapshot, 41, 5}, {file, without});
  ASSERT_THAT(bytes, IsOk());
  const auto read = ReadManifestList(*bytes);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].path, file.path);
  EXPECT_EQ((*read)[0].length, 77);
  EXPECT_EQ((*read)[0].min_sequence_number, 2);
  EXPECT_EQ((*read)[0].deleted_rows, 12);
  ASSERT_EQ((*read)[0].partitions.size(), 1U);
  EXPECT_TRUE((*read)[0].partitions[0].contains_null);
  EXPECT_EQ((*read)[0].partitions[0].lower_bound, EncodeIntegerBound(ColumnType::kDate, 1));
  EXPECT_EQ((*read)[0].partitions[0].upper_bound, std::nullopt);
  EXPECT_EQ((*read)[1].path, without.path);
}

TEST_F(ManifestTest, WrongLengthsAndForeignBytesAreRefused) {
  ManifestWriter writer(schema_, spec_, kSnapshot);
  ManifestEntry entry;
  entry.file = FileOf("one", 1);
  ASSERT_THAT(writer.Add(entry), IsOk());
  auto written = writer.Finish();
  ASSERT_THAT(written, IsOk());
  EXPECT_THAT(ReadManifest(std::string_view(written->bytes).substr(0, written->bytes.size() - 1), written->file, spec_),
              IsError(ErrorKind::kCorrupt));
  EXPECT_THAT(ReadManifestList("no avro"), IsError(ErrorKind::kCorrupt));
  const auto list = WriteManifestList({kSnapshot, std::nullopt, 1}, {});
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(ReadManifestList(*list)->empty());
}

}  // namespace
}  // namespace feedmill::lake
