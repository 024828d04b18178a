#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/time_text.h"
#include "io/file_system.h"
#include "lake/inventory.h"
#include "query/session_internal.h"
#include "query/statistics_bounds.h"

namespace feedmill::query {
namespace {

// Columns of COPY ... RETURN_STATS.
enum StatsColumn : size_t { kFilename, kCount, kFileSize, kFooterSize, kColumnStatistics, kPartitionKeys };

using TextMap = std::map<std::string, std::optional<std::string>>;

bool IsValid(duckdb_vector vector, size_t row) {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  return validity == nullptr || duckdb_validity_row_is_valid(validity, row);
}

std::string TextAt(duckdb_vector vector, size_t row) {
  auto text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
  return std::string(duckdb_string_t_data(&text), duckdb_string_t_length(text));
}

// A MAP is a list of structs {key, value}.
TextMap TextMapAt(duckdb_vector vector, size_t row) {
  TextMap map;
  if (!IsValid(vector, row)) return map;
  auto entry = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(vector))[row];
  duckdb_vector pairs = duckdb_list_vector_get_child(vector);
  duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0);
  duckdb_vector values = duckdb_struct_vector_get_child(pairs, 1);
  for (uint64_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    auto& value = map[TextAt(keys, i)];
    if (IsValid(values, i)) value = TextAt(values, i);
  }
  return map;
}

std::map<std::string, TextMap> StatisticsAt(duckdb_vector vector, size_t row) {
  std::map<std::string, TextMap> statistics;
  if (!IsValid(vector, row)) return statistics;
  auto entry = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(vector))[row];
  duckdb_vector pairs = duckdb_list_vector_get_child(vector);
  duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0);
  duckdb_vector values = duckdb_struct_vector_get_child(pairs, 1);
  for (uint64_t i = entry.offset; i < entry.offset + entry.length; ++i)
    statistics[TextAt(keys, i)] = TextMapAt(values, i);
  return statistics;
}

const std::string* Find(const TextMap& map, const std::string& key) {
  auto found = map.find(key);
  return found == map.end() || !found->second ? nullptr : &*found->second;
}

int64_t Number(const TextMap& map, const std::string& key) {
  const std::string* text = Find(map, key);
  return text == nullptr ? 0 : std::strtoll(text->c_str(), nullptr, 10);
}

lake::ColumnStatistics ColumnStatisticsOf(const Column& column, const TextMap& map) {
  lake::ColumnStatistics statistics;
  statistics.value_count = Number(map, "num_values");
  statistics.null_count = Number(map, "null_count");
  statistics.size_bytes = Number(map, "column_size_bytes");
  const std::string* has_nan = Find(map, "has_nan");
  if (has_nan != nullptr && *has_nan == "true")
    return statistics;  // Iceberg's bounds leave NaN out; DuckDB's do not say how
  const std::string* lower = Find(map, "min");
  const std::string* upper = Find(map, "max");
  if (lower != nullptr) statistics.lower_bound = LowerBound(column.type, *lower);
  if (upper != nullptr) statistics.upper_bound = UpperBound(column.type, *upper);
  return statistics;
}

// Statistics of a list are those of its elements, which Iceberg's readers do not use: left out.
void FillStatistics(const Schema& schema, const std::map<std::string, TextMap>& found, lake::DataFile* file) {
  for (const Column& column : schema) {
    auto entry = found.find(QuoteName(column.name));
    if (entry == found.end() || column.type == ColumnType::kListFloat) continue;
    file->statistics[column.id] = ColumnStatisticsOf(column, entry->second);
  }
}

Result<int64_t> PartitionNumber(const std::string& text, bool is_date) {
  if (is_date) {
    FEEDMILL_ASSIGN(Day day, ParseDay(text));
    return day;
  }
  char* end = nullptr;
  int64_t number = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0') return Internal("DuckDB told partition value '{}', which is no whole number", text);
  return number;
}

Status FillPartition(const lake::TableDescription& table, const std::vector<std::string>& names, const TextMap& keys,
                     lake::DataFile* file) {
  for (size_t i = 0; i < names.size(); ++i) {
    const auto& field = table.partition_spec[i];
    auto column = std::ranges::find(table.schema, field.column, &Column::name);
    const std::string* text = Find(keys, names[i]);
    bool is_text = field.transform == lake::Transform::kIdentity && column->type == ColumnType::kString;
    file->partition_text.push_back(is_text && text != nullptr ? *text : "");
    if (is_text || text == nullptr) {
      // A text partition has its value beside; a present one is told by 0 here, a missing one by null.
      file->partition.push_back(text == nullptr ? std::nullopt : std::optional<int64_t>(0));
      continue;
    }
    bool is_date = field.transform == lake::Transform::kDay || column->type == ColumnType::kDate;
    FEEDMILL_ASSIGN(auto number, PartitionNumber(*text, is_date));
    file->partition.push_back(number);
  }
  return Ok();
}

Status SealFiles(std::vector<lake::DataFile>* written) {
  std::set<std::string> folders;
  for (lake::DataFile& file : *written) {
    FEEDMILL_TRY(io::PosixFileSystem().SyncFile(file.path));
    FEEDMILL_ASSIGN(file.crc32c, lake::FileCrc32c(io::PosixFileSystem(), file.path));
    std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    folders.insert(folder.string());
    folders.insert(folder.parent_path().string());
  }
  for (const std::string& folder : folders) FEEDMILL_TRY(io::PosixFileSystem().SyncDirectory(folder));
  return Ok();
}

}  // namespace

Result<std::vector<lake::DataFile>> ReadWrittenFiles(OwnedResult& result, const lake::TableDescription& table,
                                                     const std::vector<std::string>& partition_columns) {
  std::vector<lake::DataFile> written;
  while (true) {
    OwnedChunk chunk(duckdb_fetch_chunk(*result.get()));
    if (chunk.get() == nullptr) break;
    auto vector = [&](StatsColumn column) { return duckdb_data_chunk_get_vector(chunk.get(), column); };
    for (size_t row = 0; row < duckdb_data_chunk_get_size(chunk.get()); ++row) {
      lake::DataFile file;
      file.path = TextAt(vector(kFilename), row);
      file.record_count = static_cast<int64_t>(static_cast<uint64_t*>(duckdb_vector_get_data(vector(kCount)))[row]);
      file.size_bytes = static_cast<int64_t>(static_cast<uint64_t*>(duckdb_vector_get_data(vector(kFileSize)))[row]);
      if (file.record_count == 0) {
        FEEDMILL_TRY(io::PosixFileSystem().Remove(file.path));
        continue;
      }
      FillStatistics(table.schema, StatisticsAt(vector(kColumnStatistics), row), &file);
      FEEDMILL_TRY(FillPartition(table, partition_columns, TextMapAt(vector(kPartitionKeys), row), &file));
      written.push_back(std::move(file));
    }
  }
  FEEDMILL_TRY(SealFiles(&written));
  return written;
}

}  // namespace feedmill::query
