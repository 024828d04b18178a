#include "app/project_tables.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "domain/table_contract.h"
#include "ingest/event_tables.h"
#include "warehouse/sql_lint.h"

namespace feedmill::app {
namespace {

std::string ModelName(std::string_view table) { return std::string(table.substr(table.find('.') + 1)); }

// What the lake has beside those: of an earlier plan, or of a step that is no SQL.
Status AddKnown(lake::Catalog& catalog, const std::string& model, Schema* columns) {
  const auto table = catalog.Load(warehouse::TableName(model));
  if (!table) return table.error().kind() == ErrorKind::kNotFound ? Ok() : Status(std::unexpected(table.error()));
  for (const Column& column : table->schema) {
    if (std::ranges::find(*columns, column.name, &Column::name) == columns->end()) columns->push_back(column);
  }
  return Ok();
}

std::string TypesOf(const domain::ReadColumn& read) {
  std::vector<std::string_view> names;
  for (const ColumnType type : read.types) names.push_back(ColumnTypeSqlName(type));
  return fmt::format("{}", fmt::join(names, " or "));
}

// "" when the columns have it. `reader`: who reads it, in words.
std::string FaultOf(const domain::ReadColumn& read, const std::string& reader, const std::string& file,
                    const Schema& columns) {
  const auto found = std::ranges::find(columns, read.column, &Column::name);
  if (found == columns.end())
    return fmt::format("{}: the SELECT gives no column \"{}\", which {}", file, read.column, reader);
  if (read.types.empty() || std::ranges::find(read.types, found->type) != read.types.end()) return "";
  return fmt::format("{}: column \"{}\", which {}, is {}; allowed: {}", file, read.column, reader,
                     ColumnTypeSqlName(found->type), TypesOf(read));
}

}  // namespace

Result<warehouse::ModelColumns> DescribeTables(const warehouse::Project& project, const ingest::TrackingPlan& plan,
                                               lake::Catalog* catalog, query::Session& session) {
  std::map<std::string, Schema> given = {
      {ModelName(ingest::kEventTable), ingest::EventTableSchema(plan.typed_columns())},
      {ModelName(ingest::kRejectedTable), ingest::RejectedTableSchema()},
      {ModelName(ingest::kFeedRequestTable), ingest::FeedRequestTableSchema()}};
  for (const warehouse::Model& model : project.models) {
    if (catalog == nullptr || warehouse::HasSql(model)) continue;
    Schema& columns = given[model.name];
    FEEDMILL_TRY(AddKnown(*catalog, model.name, &columns));
    if (columns.empty()) given.erase(model.name);
  }
  return warehouse::DescribeModels(project, std::move(given), session);
}

Status CheckColumnsRead(const warehouse::Project& project, const warehouse::ModelColumns& columns,
                        const features::FeatureSet& set) {
  std::vector<std::string> faults;
  const auto check = [&](const domain::ReadColumn& read, const std::string& reader) {
    const auto table = columns.tables.find(read.table);
    if (table == columns.tables.end()) return;
    std::string fault = FaultOf(read, reader, project.Find(read.table)->file, table->second);
    if (!fault.empty()) faults.push_back(std::move(fault));
  };
  for (const domain::ReadColumn& read : domain::ColumnsRead(*set.domain))
    check(read, read.reason.empty() ? "the nightly's own steps read" : "domain.toml " + read.reason + " reads");
  for (const features::CategoryProperty& property : set.categories) {
    if (property.field < 0) continue;
    check({"dwd_" + set.domain->Shown().name, property.name, {ColumnType::kString}, ""},
          "a feature of kind \"category\" in features/ reads");
  }
  if (faults.empty()) return Ok();
  return InvalidArgument("{}", fmt::join(faults, "\n"));
}

Status CheckSelects(const warehouse::Project& project, const warehouse::ModelColumns& columns, lake::Catalog* catalog) {
  std::vector<std::string> faults = columns.faults;
  for (const warehouse::Model& model : project.models) {
    const auto described = columns.tables.find(model.name);
    if (catalog == nullptr || !warehouse::HasSql(model) || described == columns.tables.end()) continue;
    Schema there;
    FEEDMILL_TRY(AddKnown(*catalog, model.name, &there));
    for (const Column& column : described->second) {
      const auto known = std::ranges::find(there, column.name, &Column::name);
      if (known == there.end() || known->type == column.type) continue;
      faults.push_back(warehouse::OtherType(model, column, known->type));
    }
  }
  if (faults.empty()) return Ok();
  return InvalidArgument("{}", fmt::join(faults, "\n"));
}

std::vector<std::string> UnknownEvents(const warehouse::Project& project, const ingest::TrackingPlan& plan,
                                       query::Session& session) {
  std::vector<std::string> found;
  for (const warehouse::Model& model : project.models) {
    const auto sql = warehouse::HasSql(model) ? warehouse::SqlOfSomeDay(model) : std::string();
    const auto tree = sql && !sql->empty() ? session.ParseSelect(*sql) : std::string();
    if (!tree || tree->empty()) continue;  // told by whoever reads the project
    for (const warehouse::ComparedText& text : warehouse::ComparedTexts(*sql, *tree, {"event", "event_name"})) {
      if (text.text.empty() || std::ranges::binary_search(plan.event_names(), text.text)) continue;
      found.push_back(fmt::format("{}:{}: no event of the tracking plan is called \"{}\" (events/{}.json)", model.file,
                                  text.line, text.text, text.text));
    }
  }
  return found;
}

}  // namespace feedmill::app
