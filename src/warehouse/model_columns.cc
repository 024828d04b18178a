#include "warehouse/model_columns.h"

#include <algorithm>

#include "warehouse/audit.h"
#include "warehouse/sql_lint.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

Variables AnyVariables(const Model& model) {
  Variables variables = IntervalVariables(0, kMicrosPerDay);
  if (std::ranges::any_of(model.reads, [](const InputWindow& input) { return input.last_days > 0; }))
    AddLastDays(0, kMicrosPerDay, &variables);
  return variables;
}

class Describing {
 public:
  Describing(const Project& project, std::map<std::string, Schema> given, query::Session& session)
      : project_(project), given_(std::move(given)), session_(session) {}

  ModelColumns Run() {
    for (const Model& model : project_.models) Describe(model);
    for (const auto& [model, checks] : project_.checks) BindTo(model, checks);
    return std::move(columns_);
  }

 private:
  void Describe(const Model& model) {
    if (const auto given = given_.find(model.name); given != given_.end()) return Keep(model.name, given->second);
    if (!HasSql(model) || !std::ranges::all_of(Inputs(model), [&](const auto& input) { return IsKnown(input); }))
      return;
    if (!model.columns.empty()) Keep(model.name, model.columns);
    const auto sql = SqlOfSomeDay(model);
    const auto schema = sql ? DescribeModel(session_, model, *sql) : std::unexpected(sql.error());
    if (!schema) return columns_.faults.push_back(schema.error().message());
    Keep(model.name, *schema);
  }

  bool IsKnown(const std::string& table) const { return columns_.tables.contains(table); }

  void Keep(const std::string& name, const Schema& schema) {
    const Status registered = session_.RegisterFiles(name, {schema, {}, {}, 0});
    if (!registered) return columns_.faults.push_back(registered.error().message());
    columns_.tables[name] = schema;
  }

  void BindTo(const std::string& model, const CheckFile& checks) {
    const auto table = columns_.tables.find(model);
    if (table == columns_.tables.end()) return;
    const auto inputs = project_.check_inputs.find(model);
    if (inputs != project_.check_inputs.end() &&
        !std::ranges::all_of(inputs->second, [&](const auto& input) { return IsKnown(input); }))
      return;
    if (!session_.RegisterFiles("primary", {table->second, {}, {}, 0})) return;
    const Status bound = BindChecks(session_, checks.file, checks.rules, AnyVariables(*project_.Find(model)));
    if (!bound) columns_.faults.push_back(bound.error().message());
  }

  const Project& project_;
  const std::map<std::string, Schema> given_;
  query::Session& session_;
  ModelColumns columns_;
};

}  // namespace

ModelColumns DescribeModels(const Project& project, std::map<std::string, Schema> given, query::Session& session) {
  return Describing(project, std::move(given), session).Run();
}

Result<std::string> SqlOfSomeDay(const Model& model) {
  return ReplaceVariables(model.file, model.sql, AnyVariables(model));
}

std::string OtherType(const Model& model, const Column& selected, ColumnType in_table) {
  return fmt::format("{}: column '{}' is {} in the SELECT and {} in table {}; cast it, or give the column another name",
                     model.file, selected.name, ColumnTypeName(selected.type), ColumnTypeName(in_table),
                     TableName(model.name));
}

Result<Schema> DescribeModel(query::Session& session, const Model& model, const std::string& sql) {
  auto described = session.DescribeQuery(sql);
  if (described) return described;
  const Error in_file(described.error().kind(), fmt::format("{}: {}", model.file, described.error().message()));
  constexpr std::string_view kNoType = "column '";  // of one whose type no table can hold
  const std::string& message = described.error().message();
  if (!message.starts_with(kNoType)) return std::unexpected(in_file);
  const auto tree = session.ParseSelect(sql);
  if (!tree) return std::unexpected(in_file);
  const std::string column = message.substr(kNoType.size(), message.find('\'', kNoType.size()) - kNoType.size());
  return InvalidArgument("{}:{}: {}", model.file, std::max(LineOfColumn(sql, *tree, column), model.sql_line), message);
}

}  // namespace feedmill::warehouse
