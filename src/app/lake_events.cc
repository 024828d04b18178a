#include "app/lake_events.h"

#include <algorithm>

#include "data/event_id.h"
#include "ingest/event_tables.h"

namespace feedmill::app {
namespace {

constexpr uint64_t kBlockOffsets = 200'000;  // log records read at once: some 100 MB of memory
constexpr size_t kBatchRecords = 4096;       // applied between two reports

// What the live state reads of an event (stream_event.cc), in this order.
constexpr std::string_view kColumns =
    "log_offset, event_id, type, event, user_id, user_agent, properties, event_time, write_source, received_time";

std::string TextAt(const query::Chunk& chunk, size_t column, size_t row) {
  return chunk.IsNull(column, row) ? std::string() : std::string(chunk.Text(column, row));
}

stream::LiveState::Positioned RecordAt(const query::Chunk& chunk, size_t row, uint32_t partition) {
  stream::LiveState::Positioned positioned;
  positioned.position = {partition, static_cast<uint64_t>(chunk.Longs(0)[row])};
  Event& event = positioned.record.event;
  SetEventId(EventIdOfRow(TextAt(chunk, 8, row), TextAt(chunk, 1, row)), &event);
  event.type = TextAt(chunk, 2, row);
  event.name = TextAt(chunk, 3, row);
  event.user_id = TextAt(chunk, 4, row);
  event.user_agent = TextAt(chunk, 5, row);
  event.properties = TextAt(chunk, 6, row);
  event.event_time = chunk.Longs(7)[row];
  event.received_time = chunk.Longs(9)[row];
  return positioned;
}

}  // namespace

LakeEvents::LakeEvents(query::Session& session, lake::Catalog& catalog, uint32_t partitions)
    : tail_(partitions,
            [&session, &catalog, block = kBlockOffsets / partitions](uint32_t partition, uint64_t offset,
                                                                     stream::DecodedTail* tail) -> Status {
              FEEDMILL_ASSIGN(tail->kept, ReadLakeEvents(session, catalog, partition, offset, offset + block));
              tail->count = tail->kept.size();
              tail->next = offset + block;
              return Ok();
            }) {}

Status LakeEvents::ApplyUpTo(std::span<const uint64_t> ends, stream::LiveState* state,
                             const std::function<void()>& on_progress) {
  while (true) {
    FEEDMILL_ASSIGN(const auto run, tail_.Next(*state, ends));
    if (!run) return Ok();
    for (size_t at = 0; at < run->records.size(); at += kBatchRecords) {
      state->ApplyBatch(run->records.subspan(at, std::min(kBatchRecords, run->records.size() - at)));
      if (on_progress) on_progress();
    }
    applied_ += run->records.size();
    state->SetApplied(run->partition, run->next);
  }
}

Result<std::vector<stream::LiveState::Positioned>> ReadLakeEvents(query::Session& session, lake::Catalog& catalog,
                                                                  uint32_t partition, uint64_t from, uint64_t to,
                                                                  std::string_view only) {
  std::vector<stream::LiveState::Positioned> events;
  FEEDMILL_TRY(session.RegisterTable(catalog, std::string(ingest::kEventTable),
                                     {{"log_offset", static_cast<int64_t>(from), static_cast<int64_t>(to)}}));
  const std::string sql = fmt::format(
      "SELECT {} FROM ods_event WHERE log_partition = {} AND log_offset >= {} AND log_offset < {} AND ({}) "
      "ORDER BY log_offset",
      kColumns, partition, from, to, only);
  FEEDMILL_TRY(session.Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) events.push_back(RecordAt(chunk, row, partition));
    return Ok();
  }));
  return events;
}

}  // namespace feedmill::app
