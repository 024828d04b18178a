#include "meta/sqlite_connection.h"

#include <cerrno>
#include <utility>

namespace feedmill::meta {
namespace {

// How long a statement waits for another process's transaction before it answers kUnavailable.
constexpr int kLockWaitMillisMax = 10'000;
constexpr size_t kCachedStatementsMax = 64;
// Characters of a statement shown in an error message.
constexpr size_t kShownSqlMax = 200;

ErrorKind KindOf(int extended_code) {
  switch (extended_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return ErrorKind::kAlreadyExists;
    default:
      break;
  }
  switch (extended_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorKind::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::kCorrupt;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
      return ErrorKind::kInvalidArgument;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return ErrorKind::kPermissionDenied;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
      return ErrorKind::kInternal;
    default:
      return ErrorKind::kIo;
  }
}

Value ColumnValue(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return nullptr;
    default: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      return std::string(bytes == nullptr ? "" : bytes, sqlite3_column_bytes(statement, column));
    }
  }
}

int BindValue(sqlite3_stmt* statement, int position, const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, position, *number);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, position, *real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, position, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return sqlite3_bind_null(statement, position);
}

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path, Access access) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(path));
  const int mode = access == Access::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // NOMUTEX: the store gives each connection to one thread at a time.
  const int code = sqlite3_open_v2(path.c_str(), &connection->database_, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) return connection->Failure("open");
  FEEDMILL_TRY(connection->Configure(access));
  return connection;
}

SqliteConnection::~SqliteConnection() {
  by_sql_.clear();
  statements_.clear();
  sqlite3_close_v2(database_);
}

Status SqliteConnection::Configure(Access access) {
  sqlite3_extended_result_codes(database_, 1);
  sqlite3_busy_timeout(database_, kLockWaitMillisMax);
  if (access == Access::kReadOnly) return RunScript("PRAGMA query_only = ON");
  FEEDMILL_ASSIGN(auto mode, Query("PRAGMA journal_mode = WAL", {}));
  if (mode.empty() || mode[0].empty() || mode[0][0] != Value(std::string("wal"))) {
    return Unavailable("{}: SQLite could not switch to write-ahead logging; the folder must be on a local file system",
                       path_);
  }
  return RunScript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
}

Result<sqlite3_stmt*> SqliteConnection::Prepare(std::string_view sql) {
  if (auto found = by_sql_.find(sql); found != by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return statements_.front().statement.get();
  }
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int length = static_cast<int>(sql.size());
  if (sqlite3_prepare_v3(database_, sql.data(), length, SQLITE_PREPARE_PERSISTENT, &statement, &tail) != SQLITE_OK) {
    return Failure(sql);
  }
  if (statement == nullptr) return InvalidArgument("{}: an empty statement", path_);
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> owned(statement);
  if (sql.substr(tail - sql.data()).find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return InvalidArgument("{}: one statement a call, found more in '{}'", path_, sql.substr(0, kShownSqlMax));
  }
  statements_.push_front({std::string(sql), std::move(owned)});
  by_sql_.emplace(statements_.front().sql, statements_.begin());
  if (statements_.size() > kCachedStatementsMax) {
    by_sql_.erase(statements_.back().sql);
    statements_.pop_back();
  }
  return statement;
}

Status SqliteConnection::Bind(sqlite3_stmt* statement, std::span<const Value> parameters, std::string_view sql) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (wanted != static_cast<int>(parameters.size())) {
    return InvalidArgument("{}: {} values given for {} parameters of '{}'", path_, parameters.size(), wanted,
                           sql.substr(0, kShownSqlMax));
  }
  for (int i = 0; i < wanted; ++i) {
    if (BindValue(statement, i + 1, parameters[i]) != SQLITE_OK) return Failure(sql);
  }
  return Ok();
}

Status SqliteConnection::Step(sqlite3_stmt* statement, std::vector<Row>* rows, std::string_view sql) {
  int code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (rows == nullptr) continue;
    Row& row = rows->emplace_back();
    const int columns = sqlite3_data_count(statement);
    for (int column = 0; column < columns; ++column) row.push_back(ColumnValue(statement, column));
  }
  Status outcome = code == SQLITE_DONE ? Ok() : Status(Failure(sql));
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return outcome;
}

Result<std::vector<Row>> SqliteConnection::Query(std::string_view sql, std::span<const Value> parameters) {
  FEEDMILL_ASSIGN(sqlite3_stmt * statement, Prepare(sql));
  FEEDMILL_TRY(Bind(statement, parameters, sql));
  std::vector<Row> rows;
  FEEDMILL_TRY(Step(statement, &rows, sql));
  return rows;
}

Result<int64_t> SqliteConnection::Execute(std::string_view sql, std::span<const Value> parameters) {
  FEEDMILL_ASSIGN(sqlite3_stmt * statement, Prepare(sql));
  FEEDMILL_TRY(Bind(statement, parameters, sql));
  const int64_t before = sqlite3_total_changes64(database_);
  FEEDMILL_TRY(Step(statement, nullptr, sql));
  return sqlite3_total_changes64(database_) - before;
}

Status SqliteConnection::RunScript(const std::string& script) {
  if (sqlite3_exec(database_, script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return Failure(script);
  return Ok();
}

void SqliteConnection::Rollback() {
  if (sqlite3_get_autocommit(database_) == 0) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

std::unexpected<Error> SqliteConnection::Failure(std::string_view doing) const {
  const int code = database_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(database_);
  const int system = database_ == nullptr ? 0 : sqlite3_system_errno(database_);
  // SQLite has one name for everything that went wrong below it; the system's is what a person can act upon.
  if (code == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE || system == ENOSPC || system == EDQUOT)
    return Fail(ErrorKind::kIo, "{}: no space is left on its disk (SQLite code {}); make room and try again", path_,
                code);
  if (system == EMFILE || system == ENFILE)
    return Fail(ErrorKind::kIo, "{}: too many open files (SQLite code {}); raise the limit (ulimit -n)", path_, code);
  return Fail(KindOf(code), "{}: {} (SQLite code {}) at '{}'", path_,
              database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_), code, doing.substr(0, kShownSqlMax));
}

}  // namespace feedmill::meta
