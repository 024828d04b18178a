#include "data/log_positions.h"

#include <charconv>

#include <fmt/format.h>

namespace feedmill {
namespace {

template <typename Number>
bool ParseWhole(std::string_view text, Number* number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end;
}

}  // namespace

std::string FormatLogPositions(std::span<const LogPosition> positions) {
  std::string text;
  for (const LogPosition& position : positions)
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", position.partition, position.offset);
  return text;
}

std::optional<std::vector<LogPosition>> ParseLogPositions(std::string_view text) {
  std::vector<LogPosition> positions;
  while (positions.size() < kLogPositionsMax) {
    const size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    const size_t colon = one.find(':');
    LogPosition position;
    if (colon == std::string_view::npos || !ParseWhole(one.substr(0, colon), &position.partition) ||
        !ParseWhole(one.substr(colon + 1), &position.offset))
      return std::nullopt;
    positions.push_back(position);
    if (comma == std::string_view::npos) return positions;
    text.remove_prefix(comma + 1);
  }
  return std::nullopt;
}

}  // namespace feedmill
