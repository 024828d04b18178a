#include "query/session_internal.h"

namespace feedmill::query {
namespace {

std::string_view TypeName(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_HUGEINT:
      return "HUGEINT";
    case DUCKDB_TYPE_UHUGEINT:
      return "UHUGEINT";
    case DUCKDB_TYPE_UBIGINT:
      return "UBIGINT";
    case DUCKDB_TYPE_UINTEGER:
      return "UINTEGER";
    case DUCKDB_TYPE_USMALLINT:
      return "USMALLINT";
    case DUCKDB_TYPE_UTINYINT:
      return "UTINYINT";
    case DUCKDB_TYPE_SMALLINT:
      return "SMALLINT";
    case DUCKDB_TYPE_TINYINT:
      return "TINYINT";
    case DUCKDB_TYPE_DECIMAL:
      return "DECIMAL";
    case DUCKDB_TYPE_TIMESTAMP:
      return "TIMESTAMP";
    case DUCKDB_TYPE_SQLNULL:
      return "NULL";
    case DUCKDB_TYPE_INTERVAL:
      return "INTERVAL";
    case DUCKDB_TYPE_STRUCT:
      return "STRUCT";
    case DUCKDB_TYPE_MAP:
      return "MAP";
    case DUCKDB_TYPE_LIST:
      return "list of something other than FLOAT";
    default:
      return "a type of DuckDB's own";
  }
}

std::string_view Advice(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return "cast this sum to BIGINT";
    case DUCKDB_TYPE_UBIGINT:
      return "cast it to BIGINT";
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_TINYINT:
      return "cast it to INTEGER or BIGINT";
    case DUCKDB_TYPE_DECIMAL:
      return "cast it to DOUBLE or BIGINT";
    case DUCKDB_TYPE_TIMESTAMP:
      return "use an instant with a time zone (TIMESTAMPTZ)";
    case DUCKDB_TYPE_SQLNULL:
      return "cast this NULL to the type that is meant";
    default:
      return "allowed: BOOLEAN, INTEGER, BIGINT, FLOAT, DOUBLE, DATE, TIMESTAMPTZ, VARCHAR, FLOAT[]";
  }
}

std::optional<ColumnType> TypeOf(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return ColumnType::kBoolean;
    case DUCKDB_TYPE_INTEGER:
      return ColumnType::kInt;
    case DUCKDB_TYPE_BIGINT:
      return ColumnType::kLong;
    case DUCKDB_TYPE_FLOAT:
      return ColumnType::kFloat;
    case DUCKDB_TYPE_DOUBLE:
      return ColumnType::kDouble;
    case DUCKDB_TYPE_DATE:
      return ColumnType::kDate;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return ColumnType::kTimestamptz;
    case DUCKDB_TYPE_VARCHAR:
      return ColumnType::kString;
    case DUCKDB_TYPE_LIST: {
      OwnedType child(duckdb_list_type_child_type(type));
      if (duckdb_get_type_id(child.get()) == DUCKDB_TYPE_FLOAT) return ColumnType::kListFloat;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<Column> ColumnFromDuckdb(std::string_view name, duckdb_logical_type type) {
  auto found = TypeOf(type);
  if (!found) {
    duckdb_type id = duckdb_get_type_id(type);
    return InvalidArgument("column '{}' is {}, which no table can hold: {}", name, TypeName(id), Advice(id));
  }
  Column column;
  column.name = name;
  column.type = *found;
  return column;
}

}  // namespace feedmill::query
