// The files that a table has now, and which of them an interval reads: how the warehouse knows that something changed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "lake/catalog.h"
#include "warehouse/model_file.h"

namespace feedmill::warehouse {

// Half-open; an absent end is open.
struct TimeRange {
  std::optional<Micros> from;
  std::optional<Micros> to;
  bool Overlaps(const TimeRange& other) const;
};

// What `input` reads for the interval [start, end). A full model's window hangs on its end.
TimeRange WindowOf(const Model& model, const InputWindow& input, Micros start, Micros end);

struct TableState {
  bool exists = false;
  std::optional<int64_t> snapshot_id;
  Schema schema;
  std::vector<lake::DataFile> files;
};

// Reads each table once and keeps it: everything planned with one object saw one snapshot of each table.
class InputFiles {
 public:
  explicit InputFiles(lake::Catalog& catalog) : catalog_(catalog) {}

  Result<const TableState*> Load(const std::string& model);
  // Hash of the names of the files that may hold rows of the range; "" when there is none.
  Result<std::string> HashOf(const InputWindow& input, const TimeRange& range);
  // Starts of the intervals of this length in `range` that a file may hold rows of.
  Result<std::set<Micros>> IntervalStarts(const InputWindow& input, Micros interval, const TimeRange& range);
  // For reading exactly that range through the catalog.
  Result<std::vector<lake::RangeFilter>> Filters(const InputWindow& input, const TimeRange& range);

 private:
  // Times of the column in the file; open when the file does not say.
  TimeRange RangeOf(const TableState& table, const std::string& column, const lake::DataFile& file) const;

  lake::Catalog& catalog_;
  std::map<std::string, TableState> tables_;
};

}  // namespace feedmill::warehouse
