#include "app/shown_activity.h"

#include <algorithm>
#include <string_view>

#include "data/event_codec.h"

namespace feedmill::app {
namespace {

constexpr size_t kShownOfARead = 20;
// At the start, of each partition.
constexpr uint64_t kFormerRecords = 100;
constexpr size_t kFormerBytes = 4 << 20;

void Show(std::string_view payload, Micros time, console::ActivityRing* ring) {
  auto record = DecodeLogRecord(payload);
  if (!record) return;
  if (record->event.received_time == 0) record->event.received_time = time;
  ring->Observe(*record);
}

}  // namespace

void ShowActivity(const std::vector<stream::TailRecord>& records, Micros now, console::ActivityRing* ring) {
  const size_t newest = records.size() - std::min(records.size(), kShownOfARead);
  for (size_t i = 0; i < records.size(); ++i) {
    const std::string_view payload = records[i].payload;
    if (i >= newest || KindOfLogRecord(payload) == RecordKind::kRejected) Show(payload, now, ring);
  }
}

void ShowFormerActivity(ingest::EventLog& log, console::ActivityRing* ring) {
  for (uint32_t partition = 0; partition < log.partitions(); ++partition) {
    const uint64_t end = log.EndOffset(partition);
    const uint64_t from = std::max(log.BeginOffset(partition), end - std::min(end, kFormerRecords));
    const auto records = log.Read(partition, from, kFormerBytes);
    if (!records) continue;
    for (const ingest::EventLog::Record& record : *records) Show(record.payload, record.append_time, ring);
  }
}

}  // namespace feedmill::app
