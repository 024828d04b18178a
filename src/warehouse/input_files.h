// The files that a table has now, and which of them an interval reads: how the warehouse knows that something changed.
// What a file holds is told by the days its rows are of, so that one late row makes one day run and not those between.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "lake/catalog.h"
#include "warehouse/file_days.h"
#include "warehouse/model_file.h"

namespace feedmill::warehouse {

// Half-open; an absent end is open.
struct TimeRange {
  std::optional<Micros> from;
  std::optional<Micros> to;
  bool Overlaps(const TimeRange& other) const;
};

struct TableState {
  bool exists = false;
  std::optional<int64_t> snapshot_id;
  Schema schema;
  lake::PartitionSpec partition;
  std::vector<lake::DataFile> files;
};

// Reads each table once and keeps it: everything planned with one object saw one snapshot of each table.
class InputFiles {
 public:
  explicit InputFiles(const Context& context) : catalog_(context.catalog), file_days_(context) {}

  Result<const TableState*> Load(const std::string& model);
  // What `input` reads for the interval [start, end). A full model's window hangs on its end, or, where it is "the last
  // days that have rows", on the end of the bulk of the rows (base/event_days.h).
  Result<TimeRange> WindowOf(const Model& model, const InputWindow& input, Micros start, Micros end);
  // Where the last days of an input that asks for them begin, and where the bulk of its rows before `end` ends.
  struct LastDays {
    Micros since = 0;
    Micros newest = 0;
  };
  Result<LastDays> LastDaysOf(const InputWindow& input, Micros end);
  // Hash of the names of the files that hold rows of the range's days; "" when there is none.
  Result<std::string> HashOf(const InputWindow& input, const TimeRange& range);
  // The hash as releases before input_rows recorded it: paths of the files whose bounds touch the range.
  Result<std::string> FormerHashOf(const InputWindow& input, const TimeRange& range);
  // Starts of the intervals of this length in `range` that have rows (of their day, when they are shorter than one).
  Result<std::set<Micros>> IntervalStarts(const InputWindow& input, Micros interval, const TimeRange& range);
  // Rows of the days that begin in the range.
  Result<int64_t> RowsOf(const InputWindow& input, const TimeRange& range);
  // For reading exactly that range through the catalog.
  Result<std::vector<lake::RangeFilter>> Filters(const InputWindow& input, const TimeRange& range);

 private:
  struct Index {
    DayRows rows;
    std::map<Day, std::vector<size_t>> files;  // places in TableState::files
  };
  Result<const Index*> IndexOf(const InputWindow& input);
  // Times of the column in the file; open when the file does not say.
  TimeRange RangeOf(const TableState& table, const std::string& column, const lake::DataFile& file) const;

  lake::Catalog& catalog_;
  FileDays file_days_;
  std::map<std::string, TableState> tables_;
  std::map<std::pair<std::string, std::string>, Index> indexes_;  // by table and column
};

}  // namespace feedmill::warehouse
