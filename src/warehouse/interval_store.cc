#include "warehouse/interval_store.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "warehouse/model_file.h"

namespace feedmill::warehouse {
namespace {

using meta::Value;

std::string Text(const Value& value) {
  return std::holds_alternative<std::string>(value) ? std::get<std::string>(value) : "";
}
int64_t Integer(const Value& value) { return std::holds_alternative<int64_t>(value) ? std::get<int64_t>(value) : 0; }

std::map<std::string, std::string> InputsFromJson(const std::string& text) {
  std::map<std::string, std::string> inputs;
  auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return inputs;
  for (const auto& [table, hash] : document.items()) {
    if (hash.is_string()) inputs[table] = hash.get<std::string>();
  }
  return inputs;
}

IntervalState FromRow(const meta::Row& row) {
  IntervalState state;
  state.model = Text(row[0]);
  state.start = Integer(row[1]);
  state.end = Integer(row[2]);
  state.status = Text(row[3]);
  state.sql_hash = Text(row[4]);
  state.inputs = InputsFromJson(Text(row[5]));
  state.snapshot_id = Integer(row[6]);
  state.rows = Integer(row[7]);
  state.bytes = Integer(row[8]);
  state.run_id = Text(row[9]);
  state.updated_at = Integer(row[10]);
  state.input_rows = Integer(row[11]);
  return state;
}

}  // namespace

std::vector<meta::Migration> WarehouseMigrations() {
  return {{"warehouse/001_intervals",
           "CREATE TABLE warehouse_interval (model TEXT NOT NULL, start_at INTEGER NOT NULL, end_at INTEGER NOT NULL, "
           "status TEXT NOT NULL, "
           "sql_hash TEXT NOT NULL, inputs TEXT NOT NULL, snapshot_id INTEGER NOT NULL, row_count INTEGER NOT NULL, "
           "bytes INTEGER NOT NULL, "
           "run_id TEXT NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (model, start_at));"},
          {"warehouse/002_days",
           "ALTER TABLE warehouse_interval ADD COLUMN input_rows INTEGER NOT NULL DEFAULT -1; "
           "CREATE TABLE warehouse_file_day (table_name TEXT NOT NULL, column_name TEXT NOT NULL, file TEXT NOT NULL, "
           "days TEXT NOT NULL, PRIMARY KEY (table_name, column_name, file)) WITHOUT ROWID;"}};
}

Result<std::map<Micros, IntervalState>> LoadIntervals(meta::Store& store, const std::string& model) {
  std::vector<meta::Row> rows;
  FEEDMILL_TRY(store.Read([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 1> name = {model};
    FEEDMILL_ASSIGN(
        rows, transaction.Query(
                  "SELECT model, start_at, end_at, status, sql_hash, inputs, snapshot_id, row_count, bytes, run_id, "
                  "updated_at, input_rows FROM warehouse_interval WHERE model = ?1",
                  name));
    return Ok();
  }));
  std::map<Micros, IntervalState> states;
  for (const meta::Row& row : rows) {
    IntervalState state = FromRow(row);
    states[state.start] = std::move(state);
  }
  return states;
}

Status SaveIntervals(meta::Store& store, const std::vector<IntervalState>& states) {
  return store.Write([&](meta::Transaction& transaction) -> Status {
    for (const IntervalState& state : states) {
      std::array<Value, 12> values = {state.model,       state.start,      state.end,
                                      state.status,      state.sql_hash,   nlohmann::json(state.inputs).dump(),
                                      state.snapshot_id, state.rows,       state.bytes,
                                      state.run_id,      state.updated_at, state.input_rows};
      FEEDMILL_TRY(transaction.Execute(
          "INSERT OR REPLACE INTO warehouse_interval (model, start_at, end_at, status, sql_hash, inputs, snapshot_id, "
          "row_count, bytes, run_id, updated_at, input_rows) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
          values));
    }
    return Ok();
  });
}

Status ForgetIntervals(meta::Store& store, const std::string& model) {
  return store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 1> name = {model};
    FEEDMILL_TRY(transaction.Execute("DELETE FROM warehouse_interval WHERE model = ?1", name));
    return Ok();
  });
}

Status ForgetIntervals(meta::Store& store, const std::string& model, Micros from, Micros to) {
  return store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 3> values = {model, from, to};
    FEEDMILL_TRY(transaction.Execute(
        "DELETE FROM warehouse_interval WHERE model = ?1 AND start_at >= ?2 AND start_at < ?3", values));
    return Ok();
  });
}

Result<FileDayTexts> LoadFileDays(meta::Store& store, const std::string& table, const std::string& column) {
  FileDayTexts texts;
  FEEDMILL_TRY(store.Read([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 2> values = {table, column};
    FEEDMILL_ASSIGN(
        auto rows, transaction.Query(
                       "SELECT file, days FROM warehouse_file_day WHERE table_name = ?1 AND column_name = ?2", values));
    texts.clear();
    for (const meta::Row& row : rows) texts[Text(row[0])] = Text(row[1]);
    return Ok();
  }));
  return texts;
}

Status SaveFileDays(meta::Store& store, const std::string& table, const std::string& column, const FileDayTexts& added,
                    const FileDayTexts& removed) {
  return store.Write([&](meta::Transaction& transaction) -> Status {
    for (const auto& [file, days] : removed) {
      std::array<Value, 3> values = {table, column, file};
      FEEDMILL_TRY(transaction.Execute(
          "DELETE FROM warehouse_file_day WHERE table_name = ?1 AND column_name = ?2 AND file = ?3", values));
    }
    for (const auto& [file, days] : added) {
      std::array<Value, 4> values = {table, column, file, days};
      FEEDMILL_TRY(transaction.Execute(
          "INSERT OR REPLACE INTO warehouse_file_day (table_name, column_name, file, days) VALUES (?1, ?2, ?3, ?4)",
          values));
    }
    return Ok();
  });
}

Result<uint64_t> ForgetIntervalsOfOthers(meta::Store& store, const std::vector<std::string>& tables, Micros before) {
  uint64_t forgotten = 0;
  FEEDMILL_TRY(store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 1> limit = {before};
    FEEDMILL_ASSIGN(const auto models, transaction.Query("SELECT model FROM warehouse_interval GROUP BY model HAVING "
                                                         "max(updated_at) < ?1 AND instr(model, '/') = 0",
                                                         limit));
    for (const meta::Row& row : models) {
      if (std::ranges::find(tables, TableName(Text(row[0]))) != tables.end()) continue;
      std::array<Value, 1> name = {row[0]};
      FEEDMILL_ASSIGN(const int64_t gone, transaction.Execute("DELETE FROM warehouse_interval WHERE model = ?1", name));
      forgotten += static_cast<uint64_t>(gone);
    }
    return Ok();
  }));
  return forgotten;
}

std::string IntervalName(const Context& context, const std::string& model) {
  const bool staged = std::ranges::find(context.staged_tables, TableName(model)) != context.staged_tables.end();
  return staged ? context.staged_run + "/" + model : model;
}

Status PublishStagedIntervals(meta::Transaction& transaction, const Context& context) {
  for (const std::string& table : context.staged_tables) {
    const std::string model = table.substr(table.find('.') + 1);
    std::array<Value, 1> former = {model};
    FEEDMILL_TRY(transaction.Execute("DELETE FROM warehouse_interval WHERE model = ?1", former));
    std::array<Value, 2> names = {IntervalName(context, model), model};
    FEEDMILL_TRY(transaction.Execute("UPDATE warehouse_interval SET model = ?2 WHERE model = ?1", names));
  }
  return Ok();
}

Status ForgetStagedIntervals(meta::Store& store) {
  return store.Write([](meta::Transaction& transaction) -> Status {
    FEEDMILL_TRY(transaction.Execute("DELETE FROM warehouse_interval WHERE instr(model, '/') > 0"));
    return Ok();
  });
}

}  // namespace feedmill::warehouse
