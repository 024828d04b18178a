// The metadata store: transactions over SQLite (WAL, synchronous=FULL, one writer). It knows no meaning of its rows;
// each room that keeps rows here brings its own migrations. Any thread; statements of one transaction belong to one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace feedmill::meta {

using Value = std::variant<std::nullptr_t, int64_t, double, std::string>;
using Row = std::vector<Value>;

class Transaction {
 public:
  virtual ~Transaction() = default;
  // Bound parameters are ?1, ?2, ... Never build SQL from values.
  virtual Result<std::vector<Row>> Query(std::string_view sql, std::span<const Value> parameters = {}) = 0;
  // Rows changed.
  virtual Result<int64_t> Execute(std::string_view sql, std::span<const Value> parameters = {}) = 0;
};

// Applied in order, each once, in one transaction each; the applied ones are recorded with the hash of their text.
struct Migration {
  std::string name;  // unique over all rooms: "lake/001_tables"
  std::string sql;
};

class Store {
 public:
  virtual ~Store() = default;
  // Runs `body` in BEGIN IMMEDIATE ... COMMIT. An error from `body` rolls back and is returned. kUnavailable when the
  // lock was not had in time.
  virtual Status Write(const std::function<Status(Transaction&)>& body) = 0;
  // Runs `body` over one consistent snapshot.
  virtual Status Read(const std::function<Status(Transaction&)>& body) = 0;
};

// `path` is a file, several processes of this machine may open it. kCorrupt when an applied migration's text has
// changed; kInvalidArgument when a newer program has applied one of a room that has some among them.
Result<std::unique_ptr<Store>> OpenStore(const std::string& path, std::span<const Migration> migrations);

}  // namespace feedmill::meta
