// What the lake knows of records of the event log: where landing stands, and the records that the log has lost or no
// longer keeps.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/data_folder.h"
#include "base/mutex.h"
#include "ingest/collector.h"
#include "ingest/log.h"
#include "query/engine.h"
#include "stream/log_tailer.h"

namespace feedmill::app {

// Next offsets of one partition over the raw tables there are.
struct LandedSpan {
  uint64_t least = 0;    // a record before it is in the lake
  uint64_t started = 0;  // the same over the tables that have landed something; 0: none has
  uint64_t most = 0;     // a record at it or later is in no table
  std::string most_table;
};

Result<LandedSpan> LandedOf(lake::Catalog& catalog, const std::string& stream, uint32_t partition);

// Any thread; the engine is opened at the first question.
class LakeRecords {
 public:
  // Both outlive it.
  LakeRecords(const Config& config, const DataFolder& folder) : config_(config), folder_(folder) {}

  // Whether every record of the range is in one of the raw tables.
  Result<bool> HoldAll(uint32_t partition, ingest::OffsetRange range);
  // See ingest::IdsInLake.
  Status VisitIds(uint32_t partition, ingest::OffsetRange range, Micros oldest,
                  const std::function<void(std::string_view id, Micros received)>& visit);
  // Events of the range's beginning, as a follower of the log gets its records; a last one without payload says how far
  // that is.
  Result<std::vector<stream::TailRecord>> Read(uint32_t partition, ingest::OffsetRange range);

 private:
  Result<query::Session*> Session() FEEDMILL_REQUIRES(mutex_);
  Result<uint64_t> CountRows(const std::string& table, uint32_t partition, ingest::OffsetRange range)
      FEEDMILL_REQUIRES(mutex_);

  const Config& config_;
  const DataFolder& folder_;
  Mutex mutex_;
  std::unique_ptr<query::Engine> engine_ FEEDMILL_GUARDED_BY(mutex_);
  std::unique_ptr<query::Session> session_ FEEDMILL_GUARDED_BY(mutex_);
};

// Opens the event log with the lake behind it: damaged records that have landed are passed over, others are refused
// unless `give_up`. kCorrupt, with the way out, when the log lacks records that landing still needs or has had.
Result<std::unique_ptr<ingest::EventLog>> OpenLogBesideLake(const Config& config, const DataFolder& folder,
                                                            const Clock& clock, LakeRecords& lake,
                                                            bool give_up = false);

// The log and behind it the lake, as a follower reads them.
Result<std::vector<stream::TailRecord>> ReadLogOrLake(const ingest::EventLog& log, LakeRecords& lake,
                                                      uint32_t partition, uint64_t offset, size_t bytes_max);

// "...: it was cut, deleted or replaced; ...": what to do about a log that is shorter than what was made of it.
std::string ShortLogAdvice(const ProjectPaths& paths);

}  // namespace feedmill::app
