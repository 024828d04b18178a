#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "query/cell_internal.h"
#include "query/session_internal.h"
#include "query/sql_error.h"
#include "query/whole_parquet.h"

namespace feedmill::query {
namespace {

// Set on every connection. unix_micros is Spark's name for what DuckDB calls epoch_us, so that models read the same on
// both.
constexpr const char* kConnectionSettings[] = {
    "SET errors_as_json = true",
    "SET TimeZone = 'UTC'",
    // Rows of a partition are encoded in small portions, beside whoever makes the next ones.
    "SET partitioned_write_flush_threshold = 65536",
    "CREATE OR REPLACE TEMP MACRO unix_micros(instant) AS epoch_us(instant)",
};

std::string_view ErrorText(const char* text) {
  return text == nullptr ? std::string_view("unknown error") : std::string_view(text);
}

// What a statement failed of while it was planned, or while it ran.
std::string_view WhyFailed(const OwnedPending& pending, OwnedResult& result) {
  const char* message = duckdb_pending_error(pending.get());
  if (message == nullptr || *message == '\0') message = duckdb_result_error(result.get());
  return ErrorText(message);
}

Result<Schema> ColumnsOf(const OwnedStatement& statement) {
  Schema schema;
  const idx_t columns = duckdb_prepared_statement_column_count(statement.get());
  for (idx_t i = 0; i < columns; ++i) {
    const OwnedType type(duckdb_prepared_statement_column_logical_type(statement.get(), i));
    const OwnedText name(duckdb_prepared_statement_column_name(statement.get(), i));
    FEEDMILL_ASSIGN(Column column, ColumnFromDuckdb(name.get(), type.get()));
    schema.push_back(std::move(column));
  }
  return schema;
}

Error Damaged(const std::string& table, const Error& error) {
  const bool damaged = error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kNotFound;
  if (!damaged) return error;
  return {ErrorKind::kCorrupt,
          fmt::format("table {} is damaged: {}; `feedmill verify` lists what is, with --heal it is made again where it "
                      "can be",
                      table, error.message())};
}

}  // namespace

Result<std::unique_ptr<DuckSession>> DuckSession::Connect(std::shared_ptr<Database> database) {
  std::unique_ptr<DuckSession> session(new DuckSession);
  session->database_ = std::move(database);
  if (duckdb_connect(session->database_->handle.get(), session->connection_.out()) != DuckDBSuccess) {
    return Internal("query engine: DuckDB gives no connection");
  }
  for (const char* setting : kConnectionSettings) FEEDMILL_TRY(session->Execute(setting));
  return session;
}

Status DuckSession::RunWrapped(std::string_view prefix, std::string_view sql, std::string_view suffix,
                               OwnedResult* result) {
  std::string text = fmt::format("{}{}{}", prefix, sql, suffix);
  if (duckdb_query(connection(), text.c_str(), result->get()) == DuckDBSuccess) return Ok();
  return std::unexpected(SqlError(ErrorText(duckdb_result_error(result->get())), sql, prefix.size()));
}

// DuckDB's own execution spins on the calling thread while its workers hold all the tasks; this one sleeps, so that the
// core is free for them and for whoever feeds them.
Status DuckSession::RunPatiently(std::string_view prefix, std::string_view sql, std::string_view suffix,
                                 OwnedResult* result) {
  constexpr auto kPause = std::chrono::milliseconds(1);
  FEEDMILL_ASSIGN(OwnedStatement statement, Prepare(fmt::format("{}{}{}", prefix, sql, suffix), sql, prefix.size()));
  OwnedPending pending;
  bool done = duckdb_pending_prepared(statement.get(), pending.out()) == DuckDBSuccess;
  while (done) {
    const duckdb_pending_state state = duckdb_pending_execute_task(pending.get());
    if (state == DUCKDB_PENDING_ERROR) done = false;
    if (state == DUCKDB_PENDING_RESULT_READY) break;
    if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) std::this_thread::sleep_for(kPause);
  }
  if (done && duckdb_execute_pending(pending.get(), result->get()) == DuckDBSuccess) return Ok();
  return std::unexpected(SqlError(WhyFailed(pending, *result), sql, prefix.size()));
}

Result<OwnedStatement> DuckSession::Prepare(std::string_view sql, std::string_view user_sql, size_t prefix_bytes) {
  OwnedStatement statement;
  std::string text(sql);
  if (duckdb_prepare(connection(), text.c_str(), statement.out()) == DuckDBSuccess) return statement;
  return std::unexpected(SqlError(ErrorText(duckdb_prepare_error(statement.get())), user_sql, prefix_bytes));
}

Status DuckSession::Execute(std::string_view sql) {
  OwnedResult result;
  return NamingDamage(Guarded([&] { return RunWrapped("", sql, "", &result); }));
}

Result<Rows> DuckSession::Query(std::string_view sql, size_t rows_max) {
  return NamingDamage(Guarded([&] { return QueryUnguarded(sql, rows_max); }));
}

Result<Rows> DuckSession::QueryUnguarded(std::string_view sql, size_t rows_max) {
  OwnedResult result;
  FEEDMILL_TRY(RunWrapped("", sql, "", &result));
  Rows rows;
  rows.columns = ColumnsForPeople(result);
  while (true) {
    OwnedChunk chunk(duckdb_fetch_chunk(*result.get()));
    if (chunk.get() == nullptr) return rows;
    size_t count = duckdb_data_chunk_get_size(chunk.get());
    if (rows.rows.size() + count > rows_max) {
      return ResourceExhausted("query gives more than {} rows; add a LIMIT or read it as a stream", rows_max);
    }
    AppendCells(result, chunk.get(), &rows);
  }
}

Status DuckSession::Stream(std::string_view sql, const std::function<Status(const Chunk&)>& on_chunk) {
  return NamingDamage(Guarded([&] { return StreamUnguarded(sql, on_chunk); }));
}

Status DuckSession::StreamUnguarded(std::string_view sql, const std::function<Status(const Chunk&)>& on_chunk) {
  FEEDMILL_ASSIGN(OwnedStatement statement, Prepare(sql, sql, 0));
  FEEDMILL_TRY(ColumnsOf(statement));  // that they are of types we read
  return StreamChunks(statement, sql, [&](duckdb_data_chunk chunk) { return on_chunk(DuckChunk(chunk)); });
}

Status DuckSession::StreamAll(std::string_view sql) {
  return Guarded([&]() -> Status {
    FEEDMILL_ASSIGN(OwnedStatement statement, Prepare(sql, sql, 0));
    return StreamChunks(statement, sql, [](duckdb_data_chunk) { return Ok(); });
  });
}

Status DuckSession::StreamChunks(OwnedStatement& statement, std::string_view sql,
                                 const std::function<Status(duckdb_data_chunk)>& on_chunk) {
  OwnedPending pending;
  OwnedResult result;
  bool done = duckdb_pending_prepared_streaming(statement.get(), pending.out()) == DuckDBSuccess &&
              duckdb_execute_pending(pending.get(), result.get()) == DuckDBSuccess;
  if (!done) return std::unexpected(SqlError(WhyFailed(pending, result), sql, 0));
  while (true) {
    OwnedChunk chunk(duckdb_fetch_chunk(*result.get()));
    if (chunk.get() == nullptr) break;
    FEEDMILL_TRY(on_chunk(chunk.get()));
  }
  // A stream ends in the same way when it is done and when it failed; only the result knows which.
  const char* message = duckdb_result_error(result.get());
  if (message != nullptr && *message != '\0') return std::unexpected(SqlError(message, sql, 0));
  return Ok();
}

Result<Schema> DuckSession::DescribeQuery(std::string_view sql) {
  FEEDMILL_ASSIGN(OwnedStatement statement, Prepare(sql, sql, 0));
  if (duckdb_prepared_statement_type(statement.get()) != DUCKDB_STATEMENT_TYPE_SELECT) {
    return InvalidArgument("the statement is not a SELECT; allowed: one SELECT (it may begin with WITH)");
  }
  return ColumnsOf(statement);
}

Result<std::string> DuckSession::ParseSelect(std::string_view sql) {
  FEEDMILL_ASSIGN(Rows rows, Query(fmt::format("SELECT json_serialize_sql({})", QuoteText(sql)), 1));
  const std::string* tree = rows.rows.empty() ? nullptr : std::get_if<std::string>(&rows.rows[0][0]);
  if (tree == nullptr) return Internal("DuckDB gave no syntax tree");
  auto document = nlohmann::json::parse(*tree, nullptr, false);
  if (!document.is_object()) return Internal("DuckDB's syntax tree is not a JSON object");
  if (!document.value("error", true)) return *tree;
  // Only SELECTs have a tree that DuckDB writes down.
  if (document.value("error_type", "") == "not implemented") {
    const std::string word = FirstWord(sql);
    return InvalidArgument("found {}, allowed: one SELECT; a query changes no table", word.empty() ? "nothing" : word);
  }
  nlohmann::json error = {{"exception_type", document.value("error_type", "Parser")},
                          {"exception_message", document.value("error_message", "")}};
  if (document.contains("position")) error["position"] = document["position"];
  return std::unexpected(SqlError(error.dump(), sql, 0));
}

Status DuckSession::RegisterTable(lake::Catalog& catalog, const std::string& table,
                                  const std::vector<lake::RangeFilter>& filters, std::optional<int64_t> snapshot_id) {
  FEEDMILL_ASSIGN(lake::ScanPlan plan, catalog.PlanScan(table, filters, snapshot_id));
  size_t point = table.rfind('.');
  return RegisterFiles(point == std::string::npos ? table : table.substr(point + 1), plan);
}

Status DuckSession::RegisterFiles(const std::string& name, const lake::ScanPlan& plan) {
  FEEDMILL_ASSIGN(std::string scan, ScanSql(plan));
  std::vector<std::string>& unchecked = unchecked_[name];
  unchecked.clear();
  for (const lake::DataFile& file : plan.files) {
    if (!file.crc32c) unchecked.push_back(file.path);
    const Status whole = database_->verified.Check(file);
    if (!whole) return std::unexpected(Damaged(name, whole.error()));
  }
  return Execute(fmt::format("CREATE OR REPLACE TEMP VIEW {} AS {}", QuoteName(name), scan));
}

Error DuckSession::NameDamage(const Error& error) const {
  const bool of_other_cause = error.kind() == ErrorKind::kResourceExhausted || error.kind() == ErrorKind::kAborted;
  if (of_other_cause) return error;
  for (const auto& [table, paths] : unchecked_) {
    if (paths.empty()) continue;
    const Status whole = ReadWholeParquet(paths, database_->temporary_directory);
    if (!whole) return Damaged(table, whole.error());
  }
  return error;
}

double DuckSession::Progress() const {
  double percent = duckdb_query_progress(connection_.get()).percentage;
  return percent < 0 ? -1 : percent / 100;
}

}  // namespace feedmill::query
