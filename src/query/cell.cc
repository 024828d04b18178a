#include <cmath>
#include <limits>

#include "query/cell_internal.h"
#include "query/session_internal.h"

namespace feedmill::query {
namespace {

template <typename T>
T At(duckdb_vector vector, size_t row) {
  return static_cast<const T*>(duckdb_vector_get_data(vector))[row];
}

Cell WholeOrDouble(duckdb_hugeint value) {
  bool fits = (value.upper == 0 && value.lower <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) ||
              (value.upper == -1 && value.lower > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
  if (fits) return static_cast<int64_t>(value.lower);
  return duckdb_hugeint_to_double(value);
}

Cell DecimalCell(duckdb_logical_type type, duckdb_vector vector, size_t row) {
  double scale = std::pow(10.0, duckdb_decimal_scale(type));
  switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT:
      return At<int16_t>(vector, row) / scale;
    case DUCKDB_TYPE_INTEGER:
      return At<int32_t>(vector, row) / scale;
    case DUCKDB_TYPE_BIGINT:
      return static_cast<double>(At<int64_t>(vector, row)) / scale;
    default:
      return duckdb_hugeint_to_double(At<duckdb_hugeint>(vector, row)) / scale;
  }
}

Cell TextCell(duckdb_vector vector, size_t row) {
  auto text = At<duckdb_string_t>(vector, row);
  return std::string(duckdb_string_t_data(&text), duckdb_string_t_length(text));
}

Cell CellAt(duckdb_logical_type type, duckdb_vector vector, size_t row);

std::string TextOf(const Cell& cell) {
  if (std::holds_alternative<std::nullptr_t>(cell)) return "null";
  if (const bool* flag = std::get_if<bool>(&cell)) return *flag ? "true" : "false";
  if (const int64_t* whole = std::get_if<int64_t>(&cell)) return std::to_string(*whole);
  if (const double* number = std::get_if<double>(&cell)) return fmt::format("{}", *number);
  return std::get<std::string>(cell);
}

Cell ListCell(duckdb_logical_type type, duckdb_vector vector, size_t row) {
  auto entry = At<duckdb_list_entry>(vector, row);
  OwnedType child_type(duckdb_list_type_child_type(type));
  std::string text = "[";
  for (uint64_t i = 0; i < entry.length; ++i) {
    if (i > 0) text += ", ";
    text += TextOf(CellAt(child_type.get(), duckdb_list_vector_get_child(vector), entry.offset + i));
  }
  return text + "]";
}

Cell CellAt(duckdb_logical_type type, duckdb_vector vector, size_t row) {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return nullptr;
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return At<bool>(vector, row);
    case DUCKDB_TYPE_TINYINT:
      return static_cast<int64_t>(At<int8_t>(vector, row));
    case DUCKDB_TYPE_SMALLINT:
      return static_cast<int64_t>(At<int16_t>(vector, row));
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
      return static_cast<int64_t>(At<int32_t>(vector, row));
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return At<int64_t>(vector, row);
    case DUCKDB_TYPE_UTINYINT:
      return static_cast<int64_t>(At<uint8_t>(vector, row));
    case DUCKDB_TYPE_USMALLINT:
      return static_cast<int64_t>(At<uint16_t>(vector, row));
    case DUCKDB_TYPE_UINTEGER:
      return static_cast<int64_t>(At<uint32_t>(vector, row));
    case DUCKDB_TYPE_UBIGINT:
      return WholeOrDouble({At<uint64_t>(vector, row), 0});
    case DUCKDB_TYPE_HUGEINT:
      return WholeOrDouble(At<duckdb_hugeint>(vector, row));
    case DUCKDB_TYPE_FLOAT:
      return static_cast<double>(At<float>(vector, row));
    case DUCKDB_TYPE_DOUBLE:
      return At<double>(vector, row);
    case DUCKDB_TYPE_DECIMAL:
      return DecimalCell(type, vector, row);
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
      return TextCell(vector, row);
    case DUCKDB_TYPE_LIST:
      return ListCell(type, vector, row);
    default:
      return std::string("?");
  }
}

ColumnType TypeForPeople(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
      return ColumnType::kLong;
    case DUCKDB_TYPE_DECIMAL:
      return ColumnType::kDouble;
    case DUCKDB_TYPE_TIMESTAMP:
      return ColumnType::kTimestamptz;
    default:
      return ColumnType::kString;
  }
}

}  // namespace

Schema ColumnsForPeople(OwnedResult& result) {
  Schema columns;
  for (idx_t i = 0; i < duckdb_column_count(result.get()); ++i) {
    OwnedType type(duckdb_column_logical_type(result.get(), i));
    const char* name = duckdb_column_name(result.get(), i);
    auto column = ColumnFromDuckdb(name, type.get());
    if (column) {
      columns.push_back(std::move(*column));
      continue;
    }
    Column substitute;
    substitute.name = name;
    substitute.type = TypeForPeople(duckdb_get_type_id(type.get()));
    columns.push_back(std::move(substitute));
  }
  return columns;
}

void AppendCells(OwnedResult& result, duckdb_data_chunk chunk, Rows* rows) {
  size_t first = rows->rows.size();
  size_t count = duckdb_data_chunk_get_size(chunk);
  size_t columns = duckdb_data_chunk_get_column_count(chunk);
  rows->rows.resize(first + count, std::vector<Cell>(columns));
  for (size_t column = 0; column < columns; ++column) {
    OwnedType type(duckdb_column_logical_type(result.get(), column));
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
    for (size_t row = 0; row < count; ++row) rows->rows[first + row][column] = CellAt(type.get(), vector, row);
  }
}

}  // namespace feedmill::query
