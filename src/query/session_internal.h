// DuckDB behind query::Session. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "lake/verified_files.h"
#include "query/duckdb_handles_internal.h"
#include "query/engine.h"
#include "query/row_pipe_internal.h"
#include "query/spill_folder_internal.h"
#include "query/sql_error.h"
#include "query/sql_text.h"

namespace feedmill::query {

struct Database {
  RowPipes pipes;  // outlives the handle
  lake::VerifiedFiles verified;
  SpillFolder spill;  // outlives the handle too
  std::string temporary_directory;
  OwnedDatabase handle;
};

class DuckSession final : public Session {
 public:
  static Result<std::unique_ptr<DuckSession>> Connect(std::shared_ptr<Database> database);

  Status RegisterTable(lake::Catalog& catalog, const std::string& table, const std::vector<lake::RangeFilter>& filters,
                       std::optional<int64_t> snapshot_id) override;
  Status RegisterFiles(const std::string& name, const lake::ScanPlan& plan) override;
  Status Execute(std::string_view sql) override;
  Result<Rows> Query(std::string_view sql, size_t rows_max) override;
  Status Stream(std::string_view sql, const std::function<Status(const Chunk&)>& on_chunk) override;
  Result<std::vector<std::string>> ReferencedTables(std::string_view sql) override;
  Result<std::string> ParseSelect(std::string_view sql) override;
  Result<Schema> DescribeQuery(std::string_view sql) override;
  Result<std::vector<lake::DataFile>> WriteQuery(lake::Catalog& catalog, const std::string& table,
                                                 std::string_view select, const std::string& file_stem) override;
  Result<std::unique_ptr<ParquetWriter>> OpenWriter(lake::Catalog& catalog, const std::string& table,
                                                    const std::string& file_stem) override;
  double Progress() const override;

  duckdb_connection connection() const { return connection_.get(); }
  // Reads every row, whatever its columns' types, and forgets it.
  Status StreamAll(std::string_view sql);
  // Runs `prefix + sql + suffix`; the place of an error is told in terms of `sql`.
  Status RunWrapped(std::string_view prefix, std::string_view sql, std::string_view suffix, OwnedResult* result);
  // The same for long statements.
  Status RunPatiently(std::string_view prefix, std::string_view sql, std::string_view suffix, OwnedResult* result);

 private:
  DuckSession() = default;
  Status StreamUnguarded(std::string_view sql, const std::function<Status(const Chunk&)>& on_chunk);
  Status StreamChunks(OwnedStatement& statement, std::string_view sql,
                      const std::function<Status(duckdb_data_chunk)>& on_chunk);
  // DuckDB does not say which file it could not read. Of those without a checksum the one is looked for that cannot be
  // read, and named instead of `error`.
  Error NameDamage(const Error& error) const;
  template <typename Outcome>
  Outcome NamingDamage(Outcome outcome) const {
    if (!outcome) return std::unexpected(NameDamage(outcome.error()));
    return outcome;
  }
  Result<Rows> QueryUnguarded(std::string_view sql, size_t rows_max);
  Result<OwnedStatement> Prepare(std::string_view sql, std::string_view user_sql, size_t prefix_bytes);

  std::shared_ptr<Database> database_;
  OwnedConnection connection_;
  std::map<std::string, std::vector<std::string>> unchecked_;  // by registered name: files without a checksum
};

// What DuckDB throws instead of returning it (memory that it cannot have, mostly) as an error. For whatever runs on a
// thread of ours that nobody else guards.
template <typename Work>
auto Guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("query engine: out of memory");
  } catch (const std::exception& exception) {
    return std::unexpected(SqlError(exception.what(), "", 0));
  }
}

// What read_parquet takes: ['a', 'b']. kInvalidArgument for a path that DuckDB would read as a pattern.
Result<std::string> FileList(const std::vector<std::string>& paths);

// SQL of a relation with the plan's rows: read_parquet by field id, position deletes applied, or a typed empty
// relation.
Result<std::string> ScanSql(const lake::ScanPlan& plan);

// Columns of a prepared or executed SELECT. kInvalidArgument names a column whose type has no place in a table.
Result<Column> ColumnFromDuckdb(std::string_view name, duckdb_logical_type type);

// One fetched chunk as engine.h's Chunk.
class DuckChunk final : public Chunk {
 public:
  explicit DuckChunk(duckdb_data_chunk chunk);
  size_t row_count() const override { return rows_; }
  bool IsNull(size_t column, size_t row) const override;
  const int64_t* Longs(size_t column) const override { return static_cast<const int64_t*>(data_[column]); }
  const double* Doubles(size_t column) const override { return static_cast<const double*>(data_[column]); }
  const float* Floats(size_t column) const override { return static_cast<const float*>(data_[column]); }
  const int32_t* Ints(size_t column) const override { return static_cast<const int32_t*>(data_[column]); }
  const bool* Booleans(size_t column) const override { return static_cast<const bool*>(data_[column]); }
  std::string_view Text(size_t column, size_t row) const override;
  std::span<const float> FloatList(size_t column, size_t row) const override;

 private:
  size_t rows_ = 0;
  std::vector<const void*> data_;
  std::vector<const uint64_t*> validity_;
  std::vector<duckdb_vector> vectors_;
};

// Files that a COPY with RETURN_STATS has written, as the lake wants them, each synced and with its checksum; empty
// files are removed.
Result<std::vector<lake::DataFile>> ReadWrittenFiles(OwnedResult& result, const lake::TableDescription& table,
                                                     const std::vector<std::string>& partition_columns);

}  // namespace feedmill::query
