// Rows on their way from one thread to a COPY on another: a bounded queue of data chunks, read in SQL by the table
// function feedmill_rows(number). One thread pushes; DuckDB pops.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "data/schema.h"
#include "query/duckdb_handles_internal.h"

namespace feedmill::query {

class RowPipe {
 public:
  explicit RowPipe(const Schema& schema) : schema_(schema) {}
  const Schema& schema() const { return schema_; }

  // Waits while the queue is full. False when nobody reads any more: the reader's error says why.
  bool Push(OwnedChunk chunk);
  // No more rows: the reader gets what is queued and then the end.
  void Close();
  // Either side gives up: the reader fails, pushed rows are dropped.
  void Abort();
  // Waits for rows. An empty chunk is the end; nothing after Abort.
  std::optional<OwnedChunk> Pop();

 private:
  enum class State { kOpen, kClosed, kAborted };

  const Schema schema_;
  Mutex lock_;
  CondVar changed_;
  std::deque<OwnedChunk> chunks_ FEEDMILL_GUARDED_BY(lock_);
  State state_ FEEDMILL_GUARDED_BY(lock_) = State::kOpen;
};

// The pipes that feedmill_rows can read, by number. Any thread.
class RowPipes {
 public:
  int64_t Add(std::shared_ptr<RowPipe> pipe);
  void Remove(int64_t number);
  std::shared_ptr<RowPipe> Find(int64_t number) const;

 private:
  mutable Mutex lock_;
  std::map<int64_t, std::shared_ptr<RowPipe>> pipes_ FEEDMILL_GUARDED_BY(lock_);
  int64_t last_ FEEDMILL_GUARDED_BY(lock_) = 0;
};

// Makes feedmill_rows known to the connection's database; `pipes` outlives it.
Status RegisterRowPipes(duckdb_connection connection, RowPipes* pipes);

OwnedType DuckdbTypeOf(ColumnType type);

}  // namespace feedmill::query
