#include "base/units.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <span>

namespace feedmill {
namespace {

struct Unit {
  std::string_view name;
  uint64_t size;
};
// Largest first: formatting takes the first that divides.
constexpr Unit kDurationUnits[] = {{"d", kMicrosPerDay},    {"h", kMicrosPerHour},   {"m", kMicrosPerMinute},
                                   {"s", kMicrosPerSecond}, {"ms", kMicrosPerMilli}, {"us", 1}};
constexpr Unit kByteUnits[] = {{"TiB", 1ull << 40}, {"GiB", 1ull << 30},      {"MiB", 1ull << 20},
                               {"KiB", 1ull << 10}, {"TB", 1000000000000ull}, {"GB", 1000000000ull},
                               {"MB", 1000000ull},  {"KB", 1000ull},          {"B", 1}};
constexpr size_t kBinaryByteUnits = 4;

// "1.5s" -> 1.5 and the unit; nothing when there is no digit, no such unit, or it is too large.
std::optional<double> ParseWithUnit(std::string_view text, std::span<const Unit> units, bool unit_needed) {
  size_t digits = text.find_first_not_of("0123456789.");
  std::string_view unit = digits == std::string_view::npos ? "" : text.substr(digits);
  std::string number(text.substr(0, digits));
  if (number.empty() || number == "." || std::ranges::count(number, '.') > 1) return std::nullopt;
  uint64_t size = 1;
  if (!unit.empty() || unit_needed) {
    auto found = std::ranges::find(units, unit, &Unit::name);
    if (found == units.end()) return std::nullopt;
    size = found->size;
  }
  double value = std::strtod(number.c_str(), nullptr) * static_cast<double>(size);
  return value < 9.2e18 ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<Micros> ParseDuration(std::string_view text) {
  if (auto value = ParseWithUnit(text, kDurationUnits, true)) return static_cast<Micros>(std::llround(*value));
  return InvalidArgument("duration: found '{}', allowed a number with us, ms, s, m, h or d, such as 60s", text);
}

std::string FormatDuration(Micros duration) {
  if (duration == 0) return "0s";
  for (const Unit& unit : kDurationUnits) {
    auto size = static_cast<Micros>(unit.size);
    if (duration % size == 0) return fmt::format("{}{}", duration / size, unit.name);
  }
  return fmt::format("{}us", duration);
}

Result<uint64_t> ParseByteSize(std::string_view text) {
  if (auto value = ParseWithUnit(text, kByteUnits, false)) return static_cast<uint64_t>(std::llround(*value));
  return InvalidArgument("byte size: found '{}', allowed a number with B, KiB, MiB, GiB or TiB, such as 64MiB", text);
}

std::string FormatByteSize(uint64_t bytes) {
  for (const Unit& unit : std::span(kByteUnits).first(kBinaryByteUnits)) {
    if (bytes > 0 && bytes % unit.size == 0) return fmt::format("{}{}", bytes / unit.size, unit.name);
  }
  return fmt::format("{}B", bytes);
}

}  // namespace feedmill
