#include "stream/decoded_tail.h"

#include "base/log.h"
#include "data/event_codec.h"

namespace feedmill::stream {

Status ReadTail(const TailRead& read, uint32_t partition, uint64_t offset, size_t bytes_max, DecodedTail* tail) {
  FEEDMILL_ASSIGN(const std::vector<TailRecord> records, read(partition, offset, bytes_max));
  tail->next = records.empty() ? offset : records.back().offset + 1;
  tail->count = tail->bytes = tail->refused = 0;
  for (const TailRecord& record : records) {
    if (record.payload.empty()) continue;
    tail->bytes += record.payload.size();
    if (tail->count == tail->kept.size()) tail->kept.emplace_back();
    LiveState::Positioned& next = tail->kept[tail->count];
    next.position = {partition, record.offset};
    const Status decoded = DecodeLogRecord(record.payload, &next.record);
    if (decoded) {
      if (next.record.event.received_time == 0) next.record.event.received_time = record.append_time;
      ++tail->count;
      continue;
    }
    ++tail->refused;
    log::Error("record of the log cannot be decoded and is left out of the live state",
               {{"partition", partition}, {"offset", record.offset}, {"why", decoded.error().message()}});
  }
  return Ok();
}

}  // namespace feedmill::stream
