// How much memory this process may use at most, as the machine says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace feedmill::io {

// The machine's memory, or less when control groups (a container, a service manager) allow less.
uint64_t MachineMemoryBytes();

// The smallest memory limit of the process's control groups (versions 1 and 2, with all groups above); nothing when
// none has one. `root` stands before /proc and /sys, for tests.
std::optional<uint64_t> GroupMemoryLimit(const std::string& root = "");

}  // namespace feedmill::io
