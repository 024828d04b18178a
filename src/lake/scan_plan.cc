#include "lake/scan_plan.h"

#include <algorithm>
#include <utility>

#include "lake/bounds.h"
#include "lake/transform.h"

namespace feedmill::lake {
namespace {

struct BoundFilter {
  const Column* column = nullptr;
  std::optional<int64_t> lower;  // included
  std::optional<int64_t> upper;  // excluded
};

Result<std::vector<BoundFilter>> BindFilters(const std::vector<RangeFilter>& filters, const Schema& columns) {
  std::vector<BoundFilter> bound;
  for (const RangeFilter& filter : filters) {
    const Column* column = FindColumn(columns, filter.column);
    if (column == nullptr) return InvalidArgument("filter: '{}' is not a column of the table", filter.column);
    if (EncodeIntegerBound(column->type, 0).empty()) {
      return InvalidArgument("filter: column '{}' is {}; allowed are boolean, int, long, date and timestamptz",
                             filter.column, ColumnTypeName(column->type));
    }
    bound.push_back({column, filter.lower, filter.upper});
  }
  return bound;
}

bool RangeIsEmpty(const BoundFilter& filter) { return filter.lower && filter.upper && *filter.lower >= *filter.upper; }

// A range of partition values that can hold rows of the filter; both ends included. Transforms never change the order
// of values, so the ends of the range are the transforms of the ends of the filter.
struct PartitionRange {
  size_t field = 0;
  ColumnType type = ColumnType::kLong;
  std::optional<int64_t> low;
  std::optional<int64_t> high;

  bool Misses(int64_t value_min, int64_t value_max) const {
    return (low && value_max < *low) || (high && value_min > *high);
  }
};

std::vector<PartitionRange> PartitionRanges(const std::vector<BoundFilter>& filters,
                                            const std::vector<PartitionType>& types) {
  std::vector<PartitionRange> ranges;
  for (const BoundFilter& filter : filters) {
    for (size_t field = 0; field < types.size(); ++field) {
      if (types[field].source_id != filter.column->id || !types[field].transform) continue;
      PartitionRange range{field, types[field].type, std::nullopt, std::nullopt};
      const Transform transform = *types[field].transform;
      if (filter.lower) range.low = ApplyTransform(transform, filter.column->type, *filter.lower);
      if (filter.upper) range.high = ApplyTransform(transform, filter.column->type, *filter.upper - 1);
      ranges.push_back(range);
    }
  }
  return ranges;
}

bool ManifestMayMatch(const ManifestFile& manifest, const std::vector<PartitionRange>& ranges) {
  for (const PartitionRange& range : ranges) {
    if (range.field >= manifest.partitions.size()) continue;
    const PartitionSummary& summary = manifest.partitions[range.field];
    // No bounds: all values are null (or the writer gave none, when it does not say that there are nulls either).
    if (!summary.lower_bound || !summary.upper_bound) {
      if (summary.contains_null) return false;
      continue;
    }
    auto low = DecodeIntegerBound(range.type, *summary.lower_bound);
    auto high = DecodeIntegerBound(range.type, *summary.upper_bound);
    if (low && high && range.Misses(*low, *high)) return false;
  }
  return true;
}

bool PartitionMayMatch(const DataFile& file, const std::vector<PartitionRange>& ranges) {
  return std::ranges::none_of(ranges, [&](const PartitionRange& range) {
    const std::optional<int64_t>& value = file.partition[range.field];
    return !value || range.Misses(*value, *value);
  });
}

// A filter passes no nulls, so a column of nulls only has no matching row.
bool StatisticsMayMatch(const DataFile& file, const std::vector<BoundFilter>& filters) {
  for (const BoundFilter& filter : filters) {
    auto found = file.statistics.find(filter.column->id);
    if (found == file.statistics.end()) continue;
    const ColumnStatistics& statistics = found->second;
    if (statistics.value_count > 0 && statistics.null_count == statistics.value_count) return false;
    const ColumnType type = filter.column->type;
    auto low = statistics.lower_bound ? DecodeIntegerBound(type, *statistics.lower_bound) : std::nullopt;
    auto high = statistics.upper_bound ? DecodeIntegerBound(type, *statistics.upper_bound) : std::nullopt;
    if (filter.lower && high && *high < *filter.lower) return false;
    if (filter.upper && low && *low >= *filter.upper) return false;
  }
  return true;
}

Status AddEntry(ManifestEntry entry, ScanPlan* plan) {
  switch (entry.content) {
    case FileContent::kData:
      if (entry.file_format != "PARQUET" && entry.file_format != "parquet") {
        return InvalidArgument("data file {} is {}; allowed is PARQUET", entry.file.path, entry.file_format);
      }
      plan->files.push_back(std::move(entry.file));
      return Ok();
    case FileContent::kPositionDeletes:
      plan->position_delete_files.push_back(std::move(entry.file.path));
      return Ok();
    case FileContent::kEqualityDeletes:
      break;
  }
  return InvalidArgument(
      "{} holds equality deletes, which cannot be applied here; rewrite the table's files with the engine that "
      "wrote them",
      entry.file.path);
}

}  // namespace

Result<ScanPlan> MakeScanPlan(TableFiles& files, const TableMetadata& metadata, const Snapshot* snapshot,
                              const std::vector<RangeFilter>& filters) {
  ScanPlan plan;
  plan.schema = metadata.CurrentSchema();
  FEEDMILL_ASSIGN(auto bound, BindFilters(filters, plan.schema));
  if (snapshot == nullptr) return plan;
  const bool nothing_matches = std::ranges::any_of(bound, RangeIsEmpty);
  FEEDMILL_ASSIGN(auto manifests, files.ReadManifests(*snapshot));
  for (const ManifestFile& manifest : manifests) {
    const TableSpec* spec = metadata.FindSpec(manifest.spec_id);
    if (spec == nullptr)
      return Corrupt("{}: partition spec {} is not in the metadata", manifest.path, manifest.spec_id);
    const auto ranges = PartitionRanges(bound, PartitionTypes(*spec, plan.schema));
    if (nothing_matches || !ManifestMayMatch(manifest, ranges)) {
      plan.files_pruned +=
          manifest.content == ManifestContent::kData ? manifest.added_files + manifest.existing_files : 0;
      continue;
    }
    FEEDMILL_ASSIGN(auto entries, files.ReadEntries(manifest, metadata));
    for (ManifestEntry& entry : entries) {
      if (entry.status == EntryStatus::kDeleted) continue;
      const bool data = entry.content == FileContent::kData;
      // The bounds of a delete file are those of its own columns, not of the rows it deletes.
      if (PartitionMayMatch(entry.file, ranges) && (!data || StatisticsMayMatch(entry.file, bound))) {
        FEEDMILL_TRY(AddEntry(std::move(entry), &plan));
      } else {
        plan.files_pruned += data;
      }
    }
  }
  if (!plan.position_delete_files.empty() && TableFiles::IsMoved(metadata)) {
    return InvalidArgument(
        "{} was moved from {}, and holds position deletes, which name data files by where they were; move it back, or "
        "rewrite the table's files with the engine that wrote them",
        metadata.location, metadata.recorded_location);
  }
  // Snapshot and manifest names are random; readers of the same table get the same order of files.
  std::ranges::sort(plan.files, {}, &DataFile::path);
  std::ranges::sort(plan.position_delete_files);
  return plan;
}

}  // namespace feedmill::lake
