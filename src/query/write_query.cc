// SELECT -> COPY ... RETURN_STATS -> data files of a table.
#include <algorithm>
#include <set>

#include "lake/ids.h"
#include "lake/transform.h"
#include "query/session_internal.h"
#include "query/sql_error.h"

namespace feedmill::query {
namespace {

const Column* FindColumn(const Schema& schema, std::string_view name) {
  auto found = std::ranges::find(schema, name, &Column::name);
  return found == schema.end() ? nullptr : &*found;
}

std::string ColumnNames(const Schema& schema) {
  std::string names;
  for (const Column& column : schema) names += (names.empty() ? "" : ", ") + column.name;
  return names;
}

Status CheckColumns(const lake::TableDescription& table, const Schema& selected) {
  std::set<std::string> seen;
  for (const Column& column : selected) {
    if (!seen.insert(column.name).second)
      return InvalidArgument("column '{}' is selected twice; give one of them another name", column.name);
    if (FindColumn(table.schema, column.name) == nullptr) {
      return InvalidArgument("column '{}' is not in table {}; it has: {}", column.name, table.name,
                             ColumnNames(table.schema));
    }
  }
  for (const Column& column : table.schema) {
    if (column.required && !seen.contains(column.name)) {
      return InvalidArgument("column '{}' of table {} is required and not selected; selected: {}", column.name,
                             table.name, ColumnNames(selected));
    }
  }
  return Ok();
}

std::string PartitionExpression(const lake::PartitionField& field, ColumnType type) {
  std::string name = QuoteName(field.column);
  switch (field.transform) {
    case lake::Transform::kIdentity:
      return name;
    case lake::Transform::kDay:
      if (type == ColumnType::kDate) return name;
      return fmt::format("DATE '1970-01-01' + CAST(floor(epoch_us({}) / 86400000000.0) AS INTEGER)", name);
    case lake::Transform::kHour:
      return fmt::format("CAST(floor(epoch_us({}) / 3600000000.0) AS BIGINT)", name);
  }
  return name;
}

// {id: 1, vector: {__duckdb_field_id: 6, element: 7}}
std::string FieldIds(const Schema& schema) {
  std::string ids;
  for (const Column& column : schema) {
    std::string id = std::to_string(column.id);
    if (column.type == ColumnType::kListFloat)
      id = fmt::format("{{__duckdb_field_id: {}, element: {}}}", column.id, column.element_id);
    ids += fmt::format("{}{}: {}", ids.empty() ? "" : ", ", QuoteName(column.name), id);
  }
  return fmt::format("{{{}}}", ids);
}

std::string CastColumns(const Schema& table, const Schema& selected) {
  std::string list;
  for (const Column& column : table) {
    std::string value = FindColumn(selected, column.name) == nullptr ? "NULL" : QuoteName(column.name);
    list += fmt::format("{}CAST({} AS {}) AS {}", list.empty() ? "" : ", ", value, ColumnTypeSqlName(column.type),
                        QuoteName(column.name));
  }
  return list;
}

struct CopyText {
  std::string prefix;
  std::string suffix;
};

CopyText CopyStatement(const lake::TableDescription& table, const Schema& selected,
                       const std::vector<std::string>& partition_columns, const std::string& folder,
                       const std::string& file_stem) {
  std::string columns = CastColumns(table.schema, selected);
  std::string options =
      fmt::format("FORMAT parquet, COMPRESSION zstd, FIELD_IDS {}, RETURN_STATS", FieldIds(table.schema));
  if (partition_columns.empty()) {
    return {fmt::format("COPY (SELECT {} FROM (", columns),
            fmt::format("\n) AS feedmill_rows) TO {} ({})", QuoteText(folder + "/" + file_stem + ".parquet"), options)};
  }
  std::string keys;
  std::string names;
  for (size_t i = 0; i < partition_columns.size(); ++i) {
    const auto& field = table.partition_spec[i];
    ColumnType type = FindColumn(table.schema, field.column)->type;
    keys += fmt::format(", {} AS {}", PartitionExpression(field, type), QuoteName(partition_columns[i]));
    names += fmt::format("{}{}", i == 0 ? "" : ", ", QuoteName(partition_columns[i]));
  }
  return {fmt::format("COPY (SELECT *{} FROM (SELECT {} FROM (", keys, columns),
          fmt::format("\n) AS feedmill_rows) AS feedmill_typed) TO {} ({}, PARTITION_BY ({}), OVERWRITE_OR_IGNORE, "
                      "FILENAME_PATTERN {})",
                      QuoteText(folder), options, names, QuoteText(file_stem + "_{i}"))};
}

// Names of the folders' keys; they exist only in paths, so they must not be columns.
Result<std::vector<std::string>> PartitionColumns(const lake::TableDescription& table) {
  std::vector<std::string> names;
  for (const auto& field : table.partition_spec) {
    if (FindColumn(table.schema, field.column) == nullptr) {
      return InvalidArgument("table {} is partitioned by '{}', which is not a column; it has: {}", table.name,
                             field.column, ColumnNames(table.schema));
    }
    std::string name = lake::PartitionFieldName(field);
    while (FindColumn(table.schema, name) != nullptr) name += '_';
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Result<std::vector<lake::DataFile>> DuckSession::WriteQuery(lake::Catalog& catalog, const std::string& table,
                                                            std::string_view select, const std::string& file_stem) {
  FEEDMILL_ASSIGN(lake::TableDescription description, catalog.Load(table));
  FEEDMILL_ASSIGN(std::string folder, catalog.DataFolder(table));
  FEEDMILL_ASSIGN(Schema selected, DescribeQuery(select));
  FEEDMILL_TRY(CheckColumns(description, selected));
  FEEDMILL_ASSIGN(auto partition_columns, PartitionColumns(description));
  // No two writers choose the same names, not even one that goes on where another copy of this data folder left off.
  const std::string stem = fmt::format("{}-{}", file_stem, lake::IdSource(std::nullopt).Uuid());
  CopyText copy = CopyStatement(description, selected, partition_columns, folder, stem);
  OwnedResult result;
  FEEDMILL_TRY(NamingDamage(RunPatiently(copy.prefix, select, copy.suffix, &result)));
  FEEDMILL_ASSIGN(auto files, ReadWrittenFiles(result, description, partition_columns));
  for (const lake::DataFile& file : files) database_->verified.Add(file);
  return files;
}

}  // namespace feedmill::query
