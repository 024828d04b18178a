#include "store/candidate_lists.h"

#include <filesystem>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "store/sealed_file_internal.h"

namespace feedmill::store {
namespace {

using testing::HasSubstr;

class CandidateListsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/candidate_lists_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/i2i.lists";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  using Lists = std::map<std::string, std::vector<std::pair<std::string, float>>>;

  Lists Write(size_t keys, uint64_t seed) {
    Random random(seed);
    Lists lists;
    auto writer = CreateCandidateLists(files_, path_);
    EXPECT_TRUE(writer.has_value());
    for (size_t i = 0; i < keys; ++i) {
      const std::string key = "p" + std::to_string(i);
      auto& list = lists[key];
      float score = 100;
      for (uint64_t left = random.Below(20); left > 0; --left) {
        score -= static_cast<float>(random.Uniform());
        list.emplace_back("p" + std::to_string(random.Below(keys * 2)), score);
      }
      std::vector<ScoredId> scored;
      for (const auto& [id, value] : list) scored.push_back({id, value});
      EXPECT_TRUE((*writer)->Add(key, scored).has_value());
    }
    EXPECT_TRUE((*writer)->Finish().has_value());
    return lists;
  }

  io::FileSystem& files_ = io::PosixFileSystem();
  std::string folder_;
  std::string path_;
};

TEST_F(CandidateListsTest, ReadsBackWhatWasWritten) {
  const Lists expected = Write(3'000, 1);
  auto lists = OpenCandidateLists(files_, path_);
  ASSERT_TRUE(lists.has_value()) << lists.error().ToString();
  EXPECT_EQ((*lists)->key_count(), expected.size());
  EXPECT_TRUE((*lists)->Get("unknown").empty());
  for (const auto& [key, list] : expected) {
    const auto found = (*lists)->Get(key);
    ASSERT_EQ(found.size(), list.size()) << key;
    for (size_t i = 0; i < list.size(); ++i) {
      EXPECT_EQ(found[i].id, list[i].first);
      EXPECT_EQ(found[i].score, list[i].second);
    }
  }
}

TEST_F(CandidateListsTest, RefusesWrongInput) {
  auto writer = CreateCandidateLists(files_, path_);
  const ScoredId rising[] = {{"a", 1}, {"b", 2}};
  EXPECT_THAT((*writer)->Add("all", rising).error().message(), HasSubstr("'all' is not best first at place 1"));
  const ScoredId infinite[] = {{"a", std::numeric_limits<float>::infinity()}};
  EXPECT_THAT((*writer)->Add("all", infinite).error().message(), HasSubstr("not finite"));
  ASSERT_TRUE((*writer)->Add("all", {}).has_value());
  EXPECT_EQ((*writer)->Add("all", {}).error().kind(), ErrorKind::kAlreadyExists);
}

TEST_F(CandidateListsTest, EveryFlippedByteIsRefused) {
  Write(20, 2);
  const std::string content = ReadWholeFile(files_, path_).value();
  ASSERT_TRUE(OpenCandidateLists(std::make_unique<MemoryMapping>(content)).has_value());
  for (size_t at = 0; at < content.size(); ++at) {
    std::string broken = content;
    broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
    ASSERT_FALSE(OpenCandidateLists(std::make_unique<MemoryMapping>(broken)).has_value()) << "byte " << at;
  }
}

TEST_F(CandidateListsTest, LiesBehindRightChecksumsReadNothingOutside) {
  Write(20, 3);
  const std::string content = ReadWholeFile(files_, path_).value();
  Random random(4);
  int refused = 0;
  size_t bytes_read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string broken = content;
    broken[random.Below(broken.size())] = static_cast<char>(random.Next());
    ResealForTest(&broken);
    auto lists = OpenCandidateLists(std::make_unique<MemoryMapping>(broken));
    if (!lists) {
      ++refused;
      continue;
    }
    for (const ScoredId& scored : (*lists)->Get("p3")) bytes_read += std::string(scored.id).size();
  }
  EXPECT_GT(refused, 1'000);
  EXPECT_GT(bytes_read, 0U);
}

}  // namespace
}  // namespace feedmill::store
