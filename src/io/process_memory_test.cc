#include "io/process_memory_internal.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace feedmill::io {
namespace {

TEST(ProcessMemoryTest, CountsAGroupAndNobodyElse) {
  constexpr size_t kBytes = 64 << 20;
  const uint64_t before = ResidentBytesOfGroup(::getpgrp());
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    std::vector<char> memory(kBytes);
    std::memset(memory.data(), 1, memory.size());
    [[maybe_unused]] ssize_t told = ::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  uint64_t resident = ResidentBytesOfGroup(child);
  EXPECT_GE(resident, kBytes);
  EXPECT_LT(resident, before + 4 * kBytes);  // it shares what the parent had; sanitizers keep notes beside it
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(ResidentBytesOfGroup(child), 0u);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace feedmill::io
