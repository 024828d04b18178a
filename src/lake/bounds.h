// Column bounds in Iceberg's single-value binary form (specification, appendix D): what a writer puts into
// ColumnStatistics and what pruning compares. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/schema.h"

namespace feedmill::lake {

// Code points of a string that a bound keeps.
inline constexpr size_t kBoundCodePointsMax = 16;

// Of kBoolean (0, 1), kInt, kLong, kDate (days) and kTimestamptz (Micros): little endian, 1, 4 or 8 bytes. Empty for
// other types.
std::string EncodeIntegerBound(ColumnType type, int64_t value);
// The way back; nothing when `type` is none of these or the length is wrong. kLong and kDouble columns that were
// widened from kInt and kFloat keep 4-byte bounds in old files, which is accepted.
std::optional<int64_t> DecodeIntegerBound(ColumnType type, std::string_view bytes);

// Of kFloat and kDouble.
std::string EncodeRealBound(ColumnType type, double value);
std::optional<double> DecodeRealBound(ColumnType type, std::string_view bytes);

// The first 16 code points: not above `value`.
std::string StringLowerBound(std::string_view value);
// Not below `value`: `value` itself when it is short, otherwise its first 16 code points with the last one that can
// grow incremented and the rest cut. Nothing when none can grow, or `value` is no UTF-8.
std::optional<std::string> StringUpperBound(std::string_view value);

}  // namespace feedmill::lake
