#include "ingest/land_again.h"

#include <algorithm>

#include "data/event_codec.h"
#include "ingest/event_tables.h"
#include "ingest/landing_rows_internal.h"
#include "lake/bounds.h"

namespace feedmill::ingest {
namespace {

constexpr size_t kReadBytes = 4 << 20;

struct Span {
  uint64_t low = 0, high = 0;  // both included
};

Result<Span> BoundsOf(const lake::DataFile& file, const Schema& schema, const char* name) {
  const auto column = std::ranges::find(schema, name, &Column::name);
  const auto found = column == schema.end() ? file.statistics.end() : file.statistics.find(column->id);
  if (found != file.statistics.end() && found->second.lower_bound && found->second.upper_bound) {
    const auto low = lake::DecodeIntegerBound(column->type, *found->second.lower_bound);
    const auto high = lake::DecodeIntegerBound(column->type, *found->second.upper_bound);
    if (low && high && *low >= 0 && *high >= *low)
      return Span{static_cast<uint64_t>(*low), static_cast<uint64_t>(*high)};
  }
  return InvalidArgument("{}: its statistics do not tell which {} it holds", file.path, name);
}

Result<RecordKind> KindOf(const std::string& table) {
  if (table == kEventTable) return RecordKind::kEvent;
  if (table == kRejectedTable) return RecordKind::kRejected;
  if (table == kFeedRequestTable) return RecordKind::kFeedRequest;
  return InvalidArgument("table {} is not landed from the log", table);
}

Status WriteRecords(const EventLog& log, uint32_t partition, Span offsets, RecordKind kind, RowMapper& mapper,
                    RowWriter* writer) {
  for (uint64_t at = offsets.low; at <= offsets.high;) {
    FEEDMILL_ASSIGN(const auto records, log.Read(partition, at, kReadBytes));
    if (records.empty()) return NotFound("log partition {} ends before record {}", partition, offsets.high);
    for (const auto& record : records) {
      if (record.lost > 0 && record.offset + 1 - record.lost <= offsets.high)
        return NotFound("log partition {} has lost records up to {}", partition, record.offset);
      at = record.offset + 1;
      if (record.offset > offsets.high) break;
      FEEDMILL_ASSIGN(const LogRecord decoded, DecodeLogRecord(record.payload));
      if (decoded.kind == kind)
        FEEDMILL_TRY(mapper.Write(decoded, {partition, record.offset}, record.append_time, writer));
    }
  }
  return Ok();
}

}  // namespace

Status LandAgain(const LandAgainParts& parts, const std::string& table, const std::string& path) {
  FEEDMILL_ASSIGN(const RecordKind kind, KindOf(table));
  FEEDMILL_ASSIGN(const lake::TableDescription description, parts.catalog.Load(table));
  FEEDMILL_ASSIGN(const lake::ScanPlan plan, parts.catalog.PlanScan(table, {}));
  const auto damaged = std::ranges::find(plan.files, path, &lake::DataFile::path);
  if (damaged == plan.files.end()) return NotFound("{} is not part of table {}", path, table);
  FEEDMILL_ASSIGN(const Span partitions, BoundsOf(*damaged, description.schema, "log_partition"));
  FEEDMILL_ASSIGN(const Span offsets, BoundsOf(*damaged, description.schema, "log_offset"));
  RowMapper mapper(description.schema, parts.places);
  FEEDMILL_ASSIGN(const auto writer, parts.open_writer(table, fmt::format("again-{}", offsets.low)));
  for (uint64_t partition = partitions.low; partition <= partitions.high; ++partition) {
    FEEDMILL_TRY(WriteRecords(parts.log, static_cast<uint32_t>(partition), offsets, kind, mapper, writer.get()));
  }
  FEEDMILL_ASSIGN(auto written, writer->Finish());
  lake::CommitRequest request;
  request.operation = lake::CommitRequest::Operation::kReplaceFiles;
  request.replaced_files = {path};
  int64_t rows = 0;
  for (const lake::DataFile& file : written) {
    if (file.partition == damaged->partition) {  // of an hour: raw tables are not parted by a text
      rows += file.record_count;
      request.files.push_back(file);
    } else {
      (void)parts.files.Remove(file.path);  // rows of other days, which other files hold; an orphan at the worst
    }
  }
  if (rows != damaged->record_count) {
    for (const lake::DataFile& file : request.files) (void)parts.files.Remove(file.path);
    return Conflict("{}: the log gives {} rows for it, it had {}", path, rows, damaged->record_count);
  }
  FEEDMILL_TRY(parts.catalog.Commit(table, request));
  return Ok();
}

}  // namespace feedmill::ingest
