#include <algorithm>

#include "base/log.h"
#include "ingest/event_tables.h"
#include "ingest/landing_batch_internal.h"

namespace feedmill::ingest {
namespace {

constexpr uint64_t kLagMax = 100'000;  // records read again after a restart for a table that gets no rows
constexpr int kCommitAttemptsMax = 3;

}  // namespace

uint64_t LandingLane::Find(const Offsets& offsets, uint32_t partition) {
  auto found = offsets.find(partition);
  return found == offsets.end() ? 0 : found->second;
}

Status LandingLane::Prepare(const Schema& schema, int64_t writer_epoch) {
  writer_epoch_ = writer_epoch;
  auto description = parts_.catalog.Load(table_);
  if (!description && description.error().kind() == ErrorKind::kNotFound) {
    description = parts_.catalog.Create(table_, schema, RawTablePartition());
    if (!description && description.error().kind() == ErrorKind::kAlreadyExists)
      description = parts_.catalog.Load(table_);
  }
  if (!description) return std::unexpected(description.error());
  Schema missing;
  for (const auto& column : schema) {
    const auto known = std::ranges::find(description->schema, column.name, &Column::name);
    if (known == description->schema.end()) {
      missing.push_back(column);
    } else if (known->type != column.type) {
      return InvalidArgument(
          "events/: property '{}' is {} in the tracking plan, its column in {} is {}; a property keeps its type: give "
          "the new one another name",
          column.name, ColumnTypeName(column.type), table_, ColumnTypeName(known->type));
    }
  }
  if (!missing.empty()) {
    description = parts_.catalog.AddColumns(table_, missing);
    if (!description) return std::unexpected(description.error());
    log::Info("columns added to a raw table", {{"table", table_}, {"columns", missing.size()}});
  }
  mapper_.emplace(description->schema, parts_.places);
  return ReadOffsets();
}

Status LandingLane::ReadOffsets() {
  if (offsets_known_) return Ok();
  FEEDMILL_ASSIGN(committed_, parts_.catalog.LandedOffsets(table_, options_.stream));
  scanned_ = committed_;
  offsets_known_ = true;
  return Ok();
}

void LandingLane::Abandon() {
  writer_.reset();
  offsets_known_ = false;
}

Status LandingLane::Take(const LogRecord& record, LogPosition position, Micros append_time) {
  if (record.kind != kind_ || position.offset < ReadFrom(position.partition)) return Ok();
  if (writer_ == nullptr) FEEDMILL_TRY(OpenWriter());
  ++rows_;
  return mapper_->Write(record, position, append_time, writer_.get());
}

// A batch is named by its writer and where it begins: tried again, it is known by its name.
Status LandingLane::OpenWriter() {
  file_stem_ = fmt::format("{}-{}", options_.stream, writer_epoch_);
  for (uint32_t partition = 0; partition < parts_.log.partitions(); ++partition)
    file_stem_ += fmt::format("-{}", ReadFrom(partition));
  rows_ = 0;
  FEEDMILL_ASSIGN(writer_, parts_.open_writer(table_, file_stem_));
  return Ok();
}

uint64_t LandingLane::Lag(const Offsets& next) const {
  uint64_t lag = 0;
  for (auto [partition, end] : next) lag += end - std::min(end, CommittedEnd(partition));
  return lag;
}

// A batch that was read for the sake of another lane ends before what this one has landed long ago.
Offsets LandingLane::Reached(const Offsets& batch_end) const {
  Offsets reached = scanned_;
  for (auto [partition, end] : batch_end) reached[partition] = std::max(reached[partition], end);
  return reached;
}

Status LandingLane::Commit(const Offsets& batch_end) {
  const Offsets next = Reached(batch_end);
  if (writer_ == nullptr && Lag(next) < kLagMax) {
    scanned_ = next;
    return Ok();
  }
  if (writer_ == nullptr) FEEDMILL_TRY(OpenWriter());
  lake::CommitRequest request;
  auto writer = std::move(writer_);
  if (rows_ > 0) {
    FEEDMILL_ASSIGN(request.files, writer->Finish());
  }
  // What was written before an unknown outcome is never written over: see ReadOffsets().
  std::string batch_id = file_stem_ + "-to";
  for (auto [partition, end] : next) batch_id += fmt::format("-{}", end);
  request.landing = lake::LandingMark{options_.stream, committed_, next, batch_id, writer_epoch_};
  Status committed = Ok();
  for (int attempt = 0; attempt < kCommitAttemptsMax; ++attempt) {
    auto snapshot = parts_.catalog.Commit(table_, request);
    committed = snapshot ? Ok() : Status(std::unexpected(snapshot.error()));
    // After an error the outcome may be unknown: the offsets tell.
    auto found = parts_.catalog.LandedOffsets(table_, options_.stream);
    if (!committed && found && *found == next) committed = Ok();
    if (committed || !found || *found != committed_ || committed.error().kind() == ErrorKind::kConflict) break;
  }
  if (!committed) return committed;
  rows_landed_ += rows_;
  rows_ = 0;
  committed_ = scanned_ = next;
  return Ok();
}

}  // namespace feedmill::ingest
