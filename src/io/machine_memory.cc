#include "io/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

namespace feedmill::io {
namespace {

// "max" and the like are no limit.
std::optional<uint64_t> ReadLimit(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  uint64_t bytes = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (code != std::errc() || end == text.data()) return std::nullopt;
  return bytes;
}

// Limits of the group and of all above it.
void TakeLimits(const std::string& mount, std::string group, const char* file, std::optional<uint64_t>* smallest) {
  while (true) {
    if (const auto limit = ReadLimit(mount + group + "/" + file))
      *smallest = std::min(smallest->value_or(*limit), *limit);
    if (group.empty() || group == "/") return;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
}

}  // namespace

std::optional<uint64_t> GroupMemoryLimit(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  std::optional<uint64_t> smallest;
  // Lines are `number:controllers:path`; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") TakeLimits(root + "/sys/fs/cgroup", path, "memory.max", &smallest);
    if (controllers.find(",memory,") != std::string::npos)
      TakeLimits(root + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", &smallest);
  }
  return smallest;
}

uint64_t MachineMemoryBytes() {
  const auto physical =
      static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(physical, GroupMemoryLimit().value_or(physical));
}

}  // namespace feedmill::io
