#include "store/flat_table.h"

#include <cstring>
#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "store/sealed_file_internal.h"

namespace feedmill::store {
namespace {

using testing::HasSubstr;

struct RowValues {
  float score;
  int8_t vector[3];
  uint32_t count;
  int64_t time;
};

const std::vector<FlatField> kFields = {{"score", FieldType::kFloat32, 1},
                                        {"vector", FieldType::kInt8, 3},
                                        {"count", FieldType::kUint32, 1},
                                        {"time", FieldType::kInt64, 1}};

class FlatTableTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/flat_table_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/posts.flat";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::map<std::string, std::vector<std::byte>> Write(size_t rows, size_t key_bytes_max, uint64_t seed) {
    Random random(seed);
    std::map<std::string, std::vector<std::byte>> expected;
    auto writer = CreateFlatTable(files_, path_, kFields, 0);
    EXPECT_TRUE(writer.has_value());
    while (expected.size() < rows) {
      std::string key(random.Below(key_bytes_max + 1), 'k');
      for (char& letter : key) letter = static_cast<char>('a' + random.Below(26));
      std::vector<std::byte> row((*writer)->row_bytes());
      for (std::byte& value : row) value = static_cast<std::byte>(random.Next());
      if (!expected.emplace(key, row).second) continue;
      EXPECT_TRUE((*writer)->Add(key, row).has_value());
    }
    EXPECT_TRUE((*writer)->Finish().has_value());
    return expected;
  }

  io::FileSystem& files_ = io::PosixFileSystem();
  std::string folder_;
  std::string path_;
};

TEST_F(FlatTableTest, FieldsAreAlignedAndReadBack) {
  auto writer = CreateFlatTable(files_, path_, kFields, 2);
  ASSERT_TRUE(writer.has_value());
  ASSERT_EQ((*writer)->row_bytes(), sizeof(RowValues));
  RowValues row{};
  row = {0.5F, {1, -2, 3}, 7, 1'700'000'000'000'000};
  ASSERT_TRUE((*writer)->Add("p1", std::as_bytes(std::span(&row, 1))).has_value());
  ASSERT_TRUE((*writer)->Finish().has_value());

  auto table = OpenFlatTable(files_, path_);
  ASSERT_TRUE(table.has_value()) << table.error().ToString();
  EXPECT_EQ((*table)->fields(), kFields);
  ASSERT_EQ((*table)->Find("p1"), 0);
  EXPECT_EQ((*table)->Key(0), "p1");
  EXPECT_EQ((*table)->Find("p2"), -1);
  RowValues read;
  std::memcpy(&read, (*table)->Row(0), sizeof read);
  EXPECT_EQ(read.score, 0.5F);
  EXPECT_EQ(read.vector[1], -2);
  EXPECT_EQ(read.count, 7U);
  EXPECT_EQ(read.time, 1'700'000'000'000'000);
  EXPECT_EQ((*table)->FieldOffset("count", FieldType::kUint32, 1).value(), offsetof(RowValues, count));
  EXPECT_THAT((*table)->FieldOffset("vector", FieldType::kInt8, 4).error().message(), HasSubstr("vector int8 x 3"));
}

TEST_F(FlatTableTest, ManyRowsEqualAMapWithShortAndLongKeys) {
  const auto expected = Write(5'000, 60, 1);
  auto table = OpenFlatTable(files_, path_);
  ASSERT_TRUE(table.has_value()) << table.error().ToString();
  ASSERT_EQ((*table)->row_count(), expected.size());
  std::vector<std::string_view> keys;
  for (const auto& [key, row] : expected) keys.push_back(key);
  keys.insert(keys.begin() + 100, "unknown");
  std::vector<int64_t> rows(keys.size());
  (*table)->FindMany(keys, rows);
  std::vector<std::byte> gathered(keys.size() * (*table)->row_bytes(), std::byte{0xee});
  (*table)->Gather(rows, gathered);
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto found = expected.find(std::string(keys[i]));
    const std::vector<std::byte> row =
        found == expected.end() ? std::vector<std::byte>((*table)->row_bytes()) : found->second;
    EXPECT_EQ(rows[i] < 0, found == expected.end());
    EXPECT_EQ(std::memcmp(gathered.data() + i * row.size(), row.data(), row.size()), 0) << keys[i];
  }
}

TEST_F(FlatTableTest, EmptyTableHoldsNothing) {
  Write(0, 1, 1);
  auto table = OpenFlatTable(files_, path_);
  ASSERT_TRUE(table.has_value()) << table.error().ToString();
  EXPECT_EQ((*table)->row_count(), 0U);
  EXPECT_EQ((*table)->Find(""), -1);
}

TEST_F(FlatTableTest, RefusesWrongInput) {
  EXPECT_EQ(CreateFlatTable(files_, path_, {}, 0).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_THAT(CreateFlatTable(files_, path_, {{"a"}, {"a"}}, 0).error().message(),
              HasSubstr("two fields are named 'a'"));
  EXPECT_EQ(CreateFlatTable(files_, path_, {{"a", FieldType::kInt64, 1u << 30}}, 0).error().kind(),
            ErrorKind::kInvalidArgument);
  auto writer = CreateFlatTable(files_, path_, {{"a"}}, 0);
  const float value = 1;
  ASSERT_TRUE((*writer)->Add("k", std::as_bytes(std::span(&value, 1))).has_value());
  EXPECT_EQ((*writer)->Add("k", std::as_bytes(std::span(&value, 1))).error().kind(), ErrorKind::kAlreadyExists);
  EXPECT_EQ((*writer)->Add("j", {}).error().kind(), ErrorKind::kInvalidArgument);
}

TEST_F(FlatTableTest, EveryFlippedByteIsRefused) {
  Write(40, 40, 2);
  const std::string content = ReadWholeFile(files_, path_).value();
  ASSERT_TRUE(OpenFlatTable(std::make_unique<MemoryMapping>(content)).has_value());
  for (size_t at = 0; at < content.size(); ++at) {
    std::string broken = content;
    broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
    auto table = OpenFlatTable(std::make_unique<MemoryMapping>(broken));
    ASSERT_FALSE(table.has_value()) << "byte " << at;
    ASSERT_EQ(table.error().kind(), ErrorKind::kCorrupt);
  }
}

TEST_F(FlatTableTest, EveryCutIsRefused) {
  Write(40, 40, 3);
  const std::string content = ReadWholeFile(files_, path_).value();
  for (size_t size = 0; size < content.size(); size += 7) {
    EXPECT_FALSE(OpenFlatTable(std::make_unique<MemoryMapping>(content.substr(0, size))).has_value()) << size;
  }
  EXPECT_FALSE(OpenFlatTable(std::make_unique<MemoryMapping>(content + '\0')).has_value());
}

// Behind right checksums the numbers still may lie: nothing is read outside, and a table that opens is consistent.
TEST_F(FlatTableTest, LiesBehindRightChecksumsAreRefusedOrHarmless) {
  Write(40, 40, 4);
  const std::string content = ReadWholeFile(files_, path_).value();
  Random random(5);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string broken = content;
    broken[random.Below(broken.size())] = static_cast<char>(random.Next());
    ResealForTest(&broken);
    auto table = OpenFlatTable(std::make_unique<MemoryMapping>(broken));
    if (!table) {
      ++refused;
      continue;
    }
    for (size_t row = 0; row < (*table)->row_count(); ++row) {
      ASSERT_EQ((*table)->Find((*table)->Key(static_cast<int64_t>(row))), static_cast<int64_t>(row));
    }
  }
  EXPECT_GT(refused, 1'000);
}

TEST_F(FlatTableTest, ErrorNamesFileBlockAndOffset) {
  Write(2'000, 20, 6);
  std::string content = ReadWholeFile(files_, path_).value();
  content[kSealedHeaderBytes + kSealedBlockBytes + 5] ^= 1;
  ASSERT_TRUE(WriteFileAtomically(files_, path_, content).has_value());
  auto table = OpenFlatTable(files_, path_);
  ASSERT_FALSE(table.has_value());
  EXPECT_THAT(table.error().message(), HasSubstr(path_ + ": offset 65792: checksum of block 1"));
  EXPECT_EQ(OpenFlatTable(files_, folder_ + "/none").error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace feedmill::store
