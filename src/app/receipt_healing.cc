#include "app/receipt_healing.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/log.h"
#include "base/time_text.h"
#include "data/receipt_times.h"
#include "ingest/event_tables.h"
#include "lake/bounds.h"

namespace feedmill::app {
namespace {

constexpr int kAttempts = 5;  // landing may commit into the same hour meanwhile

std::string Literal(Micros time) { return fmt::format("TIMESTAMPTZ '{}'", FormatTime(time)); }
std::string_view NameOf(std::string_view table) { return table.substr(table.find('.') + 1); }

struct FileReceipts {
  int64_t offset_min;
  Micros received_min;
  Micros received_max;
};

std::optional<FileReceipts> ReceiptsOf(const lake::DataFile& file, const Column& offset, const Column& received) {
  const auto bound = [&file](const Column& column, auto side) -> std::optional<int64_t> {
    const auto found = file.statistics.find(column.id);
    if (found == file.statistics.end() || !(found->second.*side)) return std::nullopt;
    return lake::DecodeIntegerBound(column.type, *(found->second.*side));
  };
  using lake::ColumnStatistics;
  const auto offset_min = bound(offset, &ColumnStatistics::lower_bound);
  const auto received_min = bound(received, &ColumnStatistics::lower_bound);
  const auto received_max = bound(received, &ColumnStatistics::upper_bound);
  if (!offset_min || !received_min || !received_max) return std::nullopt;
  return FileReceipts{*offset_min, *received_min, *received_max};
}

// Whether some file could hold a record that was received later than one at a higher offset. Partitions of the log are
// not told apart: that errs on the side of looking.
bool MayStepBack(const lake::ScanPlan& plan) {
  const auto offset = std::ranges::find(plan.schema, "log_offset", &Column::name);
  const auto received = std::ranges::find(plan.schema, "received_time", &Column::name);
  if (offset == plan.schema.end() || received == plan.schema.end()) return false;
  std::vector<FileReceipts> files;
  for (const lake::DataFile& file : plan.files) {
    const auto receipts = ReceiptsOf(file, *offset, *received);
    if (!receipts) return true;
    files.push_back(*receipts);
  }
  // From the highest offsets down. A step back of less than an hour inside one commit of landing shows in no bounds.
  std::ranges::sort(files, std::greater(), &FileReceipts::offset_min);
  Micros earliest = std::numeric_limits<Micros>::max();
  for (const FileReceipts& file : files) {
    if (file.received_max - kReceiptSkewMax > earliest) return true;
    earliest = std::min(earliest, file.received_min);
  }
  return false;
}

using StepsByPartition = std::map<int64_t, std::vector<ReceiptStep>>;

class Healing {
 public:
  Healing(query::Session& session, lake::Catalog& catalog, Micros since)
      : session_(session), catalog_(catalog), since_(since) {}

  Result<int64_t> Run() {
    const std::string table(ingest::kEventTable);
    FEEDMILL_ASSIGN(const lake::TableDescription described, catalog_.Load(table));
    if (!described.current_snapshot_id) return 0;
    FEEDMILL_ASSIGN(const auto plan,
                    catalog_.PlanScan(table, {{"received_time", since_, std::nullopt}}, described.current_snapshot_id));
    if (!MayStepBack(plan)) return 0;
    FEEDMILL_ASSIGN(const StepsByPartition steps, FindSteps(*described.current_snapshot_id));
    if (steps.empty()) return 0;
    const std::string allowed = AllowedTime(steps);
    const std::string wrong = fmt::format("received_time >= {} AND received_time > {}", Literal(since_), allowed);
    std::vector<std::vector<std::optional<int64_t>>> hours;
    int64_t rows = 0;
    FEEDMILL_TRY(FindHours(wrong, allowed, &hours, &rows));
    if (rows == 0) return 0;
    FEEDMILL_TRY(Rewrite(described, allowed, hours));
    log::Warn("events received under a clock that was ahead have got the time at which it was set right",
              {{"events", rows}});
    return rows;
  }

 private:
  // What the three raw tables say together; all of it from `since`, ods_event as of the snapshot that is rewritten.
  Result<StepsByPartition> FindSteps(int64_t snapshot) {
    std::string sql;
    for (const std::string_view table : ingest::kRawTables) {
      const bool is_rewritten = table == ingest::kEventTable;
      const Status there =
          session_.RegisterTable(catalog_, std::string(table), {{"received_time", since_, std::nullopt}},
                                 is_rewritten ? std::optional(snapshot) : std::nullopt);
      if (!there && there.error().kind() == ErrorKind::kNotFound) continue;
      FEEDMILL_TRY(there);
      sql += fmt::format("{}SELECT log_partition, log_offset, received_time FROM {} WHERE received_time >= {}",
                         sql.empty() ? "" : " UNION ALL ", NameOf(table), Literal(since_));
    }
    std::map<int64_t, ReceiptTimes> times;
    FEEDMILL_TRY(session_.Stream(
        fmt::format("SELECT CAST(log_partition AS BIGINT), log_offset, received_time FROM ({}) "
                    "ORDER BY log_partition ASC NULLS LAST, log_offset ASC NULLS LAST",
                    sql),
        [&times](const query::Chunk& chunk) {
          for (size_t row = 0; row < chunk.row_count(); ++row) {
            times[chunk.Longs(0)[row]].Observe(static_cast<uint64_t>(chunk.Longs(1)[row]), chunk.Longs(2)[row]);
          }
          return Ok();
        }));
    StepsByPartition steps;
    for (const auto& [partition, of] : times) {
      if (!of.steps().empty()) steps[partition] = of.steps();
    }
    return steps;
  }

  // SQL for the latest time that a row may have been received at.
  static std::string AllowedTime(const StepsByPartition& steps) {
    std::string sql = "CASE";
    for (const auto& [partition, of] : steps) {
      for (const ReceiptStep& step : of) {
        sql += fmt::format(" WHEN log_partition = {} AND log_offset < {} THEN {}", partition, step.offset,
                           Literal(step.time));
      }
    }
    return sql + " ELSE TIMESTAMPTZ 'infinity' END";
  }

  // The hours that wrong rows are in and those that they will be in.
  Status FindHours(const std::string& wrong, const std::string& allowed,
                   std::vector<std::vector<std::optional<int64_t>>>* hours, int64_t* rows) {
    std::set<int64_t> found;
    FEEDMILL_TRY(session_.Stream(
        fmt::format("SELECT CAST(epoch_us(received_time) // {0} AS BIGINT), CAST(epoch_us({1}) // {0} AS BIGINT), "
                    "COUNT(*) FROM ods_event WHERE {2} GROUP BY ALL",
                    kMicrosPerHour, allowed, wrong),
        [&](const query::Chunk& chunk) {
          for (size_t row = 0; row < chunk.row_count(); ++row) {
            found.insert(chunk.Longs(0)[row]);
            found.insert(chunk.Longs(1)[row]);
            *rows += chunk.Longs(2)[row];
          }
          return Ok();
        }));
    for (const int64_t hour : found) hours->push_back({hour});
    return Ok();
  }

  Status Rewrite(const lake::TableDescription& described, const std::string& allowed,
                 const std::vector<std::vector<std::optional<int64_t>>>& hours) {
    std::string list;
    for (const auto& hour : hours) list += fmt::format("{}{}", list.empty() ? "" : ", ", *hour[0]);
    std::string columns;
    for (const Column& column : described.schema) {
      const bool is_time = column.name == "received_time" || column.name == "event_time";
      const std::string name = fmt::format("\"{}\"", column.name);
      columns += fmt::format("{}{}", columns.empty() ? "" : ", ",
                             is_time ? fmt::format("LEAST({}, {}) AS {}", name, allowed, name) : name);
    }
    FEEDMILL_TRY(session_.RegisterTable(catalog_, described.name, {}, described.current_snapshot_id));
    lake::CommitRequest request;
    request.operation = lake::CommitRequest::Operation::kReplacePartitions;
    request.replaced_partitions = hours;
    request.read_snapshot_id = described.current_snapshot_id;
    request.summary["feedmill.healed-receipt-times"] = "true";
    FEEDMILL_ASSIGN(
        request.files,
        session_.WriteQuery(catalog_, described.name,
                            fmt::format("SELECT {} FROM ods_event WHERE epoch_us(received_time) // {} IN ({})", columns,
                                        kMicrosPerHour, list),
                            fmt::format("healed-{}", *described.current_snapshot_id)));
    FEEDMILL_TRY(catalog_.Commit(described.name, request));
    return Ok();
  }

  query::Session& session_;
  lake::Catalog& catalog_;
  const Micros since_;
};

}  // namespace

Result<int64_t> HealReceiptTimes(query::Session& session, lake::Catalog& catalog, Micros since) {
  for (int attempt = 1;; ++attempt) {
    auto healed = Healing(session, catalog, since).Run();
    if (!healed && healed.error().kind() == ErrorKind::kNotFound) return 0;  // nothing has landed yet
    if (healed || healed.error().kind() != ErrorKind::kConflict || attempt == kAttempts) return healed;
  }
}

}  // namespace feedmill::app
