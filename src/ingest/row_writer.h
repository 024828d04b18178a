// How landing writes rows of a table, without knowing what writes Parquet: `app` joins it to the query engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lake/table.h"

namespace feedmill::ingest {

class RowWriter {
 public:
  virtual ~RowWriter() = default;
  // Columns by their place in the table's current schema. Each column gets one value, then EndRow is called.
  virtual void AppendNull(size_t column) = 0;
  virtual void AppendBoolean(size_t column, bool value) = 0;
  virtual void AppendLong(size_t column, int64_t value) = 0;  // timestamptz too: Micros
  virtual void AppendDouble(size_t column, double value) = 0;
  virtual void AppendText(size_t column, std::string_view value) = 0;
  virtual Status EndRow() = 0;
  // Writes, syncs and describes the files; the writer is of no use afterwards.
  virtual Result<std::vector<lake::DataFile>> Finish() = 0;
};

// Opens a writer for new files of `table`; the files' names are a function of `file_stem`. Landing thread only.
using OpenRowWriter =
    std::function<Result<std::unique_ptr<RowWriter>>(const std::string& table, const std::string& file_stem)>;

}  // namespace feedmill::ingest
