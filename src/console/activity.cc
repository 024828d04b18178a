#include "console/activity.h"

#include <algorithm>

namespace feedmill::console {
namespace {

constexpr size_t kDetailBytesMax = 200;

// Cut at a whole UTF-8 letter.
std::string Cut(const std::string& text) {
  if (text.size() <= kDetailBytesMax) return text;
  size_t end = kDetailBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

ActivityRow RowOf(const LogRecord& record) {
  ActivityRow row;
  row.time = record.event.received_time;
  row.user_id = record.event.user_id.empty() ? record.event.anonymous_id : record.event.user_id;
  switch (record.kind) {
    case RecordKind::kEvent:
      row.kind = record.event.type;
      row.name = record.event.name.empty() ? record.event.type : record.event.name;
      row.detail = Cut(record.event.properties);
      break;
    case RecordKind::kRejected:
      row.kind = "rejected";
      row.name = record.rejection.rule;
      row.detail = Cut(record.rejection.reason);
      break;
    case RecordKind::kFeedRequest:
      row.kind = "feed";
      row.name = "feed";
      row.detail = record.event.message_id;
      break;
  }
  return row;
}

}  // namespace

void ActivityRing::Observe(const LogRecord& record) {
  ActivityRow row = RowOf(record);
  std::lock_guard lock(mutex_);
  row.sequence = ++sequence_;
  rows_.push_back(std::move(row));
  if (rows_.size() > count_max_) rows_.pop_front();
}

std::vector<ActivityRow> ActivityRing::Newest(size_t count, uint64_t after_sequence) const {
  std::lock_guard lock(mutex_);
  std::vector<ActivityRow> newest;
  for (auto row = rows_.rbegin(); row != rows_.rend() && newest.size() < count && row->sequence > after_sequence;
       ++row) {
    newest.push_back(*row);
  }
  return newest;
}

}  // namespace feedmill::console
