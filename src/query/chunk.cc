#include "query/session_internal.h"

namespace feedmill::query {

DuckChunk::DuckChunk(duckdb_data_chunk chunk) : rows_(duckdb_data_chunk_get_size(chunk)) {
  size_t columns = duckdb_data_chunk_get_column_count(chunk);
  for (size_t i = 0; i < columns; ++i) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    vectors_.push_back(vector);
    data_.push_back(duckdb_vector_get_data(vector));
    validity_.push_back(duckdb_vector_get_validity(vector));
  }
}

bool DuckChunk::IsNull(size_t column, size_t row) const {
  const uint64_t* mask = validity_[column];
  return mask != nullptr && (mask[row / 64] >> (row % 64) & 1) == 0;
}

std::string_view DuckChunk::Text(size_t column, size_t row) const {
  // Short strings lie inside the vector's own element, so the view must not be of a copy.
  auto* text = const_cast<duckdb_string_t*>(static_cast<const duckdb_string_t*>(data_[column])) + row;
  return {duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

std::span<const float> DuckChunk::FloatList(size_t column, size_t row) const {
  const auto& entry = static_cast<const duckdb_list_entry*>(data_[column])[row];
  const auto* values =
      static_cast<const float*>(duckdb_vector_get_data(duckdb_list_vector_get_child(vectors_[column])));
  return {values + entry.offset, entry.length};
}

}  // namespace feedmill::query
