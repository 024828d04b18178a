#include "base/unforked_memory.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <span>
#include <string>

#include <unistd.h>
#include <gtest/gtest.h>

namespace feedmill {
namespace {

constexpr size_t kBytes = 64 << 20;

bool IsZero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

// Of the mapping that `at` stands in, as the machine tells it.
std::string Tell(const void* at, const std::string& what) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(maps, line)) {
    unsigned long begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
      inside = begin <= reinterpret_cast<uintptr_t>(at) && reinterpret_cast<uintptr_t>(at) < end;
    if (inside && line.starts_with(what + ":")) return line.substr(what.size() + 1);
  }
  return "";
}

TEST(UnforkedMemory, IsZeroAndTakesNothingUntilWritten) {
  UnforkedMemory memory(kBytes);
  EXPECT_EQ(std::stol(Tell(memory.data(), "Rss")), 0);
  EXPECT_TRUE(IsZero({memory.data(), 1 << 20}));
  memory.data()[kBytes - 1] = std::byte{1};
  EXPECT_GT(std::stol(Tell(memory.data(), "Rss")), 0);
}

TEST(UnforkedMemory, ACopyOfTheProcessDoesNotGetIt) {
  UnforkedMemory memory(kBytes);
  EXPECT_NE(Tell(memory.data(), "VmFlags").find(" dc"), std::string::npos) << Tell(memory.data(), "VmFlags");
}

TEST(UnforkedMemory, WhatIsClearedIsZeroAndGoesBack) {
  UnforkedMemory memory(kBytes);
  for (const auto& [offset, bytes] :
       {std::pair<size_t, size_t>{0, kBytes}, {100, 200}, {5000, 100'000}, {4096, 8192}, {7, 0}}) {
    std::memset(memory.data(), 7, kBytes);
    memory.Clear(offset, bytes);
    EXPECT_TRUE(IsZero({memory.data() + offset, bytes}));
    EXPECT_TRUE(offset == 0 || memory.data()[offset - 1] == std::byte{7});
    EXPECT_TRUE(offset + bytes == kBytes || memory.data()[offset + bytes] == std::byte{7});
  }
  memory.Clear(0, kBytes);
  EXPECT_LT(std::stol(Tell(memory.data(), "Rss")), 1024);
}

}  // namespace
}  // namespace feedmill
