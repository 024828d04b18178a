// Bounds of a column from the text in which DuckDB's Parquet statistics print its smallest and largest value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/schema.h"

namespace feedmill::query {

// `text` is "2024-01-04 23:00:00.25+00", "2024-01-04", "-1.5", "1" for true. The result has Iceberg's binary form
// (lake/bounds.h). Nothing when there is no safe bound: an unreadable value, a year outside 1..9999, a list, NaN, an
// upper string that cannot be rounded up. A bound of zero gets the sign that leaves neither 0.0 nor -0.0 outside.
std::optional<std::string> LowerBound(ColumnType type, std::string_view text);
std::optional<std::string> UpperBound(ColumnType type, std::string_view text);

// Microseconds since 1970 of "2024-01-04 23:00:00[.123456]+00".
std::optional<int64_t> ParseInstant(std::string_view text);

}  // namespace feedmill::query
