// Rows from C++ -> data chunks -> a pipe -> COPY on a thread of its own, so that encoding goes on beside whatever makes
// the rows and no more than a few chunks are held. A file set is ended after kRowsMax rows or kBytesMax bytes.
#include <thread>

#include "query/row_pipe_internal.h"
#include "query/session_internal.h"

namespace feedmill::query {
namespace {

constexpr size_t kRowsMax = 4'000'000;
constexpr size_t kBytesMax = 2ull << 30;  // as values, not yet encoded

// One COPY: reads the pipe to its end.
class PipedCopy {
 public:
  PipedCopy(std::shared_ptr<Database> database, lake::Catalog& catalog, const lake::TableDescription& table,
            std::string file_stem)
      : database_(std::move(database)), pipe_(std::make_shared<RowPipe>(table.schema)) {
    number_ = database_->pipes.Add(pipe_);
    thread_ = std::thread([this, &catalog, name = table.name, stem = std::move(file_stem)] {
      files_ = Guarded([&] { return Copy(catalog, name, stem); });
      if (!files_) pipe_->Abort();  // wakes a writer that waits for room
    });
  }
  ~PipedCopy() {
    if (!thread_.joinable()) return;
    pipe_->Abort();
    Join();
  }

  bool Push(OwnedChunk chunk) { return pipe_->Push(std::move(chunk)); }

  Result<std::vector<lake::DataFile>> Finish() {
    pipe_->Close();
    Join();
    return std::move(files_);
  }

 private:
  Result<std::vector<lake::DataFile>> Copy(lake::Catalog& catalog, const std::string& table, const std::string& stem) {
    FEEDMILL_ASSIGN(const auto session, DuckSession::Connect(database_));
    return session->WriteQuery(catalog, table, fmt::format("SELECT * FROM feedmill_rows({})", number_), stem);
  }

  void Join() {
    thread_.join();
    database_->pipes.Remove(number_);
  }

  std::shared_ptr<Database> database_;
  std::shared_ptr<RowPipe> pipe_;
  int64_t number_ = 0;
  Result<std::vector<lake::DataFile>> files_;
  std::thread thread_;
};

class PipedWriter final : public ParquetWriter {
 public:
  PipedWriter(std::shared_ptr<Database> database, lake::Catalog& catalog, lake::TableDescription table,
              std::string file_stem)
      : database_(std::move(database)),
        catalog_(catalog),
        table_(std::move(table)),
        file_stem_(std::move(file_stem)),
        vectors_(table_.schema.size()),
        data_(table_.schema.size()) {
    for (const Column& column : table_.schema) types_.push_back(DuckdbTypeOf(column.type));
    NewChunk();
  }

  void AppendNull(size_t column) override {
    duckdb_vector_ensure_validity_writable(vectors_[column]);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vectors_[column]), rows_in_chunk_);
    ++values_in_row_;
    bytes_ += 1;
  }
  void AppendBoolean(size_t column, bool value) override { Put(column, value); }
  void AppendInt(size_t column, int32_t value) override { Put(column, value); }
  void AppendLong(size_t column, int64_t value) override { Put(column, value); }
  void AppendFloat(size_t column, float value) override { Put(column, value); }
  void AppendDouble(size_t column, double value) override { Put(column, value); }
  void AppendText(size_t column, std::string_view value) override {
    duckdb_vector_assign_string_element_len(vectors_[column], rows_in_chunk_, value.data(), value.size());
    ++values_in_row_;
    bytes_ += 16 + value.size();
  }
  void AppendFloatList(size_t column, std::span<const float> values) override {
    const uint64_t begin = duckdb_list_vector_get_size(vectors_[column]);
    duckdb_list_vector_reserve(vectors_[column], begin + values.size());
    duckdb_list_vector_set_size(vectors_[column], begin + values.size());
    auto* child = static_cast<float*>(duckdb_vector_get_data(duckdb_list_vector_get_child(vectors_[column])));
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
    ++rows_;
    if (++rows_in_chunk_ == duckdb_vector_size()) FEEDMILL_TRY(PushChunk());
    if (rows_ >= kRowsMax || bytes_ >= kBytesMax) return EndFiles();
    return Ok();
  }

  Result<std::vector<lake::DataFile>> Finish() override {
    if (values_in_row_ != 0) return Internal("table {}: the last row was not ended", table_.name);
    FEEDMILL_TRY(EndFiles());
    return std::move(files_);
  }

 private:
  template <typename T>
  void Put(size_t column, T value) {
    static_cast<T*>(data_[column])[rows_in_chunk_] = value;
    ++values_in_row_;
    bytes_ += sizeof(T);
  }

  void NewChunk() {
    std::vector<duckdb_logical_type> types;
    for (const OwnedType& type : types_) types.push_back(type.get());
    chunk_ = OwnedChunk(duckdb_create_data_chunk(types.data(), types.size()));
    for (size_t i = 0; i < types.size(); ++i) {
      vectors_[i] = duckdb_data_chunk_get_vector(chunk_.get(), i);
      data_[i] = duckdb_vector_get_data(vectors_[i]);
    }
    rows_in_chunk_ = 0;
  }

  Status PushChunk() {
    if (rows_in_chunk_ == 0) return Ok();
    duckdb_data_chunk_set_size(chunk_.get(), rows_in_chunk_);
    if (copy_ == nullptr) {
      copy_ = std::make_unique<PipedCopy>(database_, catalog_, table_, fmt::format("{}-{:05}", file_stem_, parts_++));
    }
    const bool taken = copy_->Push(std::move(chunk_));
    NewChunk();
    return taken ? Ok() : EndFiles();
  }

  Status EndFiles() {
    if (rows_in_chunk_ > 0) FEEDMILL_TRY(PushChunk());
    rows_ = 0;
    bytes_ = 0;
    if (copy_ == nullptr) return Ok();
    const auto copy = std::move(copy_);
    FEEDMILL_ASSIGN(auto files, copy->Finish());
    std::ranges::move(files, std::back_inserter(files_));
    return Ok();
  }

  std::shared_ptr<Database> database_;
  lake::Catalog& catalog_;
  lake::TableDescription table_;
  std::string file_stem_;
  std::vector<OwnedType> types_;
  OwnedChunk chunk_;
  std::vector<duckdb_vector> vectors_;  // of chunk_, by column
  std::vector<void*> data_;
  size_t rows_in_chunk_ = 0;
  size_t values_in_row_ = 0;
  size_t rows_ = 0;  // of the running file set
  size_t bytes_ = 0;
  int parts_ = 0;
  std::vector<lake::DataFile> files_;
  std::unique_ptr<PipedCopy> copy_;
};

}  // namespace

Result<std::unique_ptr<ParquetWriter>> DuckSession::OpenWriter(lake::Catalog& catalog, const std::string& table,
                                                               const std::string& file_stem) {
  FEEDMILL_ASSIGN(lake::TableDescription description, catalog.Load(table));
  return std::make_unique<PipedWriter>(database_, catalog, std::move(description), file_stem);
}

}  // namespace feedmill::query
