#include "warehouse/heal.h"

#include <algorithm>

#include "base/hash.h"
#include "warehouse/input_files.h"

namespace feedmill::warehouse {
namespace {

std::string Joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

// The column that numbers the keys; "" when there is none.
std::string NumberOf(const Model& model, const Schema& columns) {
  if (columns.empty() || columns[0].type != ColumnType::kLong) return "";
  const bool is_key = std::ranges::find(model.key, columns[0].name) != model.key.end();
  return is_key ? "" : columns[0].name;
}

Result<int64_t> Count(query::Session& session, const std::string& sql) {
  FEEDMILL_ASSIGN(const query::Rows rows, session.Query(sql, 1));
  const auto* count = rows.rows.empty() ? nullptr : std::get_if<int64_t>(&rows.rows[0][0]);
  return count == nullptr ? 0 : *count;
}

Result<int64_t> CountDoubles(query::Session& session, const Model& model, const std::string& number) {
  std::string sql = fmt::format("SELECT COUNT(*) - COUNT(DISTINCT ({}))", Joined(model.key));
  if (!number.empty()) sql += fmt::format(" + COUNT(*) - COUNT(DISTINCT {})", number);
  return Count(session, sql + " FROM " + model.name);
}

std::string HealedSql(const Model& model, const Schema& columns, const std::string& number) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  std::vector<std::string> order;
  for (const std::string& name : names) order.push_back(name + " ASC NULLS LAST");
  std::string sql =
      fmt::format("WITH ranked AS (SELECT {}, ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {}) AS copy FROM {}) ",
                  Joined(names), Joined(model.key), Joined(order), model.name);
  if (number.empty()) return sql + fmt::format("SELECT {} FROM ranked WHERE copy = 1", Joined(names));
  sql += fmt::format(
      ", kept AS (SELECT {0}, ROW_NUMBER() OVER (PARTITION BY {1} ORDER BY {2}) AS taken FROM ranked WHERE copy = 1) "
      "SELECT CASE WHEN taken = 1 THEN {1} ELSE (SELECT MAX({1}) FROM kept) + ROW_NUMBER() OVER (PARTITION BY taken > "
      "1 "
      "ORDER BY {2}) END AS {1}",
      Joined(names), number, Joined(order));
  for (size_t i = 1; i < names.size(); ++i) sql += ", " + names[i];
  return sql + " FROM kept";
}

}  // namespace

Result<int64_t> HealDoubles(const Context& context, const Model& model, const std::string& run_id,
                            query::Session& session) {
  InputFiles inputs(context);
  FEEDMILL_ASSIGN(const TableState* table, inputs.Load(model.name));
  if (!table->snapshot_id || model.key.empty()) return 0;
  FEEDMILL_TRY(session.RegisterFiles(model.name, {table->schema, table->files, {}, 0}));
  const std::string number = NumberOf(model, table->schema);
  FEEDMILL_ASSIGN(const int64_t doubles, CountDoubles(session, model, number));
  if (doubles == 0) return 0;
  lake::CommitRequest request;
  request.operation = lake::CommitRequest::Operation::kReplacePartitions;
  request.read_snapshot_id = *table->snapshot_id;
  request.summary = {{"feedmill.model", model.name}, {"feedmill.run", run_id}, {"feedmill.reason", "doubles"}};
  for (const lake::DataFile& file : table->files) request.replaced_partitions.push_back(file.partition);
  if (model.partition.empty()) request.replaced_partitions.clear();
  const std::string stem =
      fmt::format("{}-healed-{:016x}", model.name, Hash64(fmt::format("{}|{}", run_id, MonotonicMicros())));
  FEEDMILL_ASSIGN(request.files, session.WriteQuery(context.catalog, TableName(model.name),
                                                    HealedSql(model, table->schema, number), stem));
  FEEDMILL_TRY(context.catalog.Commit(TableName(model.name), request));
  return doubles;
}

}  // namespace feedmill::warehouse
