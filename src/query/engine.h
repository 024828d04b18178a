// SQL text -> DuckDB -> rows or Parquet files. The only room that sees duckdb.h. One Engine per process; one Session
// per thread.
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
#include "data/schema.h"
#include "lake/catalog.h"

namespace feedmill::query {

struct EngineOptions {
  std::string temporary_directory;
  uint64_t memory_bytes_max = 2ull << 30;
  uint64_t temporary_bytes_max = 20ull << 30;
  int threads = 2;
};

using Cell = std::variant<std::nullptr_t, bool, int64_t, double,
                          std::string>;  // timestamptz: Micros as int64_t; date: days as int64_t

struct Rows {
  Schema columns;
  std::vector<std::vector<Cell>> rows;
};

// Columns of one chunk (up to 2,048 rows), for reading many rows without boxing. Pointers live until the callback
// returns.
class Chunk {
 public:
  virtual ~Chunk() = default;
  virtual size_t row_count() const = 0;
  virtual bool IsNull(size_t column, size_t row) const = 0;
  virtual const int64_t* Longs(size_t column) const = 0;  // BIGINT, TIMESTAMPTZ
  virtual const double* Doubles(size_t column) const = 0;
  virtual const float* Floats(size_t column) const = 0;
  virtual const int32_t* Ints(size_t column) const = 0;  // INTEGER, DATE
  virtual const bool* Booleans(size_t column) const = 0;
  virtual std::string_view Text(size_t column, size_t row) const = 0;
  virtual std::span<const float> FloatList(size_t column, size_t row) const = 0;
};

// Writes rows column by column into a Parquet file of a table (through DuckDB's COPY, on a thread of the
// writer's own).
class ParquetWriter {
 public:
  virtual ~ParquetWriter() = default;
  virtual void AppendNull(size_t column) = 0;
  virtual void AppendBoolean(size_t column, bool value) = 0;
  virtual void AppendInt(size_t column, int32_t value) = 0;   // INTEGER, DATE
  virtual void AppendLong(size_t column, int64_t value) = 0;  // BIGINT, TIMESTAMPTZ
  virtual void AppendFloat(size_t column, float value) = 0;
  virtual void AppendDouble(size_t column, double value) = 0;
  virtual void AppendText(size_t column, std::string_view value) = 0;
  virtual void AppendFloatList(size_t column, std::span<const float> values) = 0;
  // Ends a row: every column must have got exactly one value.
  virtual Status EndRow() = 0;
  // Writes, syncs and describes the files (one or more a partition). Names begin with `file_stem` and have a random
  // part: no file is ever written over.
  virtual Result<std::vector<lake::DataFile>> Finish() = 0;
};

class Session {
 public:
  virtual ~Session() = default;
  // Makes the table readable in SQL as `<name>` (last part of the table's name), pruned by `filters`; replaces an
  // earlier registration. Each file that is to be read is compared with its checksum the first time it is opened by the
  // engine; kCorrupt names one that is damaged or gone. One without a checksum is only read: when a statement fails and
  // such a file turns out to be what cannot be read, the error is kCorrupt and names it.
  virtual Status RegisterTable(lake::Catalog& catalog, const std::string& table,
                               const std::vector<lake::RangeFilter>& filters = {},
                               std::optional<int64_t> snapshot_id = std::nullopt) = 0;
  // The same for files that no catalog knows yet (staged rows under audit); `name` is the view's name.
  virtual Status RegisterFiles(const std::string& name, const lake::ScanPlan& plan) = 0;
  // One statement. Errors carry DuckDB's message with line and column of `sql`.
  virtual Status Execute(std::string_view sql) = 0;
  virtual Result<Rows> Query(std::string_view sql, size_t rows_max = 100'000) = 0;
  virtual Status Stream(std::string_view sql, const std::function<Status(const Chunk&)>& on_chunk) = 0;
  // Tables named in FROM/JOIN of one SELECT (CTEs left out), in order of first mention.
  virtual Result<std::vector<std::string>> ReferencedTables(std::string_view sql) = 0;
  // The syntax tree of one SELECT as DuckDB's JSON (json_serialize_sql), for lint; nothing is bound.
  virtual Result<std::string> ParseSelect(std::string_view sql) = 0;
  // Columns of the SELECT, not run. kInvalidArgument names a column whose type no table can hold and how to cast it.
  virtual Result<Schema> DescribeQuery(std::string_view sql) = 0;
  // Runs the SELECT and writes its rows as data files of the table, split by the table's partition spec; not yet
  // committed.
  virtual Result<std::vector<lake::DataFile>> WriteQuery(lake::Catalog& catalog, const std::string& table,
                                                         std::string_view select, const std::string& file_stem) = 0;
  virtual Result<std::unique_ptr<ParquetWriter>> OpenWriter(lake::Catalog& catalog, const std::string& table,
                                                            const std::string& file_stem) = 0;
  // Share of the running statement that is done, 0..1; negative when unknown. Any thread.
  virtual double Progress() const = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Result<std::unique_ptr<Session>> NewSession() = 0;
};

Result<std::unique_ptr<Engine>> OpenEngine(const EngineOptions& options);

}  // namespace feedmill::query
