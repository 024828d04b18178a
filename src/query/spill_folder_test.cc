#include "query/spill_folder_internal.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "query/engine.h"

namespace feedmill::query {
namespace {

namespace fs = std::filesystem;

class SpillFolderTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(parent_); }
  void TearDown() override { fs::remove_all(parent_); }
  std::vector<std::string> Below() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(parent_)) names.push_back(entry.path().filename());
    return names;
  }
  const std::string parent_ = fs::temp_directory_path() / fmt::format("feedmill_spill_{}", getpid());
};

TEST_F(SpillFolderTest, OfAKilledProcessIsRemovedAndOfALivingOneIsNot) {
  auto living = SpillFolder::Make(parent_);
  ASSERT_THAT(living, IsOk());
  fs::create_directories(parent_ + "/training-1");
  fs::create_directory_symlink(living->path(), parent_ + "/spill-link");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto own = SpillFolder::Make(parent_);
    std::ofstream(own->path() + "/rows") << "spilled";
    (void)!write(ready[1], "x", 1);
    pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_THAT(SpillFolder::Make(parent_), IsOk());
  EXPECT_EQ(Below().size(), 4u) << "the child lives";
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_THAT(SpillFolder::Make(parent_), IsOk());
  EXPECT_THAT(Below(),
              testing::UnorderedElementsAre(fs::path(living->path()).filename().string(), "training-1", "spill-link"));
}

TEST_F(SpillFolderTest, TwoEnginesSpillAtTheSameTime) {
  const EngineOptions options{.temporary_directory = parent_, .memory_bytes_max = 64ull << 20, .threads = 1};
  const auto first = OpenEngine(options), second = OpenEngine(options);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  const auto one = *(*first)->NewSession(), other = *(*second)->NewSession();
  for (const auto& session : {one.get(), other.get()}) {
    ASSERT_THAT(session->Execute("CREATE TEMP TABLE t AS SELECT i, hash(i) AS h, hash(i + 1) AS g FROM "
                                 "range(6000000) t(i) ORDER BY h"),
                IsOk());
  }
  for (const auto& session : {one.get(), other.get()}) {
    const auto sum = session->Query("SELECT CAST(SUM(i) AS BIGINT) FROM t WHERE h = hash(i) AND g = hash(i + 1)", 10);
    ASSERT_THAT(sum, IsOk());
    EXPECT_EQ(std::get<int64_t>(sum->rows[0][0]), 6'000'000ll * 5'999'999 / 2);
  }
}

}  // namespace
}  // namespace feedmill::query
