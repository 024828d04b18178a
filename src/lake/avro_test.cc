// Avro's binary encoding and its container files, against the examples of the Avro specification and against damage.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/random.h"
#include "lake/avro_container.h"

namespace feedmill::lake {
namespace {

using std::string_literals::operator""s;
using testing::HasSubstr;

constexpr const char* kSchema =
    R"({"type":"record","name":"r","fields":[{"name":"n","type":"long","field-id":1},)"
    R"({"name":"t","type":["null","string"],"field-id":2},{"name":"l","type":{"type":"array","items":"int"}}]})";

// n, t ("" is null), l
std::string Record(int64_t n, std::string_view text, const std::vector<int32_t>& list) {
  AvroEncoder encoder;
  encoder.WriteLong(n);
  encoder.WriteBranch(text.empty() ? 0 : 1);
  if (!text.empty()) encoder.WriteBytes(text);
  if (!list.empty()) {
    encoder.WriteLong(static_cast<int64_t>(list.size()));
    for (const int32_t item : list) encoder.WriteInt(item);
  }
  encoder.WriteLong(0);
  return encoder.bytes();
}

std::string File(AvroCodec codec, int records) {
  AvroContainerWriter writer(kSchema, {{"made-by", "a test"}}, codec);
  for (int i = 0; i < records; ++i) EXPECT_THAT(writer.Add(Record(i, i % 3 == 0 ? "" : "text", {i, -i})), IsOk());
  return writer.Finish().value();
}

TEST(AvroTest, NumbersHaveTheSpecificationsBytes) {
  const std::pair<int64_t, std::string> examples[] = {{0, "\x00"s}, {-1, "\x01"},  {1, "\x02"},     {-2, "\x03"},
                                                      {2, "\x04"},  {-64, "\x7f"}, {64, "\x80\x01"}};
  for (const auto& [value, bytes] : examples) {
    AvroEncoder encoder;
    encoder.WriteLong(value);
    EXPECT_EQ(encoder.bytes(), bytes) << value;
  }
  AvroEncoder text;
  text.WriteBytes("foo");
  EXPECT_EQ(text.bytes(),
            "\x06"
            "foo");
}

TEST(AvroTest, NumbersComeBack) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const auto value = static_cast<int64_t>(random.Below(UINT64_MAX) >> random.Below(64)) * (i % 2 == 0 ? 1 : -1);
    AvroEncoder encoder;
    encoder.WriteLong(value);
    AvroDecoder decoder(encoder.bytes());
    EXPECT_EQ(decoder.ReadLong().value(), value);
    EXPECT_EQ(decoder.remaining(), 0U);
  }
}

TEST(AvroTest, BytesThatMakeNoSenseAreRefused) {
  EXPECT_THAT(AvroDecoder("\x80").ReadLong(), IsError(ErrorKind::kCorrupt, HasSubstr("end inside a number")));
  EXPECT_THAT(AvroDecoder(std::string(11, '\xff')).ReadLong(), IsError(ErrorKind::kCorrupt, HasSubstr("ten bytes")));
  EXPECT_THAT(AvroDecoder("\x02").ReadBoolean(), IsError(ErrorKind::kCorrupt));
  EXPECT_THAT(AvroDecoder("\x01").ReadBytes(), IsError(ErrorKind::kCorrupt, HasSubstr("length -1")));
  EXPECT_THAT(AvroDecoder("\x08"
                          "abc")
                  .ReadBytes(),
              IsError(ErrorKind::kCorrupt, HasSubstr("4 bytes announced, 3 left")));
  EXPECT_THAT(AvroDecoder("\xfe\xff\xff\xff\x0f").ReadBlockCount(), IsError(ErrorKind::kCorrupt));
}

class AvroContainerTest : public testing::TestWithParam<AvroCodec> {};

TEST_P(AvroContainerTest, RecordsAndMetadataComeBack) {
  for (const int records : {0, 1, 50'000}) {
    const std::string file = File(GetParam(), records);
    const auto reader = AvroContainerReader::Open(file);
    ASSERT_THAT(reader, IsOk());
    EXPECT_EQ(reader->metadata().at("made-by"), "a test");
    EXPECT_EQ(reader->schema().root().fields[1].field_id, 2);
    int seen = 0;
    EXPECT_THAT(reader->ForEach([&](AvroDecoder& decoder) -> Status {
      FEEDMILL_ASSIGN(const int64_t number, decoder.ReadLong());
      EXPECT_EQ(number, seen++);
      FEEDMILL_TRY(decoder.Skip(*reader->schema().root().fields[1].type));
      return decoder.Skip(*reader->schema().root().fields[2].type);
    }),
                IsOk());
    EXPECT_EQ(seen, records);
  }
}

TEST_P(AvroContainerTest, TheSameRecordsGiveTheSameBytes) { EXPECT_EQ(File(GetParam(), 100), File(GetParam(), 100)); }

TEST_P(AvroContainerTest, CutAndChangedFilesAreReadOrRefusedButNeverRunPast) {
  const std::string file = File(GetParam(), 20);
  const auto read = [](std::string_view bytes) -> Status {
    FEEDMILL_ASSIGN(const AvroContainerReader reader, AvroContainerReader::Open(bytes));
    return reader.ForEach([&](AvroDecoder& decoder) { return decoder.Skip(reader.schema().root()); });
  };
  EXPECT_THAT(read(file), IsOk());
  int refused = 0;
  for (size_t size = 0; size < file.size(); ++size) refused += read(std::string_view(file).substr(0, size)) ? 0 : 1;
  EXPECT_GE(refused, static_cast<int>(file.size()) - 1) << "only the cut between header and block leaves a file";
  Random random(11);
  for (int round = 0; round < 5000; ++round) {
    std::string changed = file;
    changed[random.Below(changed.size())] ^= static_cast<char>(1 + random.Below(255));
    (void)read(changed);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, AvroContainerTest, testing::Values(AvroCodec::kNull, AvroCodec::kDeflate));

}  // namespace
}  // namespace feedmill::lake
