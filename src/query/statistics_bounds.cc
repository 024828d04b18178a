#include "query/statistics_bounds.h"

#include <charconv>
#include <cmath>

#include "base/time_text.h"
#include "lake/bounds.h"

namespace feedmill::query {
namespace {

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseInteger(ColumnType type, std::string_view text) {
  if (type == ColumnType::kTimestamptz) return ParseInstant(text);
  if (type == ColumnType::kBoolean && (text == "true" || text == "false")) return text == "true" ? 1 : 0;
  if (type != ColumnType::kDate) return ParseNumber<int64_t>(text);
  auto day = ParseDay(text);
  if (!day) return std::nullopt;
  return *day;
}

std::optional<std::string> RealBound(ColumnType type, std::string_view text, double zero) {
  auto value = ParseNumber<double>(text);
  if (!value || std::isnan(*value)) return std::nullopt;
  return lake::EncodeRealBound(type, *value == 0 ? zero : *value);
}

// `zero` has the sign that a bound of zero must have.
std::optional<std::string> FixedWidthBound(ColumnType type, std::string_view text, double zero) {
  switch (type) {
    case ColumnType::kFloat:
    case ColumnType::kDouble:
      return RealBound(type, text, zero);
    case ColumnType::kString:
    case ColumnType::kListFloat:
      return std::nullopt;
    default:
      break;
  }
  auto value = ParseInteger(type, text);
  if (!value) return std::nullopt;
  return lake::EncodeIntegerBound(type, *value);
}

}  // namespace

std::optional<int64_t> ParseInstant(std::string_view text) {
  constexpr std::string_view kUtc = "+00";
  if (!text.ends_with(kUtc)) return std::nullopt;
  text.remove_suffix(kUtc.size());
  auto time = ParseTime(std::string(text) + "Z");
  if (!time) return std::nullopt;
  return *time;
}

std::optional<std::string> LowerBound(ColumnType type, std::string_view text) {
  if (type == ColumnType::kString) return lake::StringLowerBound(text);
  return FixedWidthBound(type, text, -0.0);
}

std::optional<std::string> UpperBound(ColumnType type, std::string_view text) {
  if (type == ColumnType::kString) return lake::StringUpperBound(text);
  return FixedWidthBound(type, text, 0.0);
}

}  // namespace feedmill::query
