// Durations and byte sizes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill {

// "60s", "5ms", "250us", "10m", "3h", "7d", also "1.5s". Not negative.
Result<Micros> ParseDuration(std::string_view text);
std::string FormatDuration(Micros duration);  // the largest unit that divides it
// "4096", "64KiB", "5MiB", "2GiB", "1TiB"; also KB, MB, GB, TB (powers of 1000).
Result<uint64_t> ParseByteSize(std::string_view text);
std::string FormatByteSize(uint64_t bytes);

}  // namespace feedmill
