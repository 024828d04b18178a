#include "warehouse/input_files.h"

#include <algorithm>

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

TimeRange WindowOf(const Model& model, const InputWindow& input, Micros start, Micros end) {
  if (input.column.empty()) return {};
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
  std::vector<std::string> paths;
  for (const lake::DataFile& file : table->files) {
    if (input.column.empty() || RangeOf(*table, input.column, file).Overlaps(range)) paths.push_back(file.path);
  }
  if (paths.empty()) return std::string();
  std::ranges::sort(paths);
  Sha256 hash;
  for (const std::string& path : paths) hash.Update(path + "\n");
  return hash.FinishHex().substr(0, 16);
}

Result<std::set<Micros>> InputFiles::IntervalStarts(const InputWindow& input, Micros interval, const TimeRange& range) {
  FEEDMILL_ASSIGN(const TableState* table, Load(input.table));
  std::set<Micros> starts;
  for (const lake::DataFile& file : table->files) {
    TimeRange held = RangeOf(*table, input.column, file);
    if (!held.Overlaps(range)) continue;
    Micros from = std::max(held.from.value_or(*range.from), *range.from);
    Micros to = std::min(held.to.value_or(*range.to), *range.to);
    for (Micros start = FloorTo(from, interval); start < to; start += interval) starts.insert(start);
  }
  return starts;
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
