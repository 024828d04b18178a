// One SQLite connection with its prepared statements. One thread at a time. Only this room includes it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include <sqlite3.h>

#include "base/result.h"
#include "meta/store.h"

namespace feedmill::meta {

enum class Access { kReadWrite, kReadOnly };

class SqliteConnection final : public Transaction {
 public:
  // Opens `path` (created when absent and kReadWrite) with WAL and synchronous=FULL.
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::string& path, Access access);
  ~SqliteConnection() override;

  Result<std::vector<Row>> Query(std::string_view sql, std::span<const Value> parameters) override;
  Result<int64_t> Execute(std::string_view sql, std::span<const Value> parameters) override;

  // Several statements in one text, without parameters.
  Status RunScript(const std::string& script);
  // Ends the open transaction, if there is one, without saying why it could not be ended: nobody can act on it.
  void Rollback();

 private:
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  struct CachedStatement {
    std::string sql;
    std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement;
  };
  using StatementList = std::list<CachedStatement>;

  explicit SqliteConnection(std::string path) : path_(std::move(path)) {}
  Status Configure(Access access);
  // Reset and ready for binding; the connection keeps it for the next use of the same text.
  Result<sqlite3_stmt*> Prepare(std::string_view sql);
  Status Bind(sqlite3_stmt* statement, std::span<const Value> parameters, std::string_view sql);
  // Steps to the end, handing each row to `rows` unless it is null.
  Status Step(sqlite3_stmt* statement, std::vector<Row>* rows, std::string_view sql);
  std::unexpected<Error> Failure(std::string_view doing) const;

  std::string path_;
  sqlite3* database_ = nullptr;
  StatementList statements_;                                              // most recently used first
  std::unordered_map<std::string_view, StatementList::iterator> by_sql_;  // views into statements_
};

}  // namespace feedmill::meta
