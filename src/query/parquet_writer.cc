// Rows from C++ -> data chunks -> a temporary table -> COPY. The table is written out whenever it holds
// kRowsBufferedMax rows.
#include <set>

#include "query/session_internal.h"

namespace feedmill::query {
namespace {

constexpr size_t kRowsBufferedMax = 1'000'000;
constexpr size_t kBytesBufferedMax = 512ull << 20;

class AppenderWriter final : public ParquetWriter {
 public:
  AppenderWriter(DuckSession& session, lake::Catalog& catalog, lake::TableDescription table, std::string file_stem,
                 std::string buffer)
      : session_(session),
        catalog_(catalog),
        table_(std::move(table)),
        file_stem_(std::move(file_stem)),
        buffer_(std::move(buffer)) {}
  ~AppenderWriter() override { (void)DropBuffer(); }

  Status Open() {
    std::string columns;
    for (const Column& column : table_.schema) {
      columns +=
          fmt::format("{}{} {}", columns.empty() ? "" : ", ", QuoteName(column.name), ColumnTypeSqlName(column.type));
    }
    FEEDMILL_TRY(session_.Execute(fmt::format("CREATE OR REPLACE TEMP TABLE {} ({})", QuoteName(buffer_), columns)));
    return OpenAppender();
  }

  void AppendNull(size_t column) override {
    duckdb_vector vector = Vector(column);
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), rows_in_chunk_);
    ++values_in_row_;
    bytes_ += 1;
  }
  void AppendBoolean(size_t column, bool value) override { Put(column, value); }
  void AppendInt(size_t column, int32_t value) override { Put(column, value); }
  void AppendLong(size_t column, int64_t value) override { Put(column, value); }
  void AppendFloat(size_t column, float value) override { Put(column, value); }
  void AppendDouble(size_t column, double value) override { Put(column, value); }
  void AppendText(size_t column, std::string_view value) override {
    duckdb_vector_assign_string_element_len(Vector(column), rows_in_chunk_, value.data(), value.size());
    ++values_in_row_;
    bytes_ += 16 + value.size();
  }
  void AppendFloatList(size_t column, std::span<const float> values) override {
    duckdb_vector vector = Vector(column);
    uint64_t begin = duckdb_list_vector_get_size(vector);
    duckdb_list_vector_reserve(vector, begin + values.size());
    duckdb_list_vector_set_size(vector, begin + values.size());
    auto* child = static_cast<float*>(duckdb_vector_get_data(duckdb_list_vector_get_child(vector)));
    std::ranges::copy(values, child + begin);
    Put(column, duckdb_list_entry{begin, values.size()});
    bytes_ += values.size_bytes();
  }

  Status EndRow() override {
    if (values_in_row_ != table_.schema.size()) {
      return Internal("table {}: a row got {} values; allowed: {}, one a column", table_.name, values_in_row_,
                      table_.schema.size());
    }
    values_in_row_ = 0;
    ++rows_buffered_;
    if (++rows_in_chunk_ == duckdb_vector_size()) FEEDMILL_TRY(FlushChunk());
    if (rows_buffered_ >= kRowsBufferedMax || bytes_ >= kBytesBufferedMax) return WriteOut();
    return Ok();
  }

  Result<std::vector<lake::DataFile>> Finish() override {
    if (values_in_row_ != 0) return Internal("table {}: the last row was not ended", table_.name);
    FEEDMILL_TRY(WriteOut());
    FEEDMILL_TRY(DropBuffer());
    return std::move(files_);
  }

 private:
  duckdb_vector Vector(size_t column) const { return duckdb_data_chunk_get_vector(chunk_.get(), column); }

  template <typename T>
  void Put(size_t column, T value) {
    static_cast<T*>(duckdb_vector_get_data(Vector(column)))[rows_in_chunk_] = value;
    ++values_in_row_;
    bytes_ += sizeof(T);
  }

  Status OpenAppender() {
    OwnedAppender appender;
    // Temporary tables are found in the schema search path; the appender itself has no path, so the catalog is named.
    if (duckdb_appender_create_ext(session_.connection(), "temp", "main", buffer_.c_str(), appender.out()) !=
        DuckDBSuccess) {
      return AppenderError("open", appender.get());
    }
    appender_ = std::move(appender);
    std::vector<OwnedType> types;
    std::vector<duckdb_logical_type> raw;
    for (size_t i = 0; i < table_.schema.size(); ++i) {
      types.emplace_back(duckdb_appender_column_type(appender_.get(), i));
      raw.push_back(types.back().get());
    }
    chunk_ = OwnedChunk(duckdb_create_data_chunk(raw.data(), raw.size()));
    return Ok();
  }

  std::unexpected<Error> AppenderError(std::string_view what, duckdb_appender appender) const {
    const char* message = duckdb_appender_error(appender);
    return Internal("table {}: cannot {} the row buffer: {}", table_.name, what,
                    message == nullptr ? "unknown error" : message);
  }

  Status FlushChunk() {
    if (rows_in_chunk_ == 0) return Ok();
    duckdb_data_chunk_set_size(chunk_.get(), rows_in_chunk_);
    if (duckdb_append_data_chunk(appender_.get(), chunk_.get()) != DuckDBSuccess)
      return AppenderError("append to", appender_.get());
    duckdb_data_chunk_reset(chunk_.get());
    rows_in_chunk_ = 0;
    return Ok();
  }

  Status WriteOut() {
    FEEDMILL_TRY(FlushChunk());
    if (duckdb_appender_flush(appender_.get()) != DuckDBSuccess) return AppenderError("flush", appender_.get());
    if (rows_buffered_ == 0) return Ok();
    std::string stem = fmt::format("{}-{:05}", file_stem_, parts_++);
    FEEDMILL_ASSIGN(auto files,
                    session_.WriteQuery(catalog_, table_.name, "SELECT * FROM " + QuoteName(buffer_), stem));
    std::ranges::move(files, std::back_inserter(files_));
    rows_buffered_ = 0;
    bytes_ = 0;
    appender_ = OwnedAppender();
    FEEDMILL_TRY(session_.Execute("TRUNCATE " + QuoteName(buffer_)));
    return OpenAppender();
  }

  Status DropBuffer() {
    appender_ = OwnedAppender();
    return session_.Execute("DROP TABLE IF EXISTS " + QuoteName(buffer_));
  }

  DuckSession& session_;
  lake::Catalog& catalog_;
  lake::TableDescription table_;
  std::string file_stem_;
  std::string buffer_;
  OwnedAppender appender_;
  OwnedChunk chunk_;
  size_t rows_in_chunk_ = 0;
  size_t values_in_row_ = 0;
  size_t rows_buffered_ = 0;
  size_t bytes_ = 0;
  int parts_ = 0;
  std::vector<lake::DataFile> files_;
};

}  // namespace

Result<std::unique_ptr<ParquetWriter>> DuckSession::OpenWriter(lake::Catalog& catalog, const std::string& table,
                                                               const std::string& file_stem) {
  FEEDMILL_ASSIGN(lake::TableDescription description, catalog.Load(table));
  std::string buffer = fmt::format("feedmill_buffer_{}", ++writers_opened_);
  auto writer = std::make_unique<AppenderWriter>(*this, catalog, std::move(description), file_stem, std::move(buffer));
  FEEDMILL_TRY(writer->Open());
  return writer;
}

}  // namespace feedmill::query
