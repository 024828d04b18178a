// Owners of DuckDB's C handles: each is destroyed once, by its destructor.
#pragma once

#include <duckdb.h>

#include <memory>
#include <string>
#include <utility>

#include "base/result.h"

namespace feedmill::query {

// A handle of DuckDB's C API together with the function that destroys it.
template <typename Handle, auto kDestroy>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, Handle{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != Handle{}) kDestroy(&handle_);
  }
  Handle get() const { return handle_; }
  Handle* out() { return &handle_; }

 private:
  Handle handle_{};
};

using OwnedDatabase = Owned<duckdb_database, &duckdb_close>;
using OwnedConnection = Owned<duckdb_connection, &duckdb_disconnect>;
using OwnedConfig = Owned<duckdb_config, &duckdb_destroy_config>;
using OwnedStatement = Owned<duckdb_prepared_statement, &duckdb_destroy_prepare>;
using OwnedPending = Owned<duckdb_pending_result, &duckdb_destroy_pending>;
using OwnedChunk = Owned<duckdb_data_chunk, &duckdb_destroy_data_chunk>;
using OwnedType = Owned<duckdb_logical_type, &duckdb_destroy_logical_type>;
inline void FreeText(const char** text) { duckdb_free(const_cast<char*>(*text)); }
using OwnedText = Owned<const char*, &FreeText>;

// A result is a struct, not a pointer, so it has an owner of its own.
class OwnedResult {
 public:
  OwnedResult() = default;
  OwnedResult(const OwnedResult&) = delete;
  OwnedResult& operator=(const OwnedResult&) = delete;
  ~OwnedResult() { duckdb_destroy_result(&result_); }
  duckdb_result* get() { return &result_; }

 private:
  duckdb_result result_{};
};

}  // namespace feedmill::query
