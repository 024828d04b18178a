#include "warehouse/input_files.h"

#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "base/time_text.h"
#include "lake/bounds.h"

namespace feedmill::warehouse {
namespace {

const Column* FindColumn(const Schema& schema, const std::string& name) {
  auto found = std::ranges::find(schema, name, &Column::name);
  return found == schema.end() ? nullptr : &*found;
}

std::optional<Micros> BoundTime(ColumnType type, const std::optional<std::string>& bound) {
  if (!bound) return std::nullopt;
  auto value = lake::DecodeIntegerBound(type, *bound);
  if (!value) return std::nullopt;
  return type == ColumnType::kDate ? *value * kMicrosPerDay : *value;
}

}  // namespace

bool TimeRange::Overlaps(const TimeRange& other) const {
  bool before = to && other.from && *to <= *other.from;
  bool after = from && other.to && *other.to <= *from;
  return !before && !after;
}

namespace {

bool Begins(Day day, const TimeRange& range) {
  const Micros start = DayStart(day);
  return (!range.from || start >= *range.from) && (!range.to || start < *range.to);
}

std::string HashNames(std::vector<std::string> names) {
  if (names.empty()) return "";
  std::ranges::sort(names);
  Sha256 hash;
  for (const std::string& name : names) hash.Update(name + "\n");
  return hash.FinishHex().substr(0, 16);
}

}  // namespace

Result<const InputFiles::Index*> InputFiles::IndexOf(const InputWindow& input) {
  const std::pair key(input.table, input.column);
  auto known = indexes_.find(key);
  if (known != indexes_.end()) return &known->second;
  FEEDMILL_ASSIGN(const TableState* table, Load(input.table));
  Index index;
  if (table->exists) {
    auto days = file_days_.Of(input.table, table->partition, table->schema, input.column, table->files);
    if (!days)
      return std::unexpected(days.error().WithContext(fmt::format("'reads: {}.{}'", input.table, input.column)));
    for (size_t i = 0; i < days->size(); ++i) {
      for (const auto& [day, rows] : (*days)[i]) {
        index.rows[day] += rows;
        index.files[day].push_back(i);
      }
    }
  }
  return &(indexes_[key] = std::move(index));
}

Result<InputFiles::LastDays> InputFiles::LastDaysOf(const InputWindow& input, Micros end) {
  FEEDMILL_ASSIGN(const Index* index, IndexOf(input));
  const Micros newest = BulkEnd(index->rows, end);
  return LastDays{BulkStart(index->rows, newest, input.last_days), newest};
}

Result<TimeRange> InputFiles::WindowOf(const Model& model, const InputWindow& input, Micros start, Micros end) {
  if (input.column.empty()) return TimeRange{};
  if (input.last_days > 0) {
    FEEDMILL_ASSIGN(const LastDays last, LastDaysOf(input, end));
    return TimeRange{last.since, end};
  }
  Micros base = model.materialization == Materialization::kFull ? end : start;
  TimeRange range;
  if (input.before) range.from = base + *input.before;
  range.to = end + input.after;
  return range;
}

Result<const TableState*> InputFiles::Load(const std::string& model) {
  auto known = tables_.find(model);
  if (known != tables_.end()) return &known->second;
  TableState state;
  auto description = catalog_.Load(TableName(model));
  if (!description && description.error().kind() != ErrorKind::kNotFound) return std::unexpected(description.error());
  if (description) {
    state.exists = true;
    state.schema = description->schema;
    state.partition = description->partition_spec;
    state.snapshot_id = description->current_snapshot_id;
  }
  if (state.snapshot_id) {
    FEEDMILL_ASSIGN(lake::ScanPlan plan, catalog_.PlanScan(TableName(model), {}, state.snapshot_id));
    state.files = std::move(plan.files);
  }
  return &(tables_[model] = std::move(state));
}

TimeRange InputFiles::RangeOf(const TableState& table, const std::string& column_name,
                              const lake::DataFile& file) const {
  const Column* column = FindColumn(table.schema, column_name);
  if (column == nullptr) return {};
  auto statistics = file.statistics.find(column->id);
  if (statistics == file.statistics.end()) return {};
  TimeRange range{BoundTime(column->type, statistics->second.lower_bound),
                  BoundTime(column->type, statistics->second.upper_bound)};
  if (range.to) *range.to += column->type == ColumnType::kDate ? kMicrosPerDay : 1;
  return range;
}

Result<std::string> InputFiles::HashOf(const InputWindow& input, const TimeRange& range) {
  FEEDMILL_ASSIGN(const TableState* table, Load(input.table));
  std::vector<std::string> names;
  if (input.column.empty()) {
    for (const lake::DataFile& file : table->files) names.push_back(FileName(file));
    return HashNames(std::move(names));
  }
  FEEDMILL_ASSIGN(const Index* index, IndexOf(input));
  auto day = range.from ? index->files.lower_bound(DayOf(*range.from)) : index->files.begin();
  std::set<size_t> places;
  for (; day != index->files.end() && (!range.to || DayStart(day->first) < *range.to); ++day)
    places.insert(day->second.begin(), day->second.end());
  for (size_t place : places) names.push_back(FileName(table->files[place]));
  return HashNames(std::move(names));
}

Result<std::string> InputFiles::FormerHashOf(const InputWindow& input, const TimeRange& range) {
  FEEDMILL_ASSIGN(const TableState* table, Load(input.table));
  std::vector<std::string> paths;
  for (const lake::DataFile& file : table->files) {
    if (input.column.empty() || RangeOf(*table, input.column, file).Overlaps(range)) paths.push_back(file.path);
  }
  return HashNames(std::move(paths));
}

Result<std::set<Micros>> InputFiles::IntervalStarts(const InputWindow& input, Micros interval, const TimeRange& range) {
  FEEDMILL_ASSIGN(const Index* index, IndexOf(input));
  std::set<Micros> starts;
  for (const auto& [day, rows] : index->rows) {
    if (rows == 0) continue;
    for (Micros start = FloorTo(DayStart(day), interval); start < DayStart(day + 1); start += interval) {
      if (TimeRange{start, start + interval}.Overlaps(range)) starts.insert(start);
    }
  }
  return starts;
}

Result<int64_t> InputFiles::RowsOf(const InputWindow& input, const TimeRange& range) {
  FEEDMILL_ASSIGN(const Index* index, IndexOf(input));
  int64_t count = 0;
  for (auto day = index->rows.lower_bound(range.from ? DayOf(*range.from) : std::numeric_limits<Day>::min());
       day != index->rows.end(); ++day) {
    if (Begins(day->first, range)) count += day->second;
  }
  return count;
}

Result<std::vector<lake::RangeFilter>> InputFiles::Filters(const InputWindow& input, const TimeRange& range) {
  std::vector<lake::RangeFilter> filters;
  if (input.column.empty()) return filters;
  FEEDMILL_ASSIGN(const TableState* table, Load(input.table));
  const Column* column = FindColumn(table->schema, input.column);
  if (column == nullptr || (column->type != ColumnType::kTimestamptz && column->type != ColumnType::kDate)) {
    return InvalidArgument("'reads: {}.{}' names no column of times of that table", input.table, input.column);
  }
  lake::RangeFilter filter{input.column, range.from, range.to};
  if (column->type == ColumnType::kDate) {
    if (filter.lower) filter.lower = FloorTo(*filter.lower, kMicrosPerDay) / kMicrosPerDay;
    if (filter.upper) filter.upper = FloorTo(*filter.upper - 1, kMicrosPerDay) / kMicrosPerDay + 1;
  }
  filters.push_back(filter);
  return filters;
}

}  // namespace feedmill::warehouse
