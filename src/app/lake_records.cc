#include "app/lake_records.h"

#include <algorithm>

#include "app/lake_events.h"
#include "data/event_codec.h"
#include "data/event_id.h"
#include "ingest/event_tables.h"

namespace feedmill::app {
namespace {

constexpr uint64_t kMemory = 512ull << 20;
constexpr uint64_t kReadOffsetsMax = 50'000;

std::string ShortName(std::string_view table) { return std::string(table.substr(table.find('.') + 1)); }

Status CheckAgainstLake(const Config& config, const DataFolder& folder, const ingest::EventLog& log) {
  for (uint32_t partition = 0; partition < log.partitions(); ++partition) {
    FEEDMILL_ASSIGN(const LandedSpan landed, LandedOf(*folder.catalog, config.landing.stream, partition));
    const uint64_t begin = log.BeginOffset(partition), end = log.EndOffset(partition);
    if (landed.most > end) {
      return Corrupt("partition {} of the event log ends at record {}, but {} has landed records up to {}: {}",
                     partition, end, landed.most_table, landed.most, ShortLogAdvice(config.paths));
    }
    if (landed.started > 0 && landed.started < begin) {
      return Corrupt("partition {} of the event log begins at record {}, but only those before {} have landed: {}",
                     partition, begin, landed.started, ShortLogAdvice(config.paths));
    }
  }
  return Ok();
}

}  // namespace

std::string ShortLogAdvice(const ProjectPaths& paths) {
  return fmt::format(
      "the log was cut, deleted or replaced; put it back, or give up what it lost: `feedmill log reset --after-landed "
      "--project {}`",
      paths.project);
}

Result<LandedSpan> LandedOf(lake::Catalog& catalog, const std::string& stream, uint32_t partition) {
  LandedSpan span;
  bool first = true;
  for (const std::string_view table : ingest::kRawTables) {
    const auto offsets = catalog.LandedOffsets(std::string(table), stream);
    if (!offsets && offsets.error().kind() == ErrorKind::kNotFound) continue;
    if (!offsets) return std::unexpected(offsets.error());
    const auto found = offsets->find(partition);
    const uint64_t next = found == offsets->end() ? 0 : found->second;
    span.least = first ? next : std::min(span.least, next);
    first = false;
    if (next > 0) span.started = span.started == 0 ? next : std::min(span.started, next);
    if (next > span.most) {
      span.most = next;
      span.most_table = table;
    }
  }
  return span;
}

Result<query::Session*> LakeRecords::Session() {
  if (session_) return session_.get();
  query::EngineOptions options;
  options.temporary_directory = config_.paths.Temporary();
  options.memory_bytes_max = kMemory;
  options.threads = 1;
  FEEDMILL_ASSIGN(engine_, query::OpenEngine(options));
  FEEDMILL_ASSIGN(session_, engine_->NewSession());
  return session_.get();
}

Result<uint64_t> LakeRecords::CountRows(const std::string& table, uint32_t partition, ingest::OffsetRange range) {
  FEEDMILL_ASSIGN(query::Session * session, Session());
  const Status registered = session->RegisterTable(
      *folder_.catalog, table, {{"log_offset", static_cast<int64_t>(range.from), static_cast<int64_t>(range.to)}});
  if (!registered && registered.error().kind() == ErrorKind::kNotFound) return 0;
  FEEDMILL_TRY(registered);
  FEEDMILL_ASSIGN(const query::Rows rows,
                  session->Query(fmt::format("SELECT count(DISTINCT log_offset) FROM {} WHERE log_partition = {} AND "
                                             "log_offset >= {} AND log_offset < {}",
                                             ShortName(table), partition, range.from, range.to)));
  return static_cast<uint64_t>(std::get<int64_t>(rows.rows[0][0]));
}

// Offsets of a table without new rows lag behind what it has seen; then the rows themselves are asked.
Result<bool> LakeRecords::HoldAll(uint32_t partition, ingest::OffsetRange range) {
  FEEDMILL_ASSIGN(const LandedSpan landed, LandedOf(*folder_.catalog, config_.landing.stream, partition));
  if (range.to <= landed.least) return true;
  if (range.to > landed.most) return false;
  const MutexLock lock(mutex_);
  uint64_t found = 0;
  for (const std::string_view table : ingest::kRawTables) {
    FEEDMILL_ASSIGN(const uint64_t rows, CountRows(std::string(table), partition, range));
    found += rows;
  }
  return found == range.to - range.from;
}

Status LakeRecords::VisitIds(uint32_t partition, ingest::OffsetRange range, Micros oldest,
                             const std::function<void(std::string_view id, Micros received)>& visit) {
  const MutexLock lock(mutex_);
  FEEDMILL_ASSIGN(query::Session * session, Session());
  const Status registered =
      session->RegisterTable(*folder_.catalog, std::string(ingest::kEventTable),
                             {{"log_offset", static_cast<int64_t>(range.from), static_cast<int64_t>(range.to)},
                              {"received_time", oldest, {}}});
  if (!registered && registered.error().kind() == ErrorKind::kNotFound) return Ok();
  FEEDMILL_TRY(registered);
  const std::string sql = fmt::format(
      "SELECT event_id, write_source, received_time FROM ods_event WHERE log_partition = {} AND log_offset >= {} AND "
      "log_offset < {} AND unix_micros(received_time) >= {} AND event_id IS NOT NULL",
      partition, range.from, range.to, oldest);
  return session->Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      const std::string_view source = chunk.IsNull(1, row) ? std::string_view() : chunk.Text(1, row);
      visit(EventIdOfRow(source, chunk.Text(0, row)), chunk.Longs(2)[row]);
    }
    return Ok();
  });
}

Result<std::vector<stream::TailRecord>> LakeRecords::Read(uint32_t partition, ingest::OffsetRange range) {
  const uint64_t to = std::min(range.to, range.from + kReadOffsetsMax);
  const MutexLock lock(mutex_);
  FEEDMILL_ASSIGN(query::Session * session, Session());
  std::vector<stream::TailRecord> records;
  auto events = ReadLakeEvents(*session, *folder_.catalog, partition, range.from, to);
  if (!events && events.error().kind() != ErrorKind::kNotFound) return std::unexpected(events.error());
  if (events) {
    for (const auto& event : *events) {
      stream::TailRecord& record = records.emplace_back();
      record.offset = event.position.offset;
      EncodeLogRecord(event.record, &record.payload);
    }
  }
  if (records.empty() || records.back().offset + 1 < to) records.push_back({to - 1, ""});
  return records;
}

Result<std::unique_ptr<ingest::EventLog>> OpenLogBesideLake(const Config& config, const DataFolder& folder,
                                                            const Clock& clock, LakeRecords& lake, bool give_up) {
  const ingest::LogRescue rescue{
      [&lake](uint32_t partition, ingest::OffsetRange range) { return lake.HoldAll(partition, range); }, give_up};
  FEEDMILL_ASSIGN(auto log, ingest::OpenEventLog(*folder.files, clock, config.event_log, rescue));
  FEEDMILL_TRY(CheckAgainstLake(config, folder, *log));
  return log;
}

Result<std::vector<stream::TailRecord>> ReadLogOrLake(const ingest::EventLog& log, LakeRecords& lake,
                                                      uint32_t partition, uint64_t offset, size_t bytes_max) {
  const uint64_t begin = log.BeginOffset(partition);
  if (offset < begin) return lake.Read(partition, {offset, begin});
  FEEDMILL_ASSIGN(auto records, log.Read(partition, offset, bytes_max));
  if (!records.empty() && records.front().lost > 0) return lake.Read(partition, {offset, records.front().offset + 1});
  std::vector<stream::TailRecord> tail;
  tail.reserve(records.size());
  for (auto& record : records) {
    if (record.lost > 0) break;
    tail.push_back({record.offset, std::move(record.payload), record.append_time});
  }
  return tail;
}

}  // namespace feedmill::app
