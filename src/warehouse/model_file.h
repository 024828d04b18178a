// A model: one table of the warehouse, told by a header of comments and one SELECT (docs/guides/add-a-model.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/schema.h"
#include "lake/table.h"

namespace feedmill::warehouse {

enum class Materialization {
  kFull,         // the whole table anew, as of @end
  kIncremental,  // by half-open interval [@start, @end); an interval's rows replace what the table had of it
  kAppend,       // rows are only ever added; the model reads its own table and leaves out what is there
  kNative,       // made by a step in C++; no SQL
  kExternal,     // written by somebody else; named so that models may read it
};

// How a model reads one table: `reads: dwd_user_action.event_time -7d 1d`.
struct InputWindow {
  std::string table;             // "dwd_user_action"
  std::string column;            // "" = the whole table
  std::optional<Micros> before;  // rows from (@start, or @end of a full model) + before; absent = from the beginning
  Micros after = 0;              // rows up to @end + after
  int last_days = 0;             // > 0: instead, the newest days that have rows, by the bulk of them: [@since, @end)
  bool stable = false;           // its changes alone make no interval run again (append-only dimensions)
  bool self = false;             // the model's own table
  int line = 0;
};

struct Model {
  std::string name;
  std::string file;  // as messages name it
  std::string doc;
  Materialization materialization = Materialization::kFull;
  lake::PartitionSpec partition;
  Micros interval = kMicrosPerDay;
  int batch = 1;        // intervals in one run of the SELECT, at most
  Micros lookback = 0;  // how far before the newest interval late data makes one run again
  std::vector<InputWindow> reads;
  std::vector<std::string> key;
  uint64_t memory_bytes_max = 0;  // at most; 0 = what one step of the nightly may have
  Micros timeout = 0;
  std::string native;                // kNative: the step's name; models of one step share it
  std::vector<std::string> depends;  // kNative: tables it reads
  Schema columns;                    // declared; needed by a model that reads itself
  std::string sql;                   // the whole file, so that positions in it are positions in the file
  int sql_line = 0;                  // first line after the header
};

// Reads one file. Errors are `file:line: what, found, allowed`. Bounded; never reads another file.
Result<Model> ParseModelFile(std::string_view file, std::string_view text);

// "dwd_user_action" -> "dwd.dwd_user_action": the namespace is what stands before the first underscore.
std::string TableName(std::string_view model);

// Whether a SELECT of the project makes it, and not landing or a native step.
bool HasSql(const Model& model);

// Memory of the model's step when the nightly gives `nightly` to each (0 = no limit).
uint64_t MemoryOf(const Model& model, uint64_t nightly);

// Tables a model needs, itself left out, in order.
std::vector<std::string> Inputs(const Model& model);

}  // namespace feedmill::warehouse
