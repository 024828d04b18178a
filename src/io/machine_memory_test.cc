#include "io/machine_memory.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace feedmill::io {
namespace {

namespace fs = std::filesystem;

class MachineMemoryTest : public ::testing::Test {
 protected:
  ~MachineMemoryTest() override { fs::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  const fs::path root_ = fs::temp_directory_path() / ("feedmill_machine_memory_" + std::to_string(::getpid()));
};

TEST_F(MachineMemoryTest, TheSmallestLimitOfAGroupAndThoseAboveItCounts) {
  Write("proc/self/cgroup", "0::/services/feedmill");
  Write("sys/fs/cgroup/services/feedmill/memory.max", "max");
  EXPECT_EQ(GroupMemoryLimit(root_), std::nullopt);
  Write("sys/fs/cgroup/services/memory.max", "4294967296");
  EXPECT_EQ(GroupMemoryLimit(root_), 4294967296U);
  Write("sys/fs/cgroup/services/feedmill/memory.max", "1073741824");
  EXPECT_EQ(GroupMemoryLimit(root_), 1073741824U);
  Write("sys/fs/cgroup/memory.max", "536870912");
  EXPECT_EQ(GroupMemoryLimit(root_), 536870912U);
}

TEST_F(MachineMemoryTest, GroupsOfTheFirstVersionCountToo) {
  Write("proc/self/cgroup", "11:cpu,cpuacct:/x\n4:memory:/docker/1\n");
  Write("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "2147483648");
  EXPECT_EQ(GroupMemoryLimit(root_), 2147483648U);
}

TEST_F(MachineMemoryTest, AMachineWithoutGroupsHasItsOwnMemory) {
  EXPECT_EQ(GroupMemoryLimit(root_), std::nullopt);
  EXPECT_GT(MachineMemoryBytes(), uint64_t{64} << 20);
}

}  // namespace
}  // namespace feedmill::io
