#include <utility>

#include "query/row_pipe_internal.h"

namespace feedmill::query {
namespace {

constexpr size_t kChunksMax = 48;  // of 2,048 rows
constexpr const char* kFunction = "feedmill_rows";

using PipeHandle = std::shared_ptr<RowPipe>;

void DeletePipeHandle(void* handle) { delete static_cast<PipeHandle*>(handle); }

void Bind(duckdb_bind_info info) {
  const auto* pipes = static_cast<const RowPipes*>(duckdb_bind_get_extra_info(info));
  duckdb_value value = duckdb_bind_get_parameter(info, 0);
  const int64_t number = duckdb_get_int64(value);
  duckdb_destroy_value(&value);
  PipeHandle pipe = pipes->Find(number);
  if (pipe == nullptr) return duckdb_bind_set_error(info, "feedmill_rows: there are no rows of this number");
  for (const Column& column : pipe->schema())
    duckdb_bind_add_result_column(info, column.name.c_str(), DuckdbTypeOf(column.type).get());
  duckdb_bind_set_bind_data(info, new PipeHandle(std::move(pipe)), &DeletePipeHandle);
}

void Init(duckdb_init_info /*info*/) {}

void Read(duckdb_function_info info, duckdb_data_chunk output) {
  auto& pipe = *static_cast<PipeHandle*>(duckdb_function_get_bind_data(info));
  const std::optional<OwnedChunk> chunk = pipe->Pop();
  if (!chunk) return duckdb_function_set_error(info, "the rows were given up by their writer");
  const idx_t rows = chunk->get() == nullptr ? 0 : duckdb_data_chunk_get_size(chunk->get());
  for (idx_t column = 0; rows > 0 && column < duckdb_data_chunk_get_column_count(output); ++column) {
    duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(output, column),
                                   duckdb_data_chunk_get_vector(chunk->get(), column));
  }
  duckdb_data_chunk_set_size(output, rows);
}

using OwnedTableFunction = Owned<duckdb_table_function, &duckdb_destroy_table_function>;

}  // namespace

bool RowPipe::Push(OwnedChunk chunk) {
  MutexLock guard(lock_);
  changed_.Wait(lock_,
                [this]() FEEDMILL_REQUIRES(lock_) { return chunks_.size() < kChunksMax || state_ != State::kOpen; });
  if (state_ != State::kOpen) return false;
  chunks_.push_back(std::move(chunk));
  changed_.NotifyAll();
  return true;
}

void RowPipe::Close() {
  const MutexLock guard(lock_);
  if (state_ == State::kOpen) state_ = State::kClosed;
  changed_.NotifyAll();
}

void RowPipe::Abort() {
  const MutexLock guard(lock_);
  state_ = State::kAborted;
  chunks_.clear();
  changed_.NotifyAll();
}

std::optional<OwnedChunk> RowPipe::Pop() {
  MutexLock guard(lock_);
  changed_.Wait(lock_, [this]() FEEDMILL_REQUIRES(lock_) { return !chunks_.empty() || state_ != State::kOpen; });
  if (state_ == State::kAborted) return std::nullopt;
  if (chunks_.empty()) return OwnedChunk();
  OwnedChunk chunk = std::move(chunks_.front());
  chunks_.pop_front();
  changed_.NotifyAll();
  return chunk;
}

int64_t RowPipes::Add(std::shared_ptr<RowPipe> pipe) {
  const MutexLock guard(lock_);
  pipes_[++last_] = std::move(pipe);
  return last_;
}

void RowPipes::Remove(int64_t number) {
  const MutexLock guard(lock_);
  pipes_.erase(number);
}

std::shared_ptr<RowPipe> RowPipes::Find(int64_t number) const {
  const MutexLock guard(lock_);
  const auto found = pipes_.find(number);
  return found == pipes_.end() ? nullptr : found->second;
}

Status RegisterRowPipes(duckdb_connection connection, RowPipes* pipes) {
  OwnedTableFunction function(duckdb_create_table_function());
  duckdb_table_function_set_name(function.get(), kFunction);
  duckdb_table_function_add_parameter(function.get(), OwnedType(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT)).get());
  duckdb_table_function_set_extra_info(function.get(), pipes, nullptr);
  duckdb_table_function_set_bind(function.get(), &Bind);
  duckdb_table_function_set_init(function.get(), &Init);
  duckdb_table_function_set_function(function.get(), &Read);
  if (duckdb_register_table_function(connection, function.get()) == DuckDBSuccess) return Ok();
  return Internal("query engine: DuckDB refuses the table function {}", kFunction);
}

OwnedType DuckdbTypeOf(ColumnType type) {
  const auto plain = [](duckdb_type id) { return OwnedType(duckdb_create_logical_type(id)); };
  switch (type) {
    case ColumnType::kBoolean:
      return plain(DUCKDB_TYPE_BOOLEAN);
    case ColumnType::kInt:
      return plain(DUCKDB_TYPE_INTEGER);
    case ColumnType::kLong:
      return plain(DUCKDB_TYPE_BIGINT);
    case ColumnType::kFloat:
      return plain(DUCKDB_TYPE_FLOAT);
    case ColumnType::kDouble:
      return plain(DUCKDB_TYPE_DOUBLE);
    case ColumnType::kDate:
      return plain(DUCKDB_TYPE_DATE);
    case ColumnType::kTimestamptz:
      return plain(DUCKDB_TYPE_TIMESTAMP_TZ);
    case ColumnType::kString:
      return plain(DUCKDB_TYPE_VARCHAR);
    case ColumnType::kListFloat:
      return OwnedType(duckdb_create_list_type(plain(DUCKDB_TYPE_FLOAT).get()));
  }
  return plain(DUCKDB_TYPE_VARCHAR);
}

}  // namespace feedmill::query
