// One batch of landing: records of the log into the three raw tables. Landing thread only.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/event.h"
#include "ingest/landing.h"
#include "ingest/landing_rows_internal.h"

namespace feedmill::ingest {

using Offsets = std::map<uint32_t, uint64_t>;

// The landing of one table: which records it has, and how its rows look.
class LandingLane {
 public:
  LandingLane(LandingParts& parts, const LandingOptions& options, std::string table, RecordKind kind)
      : parts_(parts), options_(options), table_(std::move(table)), kind_(kind) {}

  // Creates the table or adds the columns of `schema` it lacks, and reads where the landing stands.
  Status Prepare(const Schema& schema, int64_t writer_epoch);
  // Reads what the catalog holds, if that is not known. Before that worked nothing may be taken: a batch whose outcome
  // is unknown may be in the lake, and its files must not be written over.
  Status ReadOffsets();

  // Takes the record when it is of this lane's kind and not landed yet.
  Status Take(const LogRecord& record, LogPosition position, Micros append_time);
  // Publishes what was taken. Without rows nothing is written, until the offsets lag by
  // kLagMax records.
  Status Commit(const Offsets& batch_end);
  // After a failure: forgets what was taken and not committed, and where the landing stands.
  void Abandon();

  // The next record to read for this lane: all before it are in the lake or not for this table.
  uint64_t ReadFrom(uint32_t partition) const { return Find(scanned_, partition); }
  // The same as the catalog knows it: where reading begins after a restart.
  uint64_t CommittedEnd(uint32_t partition) const { return Find(committed_, partition); }
  const std::string& table() const { return table_; }
  uint64_t rows_landed() const { return rows_landed_; }

 private:
  static uint64_t Find(const Offsets& offsets, uint32_t partition);
  Status OpenWriter();
  Offsets Reached(const Offsets& batch_end) const;
  uint64_t Lag(const Offsets& next) const;

  LandingParts& parts_;
  const LandingOptions& options_;
  const std::string table_;
  const RecordKind kind_;
  int64_t writer_epoch_ = 0;
  Offsets committed_;
  Offsets scanned_;
  bool offsets_known_ = false;
  std::string file_stem_;
  std::optional<RowMapper> mapper_;
  std::unique_ptr<RowWriter> writer_;
  uint64_t rows_ = 0;
  uint64_t rows_landed_ = 0;
};

}  // namespace feedmill::ingest
