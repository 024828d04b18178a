#include "features/paged_array.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill::features {
namespace {

class PagedArrayTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = testing::TempDir() + "/paged_array_test"; }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  io::FileSystem& files_ = io::PosixFileSystem();
  std::string folder_;
};

// A plain array is the twin; the budget holds a tenth of it.
TEST_F(PagedArrayTest, EqualsAPlainArrayWhateverTheBudget) {
  constexpr uint64_t kBudget = 256 << 10;
  BoundedMemory memory(files_, folder_, kBudget);
  PagedArray<uint64_t> array(&memory, 4096);
  std::vector<uint64_t> twin;
  Random random(1);
  for (int i = 0; i < 300'000; ++i) {
    array.Add(random.Next());
    twin.push_back(array[twin.size()]);
    if (i % 1000 == 0) memory.Trim(0);
  }
  for (int i = 0; i < 200'000; ++i) {
    const size_t at = random.Below(twin.size());
    if (random.Chance(0.3)) {
      twin[at] = random.Next();
      array.Mutable(at) = twin[at];
    }
    ASSERT_EQ(array[at], twin[at]);
    if (i % 50 == 0) {
      memory.Trim(0);
      ASSERT_LE(memory.held(), kBudget + (64 << 10));
    }
  }
  EXPECT_GT(memory.cold_bytes(), 8 * kBudget);
  // Pages written again and again leave no more than twice of what they are.
  EXPECT_LT(memory.cold_bytes(), 3 * twin.size() * sizeof(uint64_t) + (192 << 20));
  memory.Trim(0);
  size_t at = 0;
  auto reader = memory.NewReader();
  ASSERT_TRUE(array
                  .ForEach(reader.get(),
                           [&](const uint64_t* values, size_t count) {
                             for (size_t i = 0; i < count; ++i) ASSERT_EQ(values[i], twin[at++]);
                           })
                  .has_value());
  EXPECT_EQ(at, twin.size());
  EXPECT_LE(memory.held(), kBudget + (64 << 10)) << "reading all of it in order brings nothing back";
}

TEST_F(PagedArrayTest, ManyReadersBringOnePageBackOnce) {
  BoundedMemory memory(files_, folder_, 64 << 10);
  PagedArray<uint64_t> array(&memory, 4096);
  for (uint64_t i = 0; i < 100'000; ++i) array.Add(i * 3);
  for (int round = 0; round < 20; ++round) {
    memory.Trim(0);
    std::vector<std::jthread> readers;
    for (int reader = 0; reader < 4; ++reader) {
      readers.emplace_back([&array] {
        for (uint64_t i = 0; i < 100'000; i += 7) ASSERT_EQ(array[i], i * 3);
      });
    }
  }
  for (int i = 0; i < 10; ++i) memory.Trim(0);
  EXPECT_LE(memory.held(), 64U << 10);
}

TEST_F(PagedArrayTest, SegmentsWhoseBytesAreDroppedGo) {
  BoundedMemory memory(files_, folder_, 16 << 10);
  {
    PagedArray<uint64_t> array(&memory, 4096);
    for (uint64_t i = 0; i < 1'000'000; ++i) {
      array.Add(i);
      if (i % 512 == 0) memory.Trim(0);
    }
    for (int round = 0; round < 40; ++round) {  // 320 MB written over
      for (uint64_t i = 0; i < array.size(); i += 512) {
        array.Mutable(i) = i;
        if (i % 4096 == 0) memory.Trim(0);
      }
    }
    EXPECT_LT(memory.cold_bytes(), 210U << 20);
    for (uint64_t i = 0; i < array.size(); ++i) {
      ASSERT_EQ(array[i], i);
      if (i % 512 == 0) memory.Trim(0);
    }
  }
  EXPECT_EQ(memory.held(), 0U);
}

TEST_F(PagedArrayTest, BrokenColdBytesAreNeverRead) {
  BoundedMemory memory(files_, folder_, 4096);
  PagedArray<uint64_t> array(&memory, 4096);
  for (uint64_t i = 0; i < 10'000; ++i) array.Add(i);
  for (int i = 0; i < 10; ++i) memory.Trim(0);
  const std::string path = folder_ + "/" + files_.List(folder_).value().front();
  std::string bytes = io::ReadWholeFile(files_, path).value();
  for (char& byte : bytes) byte = static_cast<char>(byte ^ 1);
  {
    FILE* file = std::fopen(path.c_str(), "r+");
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
  }
  auto reader = memory.NewReader();
  const Status read = array.ForEach(reader.get(), [](const uint64_t*, size_t) {});
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind(), ErrorKind::kCorrupt);
  EXPECT_DEATH((void)array[0], "cold memory cannot be read back");
}

TEST_F(PagedArrayTest, ADiskThatTakesNothingLosesNothing) {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  {
    std::fclose(std::fopen((folder_ + "/file").c_str(), "w"));
  }
  BoundedMemory memory(files_, folder_ + "/file/below", 4096);  // cannot be made
  PagedArray<uint64_t> array(&memory, 4096);
  for (uint64_t i = 0; i < 10'000; ++i) array.Add(i);
  memory.Trim(0);
  for (uint64_t i = 0; i < 10'000; ++i) ASSERT_EQ(array[i], i);
}

}  // namespace
}  // namespace feedmill::features
