// Positions in several partitions as one text, "0:123,2:9": what answers give as `position`, feeds take as `after` and
// rows of feeds say as `applied`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/event.h"

namespace feedmill {

inline constexpr size_t kLogPositionsMax = 64;

std::string FormatLogPositions(std::span<const LogPosition> positions);
// One or more; nothing when the text is anything else, or has more than kLogPositionsMax.
std::optional<std::vector<LogPosition>> ParseLogPositions(std::string_view text);

}  // namespace feedmill
