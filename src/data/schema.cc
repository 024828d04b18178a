#include "data/schema.h"

#include <algorithm>
#include <cctype>

namespace feedmill {
namespace {

struct TypeNames {
  ColumnType type;
  std::string_view iceberg;
  std::string_view sql;
};
constexpr TypeNames kTypes[] = {
    {ColumnType::kBoolean, "boolean", "BOOLEAN"},
    {ColumnType::kInt, "int", "INTEGER"},
    {ColumnType::kLong, "long", "BIGINT"},
    {ColumnType::kFloat, "float", "FLOAT"},
    {ColumnType::kDouble, "double", "DOUBLE"},
    {ColumnType::kDate, "date", "DATE"},
    {ColumnType::kTimestamptz, "timestamptz", "TIMESTAMPTZ"},
    {ColumnType::kString, "string", "STRING"},
    {ColumnType::kListFloat, "list<float>", "FLOAT[]"},
};

struct Alias {
  std::string_view name;
  ColumnType type;
};
// What DuckDB's DESCRIBE and people write instead.
constexpr Alias kAliases[] = {
    {"BOOL", ColumnType::kBoolean},     {"INT", ColumnType::kInt},
    {"INT4", ColumnType::kInt},         {"INT8", ColumnType::kLong},
    {"LONG", ColumnType::kLong},        {"REAL", ColumnType::kFloat},
    {"FLOAT4", ColumnType::kFloat},     {"FLOAT8", ColumnType::kDouble},
    {"VARCHAR", ColumnType::kString},   {"TEXT", ColumnType::kString},
    {"REAL[]", ColumnType::kListFloat}, {"TIMESTAMP WITH TIME ZONE", ColumnType::kTimestamptz},
};

const TypeNames& NamesOf(ColumnType type) { return *std::ranges::find(kTypes, type, &TypeNames::type); }

}  // namespace

std::string_view ColumnTypeName(ColumnType type) { return NamesOf(type).iceberg; }

std::string_view ColumnTypeSqlName(ColumnType type) { return NamesOf(type).sql; }

std::optional<ColumnType> ColumnTypeFromSqlName(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const TypeNames& names : kTypes) {
    if (names.sql == upper) return names.type;
  }
  for (const Alias& alias : kAliases) {
    if (alias.name == upper) return alias.type;
  }
  return std::nullopt;
}

}  // namespace feedmill
