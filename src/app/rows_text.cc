#include "app/rows_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/time_text.h"

namespace feedmill::app {
namespace {

constexpr size_t kCellWidthMax = 60;

std::string CellText(const query::Cell& cell, ColumnType type) {
  if (std::holds_alternative<std::nullptr_t>(cell)) return "";
  if (const bool* value = std::get_if<bool>(&cell)) return *value ? "true" : "false";
  if (const double* value = std::get_if<double>(&cell)) return fmt::format("{}", *value);
  if (const std::string* value = std::get_if<std::string>(&cell)) return *value;
  const int64_t integer = std::get<int64_t>(cell);
  if (type == ColumnType::kTimestamptz) return FormatTime(integer);
  if (type == ColumnType::kDate) return FormatDay(static_cast<Day>(integer));
  return fmt::format("{}", integer);
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string Csv(const query::Rows& rows) {
  std::string out;
  for (size_t i = 0; i < rows.columns.size(); ++i) out += (i > 0 ? "," : "") + CsvField(rows.columns[i].name);
  out += '\n';
  for (const auto& row : rows.rows) {
    for (size_t i = 0; i < row.size(); ++i)
      out += (i > 0 ? "," : "") + CsvField(CellText(row[i], rows.columns[i].type));
    out += '\n';
  }
  return out;
}

nlohmann::json CellJson(const query::Cell& cell, ColumnType type) {
  if (std::holds_alternative<std::nullptr_t>(cell)) return nullptr;
  if (const bool* value = std::get_if<bool>(&cell)) return *value;
  if (const double* value = std::get_if<double>(&cell)) return *value;
  const bool is_time = type == ColumnType::kTimestamptz || type == ColumnType::kDate;
  if (const int64_t* value = std::get_if<int64_t>(&cell); value != nullptr && !is_time) return *value;
  return CellText(cell, type);
}

std::string JsonLines(const query::Rows& rows) {
  std::string out;
  for (const auto& row : rows.rows) {
    nlohmann::ordered_json line;
    for (size_t i = 0; i < row.size(); ++i) line[rows.columns[i].name] = CellJson(row[i], rows.columns[i].type);
    out += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return out;
}

std::string Table(const query::Rows& rows) {
  std::vector<std::vector<std::string>> cells(1);
  for (const Column& column : rows.columns) cells[0].push_back(column.name);
  for (const auto& row : rows.rows) {
    auto& line = cells.emplace_back();
    for (size_t i = 0; i < row.size(); ++i)
      line.push_back(CellText(row[i], rows.columns[i].type).substr(0, kCellWidthMax));
  }
  std::vector<size_t> widths(rows.columns.size(), 0);
  for (const auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string out;
  for (const auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i) out += fmt::format("{:<{}}", line[i], widths[i] + 2);
    out += '\n';
  }
  return out + fmt::format("({} rows)\n", rows.rows.size());
}

}  // namespace

std::string RowsText(const query::Rows& rows, RowsFormat format) {
  switch (format) {
    case RowsFormat::kTable:
      return Table(rows);
    case RowsFormat::kCsv:
      return Csv(rows);
    case RowsFormat::kJsonLines:
      return JsonLines(rows);
  }
  return "";
}

}  // namespace feedmill::app
