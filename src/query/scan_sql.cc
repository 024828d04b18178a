#include <algorithm>

#include "query/session_internal.h"

namespace feedmill::query {
namespace {

std::string NullColumns(const Schema& schema) {
  std::string list;
  for (const Column& column : schema) {
    list += fmt::format("{}CAST(NULL AS {}) AS {}", list.empty() ? "" : ", ", ColumnTypeSqlName(column.type),
                        QuoteName(column.name));
  }
  return list;
}

// MAP{1: {name: 'id', type: 'BIGINT', default_value: NULL}, ...}: a file without the field reads as null.
std::string FieldMap(const Schema& schema) {
  std::string map;
  for (const Column& column : schema) {
    map += fmt::format("{}{}: {{name: {}, type: {}, default_value: NULL}}", map.empty() ? "" : ", ", column.id,
                       QuoteText(column.name), QuoteText(ColumnTypeSqlName(column.type)));
  }
  return fmt::format("MAP {{{}}}", map);
}

std::string Names(const Schema& schema) {
  std::string names;
  for (const Column& column : schema) names += fmt::format("{}{}", names.empty() ? "" : ", ", QuoteName(column.name));
  return names;
}

}  // namespace

Result<std::string> FileList(const std::vector<std::string>& paths) {
  std::string list;
  for (const std::string& path : paths) {
    if (path.find_first_of("*?[") != std::string::npos) {
      return InvalidArgument(
          "data file '{}': the path holds one of * ? [, which DuckDB reads as a pattern; move the data folder", path);
    }
    list += fmt::format("{}{}", list.empty() ? "" : ", ", QuoteText(path));
  }
  return fmt::format("[{}]", list);
}

std::string QuoteName(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string QuoteText(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + '\'';
}

Result<std::string> ScanSql(const lake::ScanPlan& plan) {
  if (plan.files.empty()) return fmt::format("SELECT {} WHERE false", NullColumns(plan.schema));
  std::vector<std::string> paths;
  for (const lake::DataFile& file : plan.files) paths.push_back(file.path);
  FEEDMILL_ASSIGN(std::string files, FileList(paths));
  // Folders are named column=value; the values are in the files too, so DuckDB must not read them from the path.
  std::string scan =
      fmt::format("read_parquet({}, schema = {}, hive_partitioning = false", files, FieldMap(plan.schema));
  if (plan.position_delete_files.empty()) return fmt::format("SELECT * FROM {})", scan);
  FEEDMILL_ASSIGN(std::string deletes, FileList(plan.position_delete_files));
  return fmt::format(
      "SELECT {} FROM {}, filename = 'feedmill_file', file_row_number = true) AS kept "
      "WHERE NOT EXISTS (SELECT 1 FROM read_parquet({}, hive_partitioning = false) AS gone "
      "WHERE regexp_replace(gone.file_path, '^file:(//)?', '') = kept.feedmill_file AND gone.pos = "
      "kept.file_row_number)",
      Names(plan.schema), scan, deletes);
}

}  // namespace feedmill::query
