// Columns and their types as tables, tracking plan and query results name them. Types are Iceberg's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace feedmill {

enum class ColumnType { kBoolean, kInt, kLong, kFloat, kDouble, kDate, kTimestamptz, kString, kListFloat };

struct Column {
  int id = 0;  // Iceberg field id; 0 = to be given by the table
  std::string name;
  ColumnType type = ColumnType::kString;
  bool required = false;
  std::string doc;
  int element_id = 0;  // for lists: field id of the element
  friend bool operator==(const Column&, const Column&) = default;
};

using Schema = std::vector<Column>;

std::string_view ColumnTypeName(ColumnType type);  // Iceberg's: "long", "timestamptz", "list<float>"
std::string_view ColumnTypeSqlName(
    ColumnType type);  // DuckDB's and Spark's shared spelling: "BIGINT", "TIMESTAMPTZ", "FLOAT[]"
std::optional<ColumnType> ColumnTypeFromSqlName(std::string_view name);

}  // namespace feedmill
