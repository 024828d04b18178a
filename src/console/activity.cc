#include "console/activity.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace feedmill::console {
namespace {

constexpr size_t kPayloadBytesMax = 8 << 10;
constexpr size_t kHeadBytes = 1 << 10;  // of a feed request's document: where its ids stand

// Cut at a whole UTF-8 letter.
std::string Cut(const std::string& text) {
  if (text.size() <= kPayloadBytesMax) return text;
  size_t end = kPayloadBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

// A text of the head of a feed request's document, as written there; found without reading the whole, since rows are
// large and come fast.
std::string HeadText(std::string_view document, std::string_view name) {
  const std::string_view head = document.substr(0, kHeadBytes);
  const std::string key = fmt::format("\"{}\":\"", name);
  const size_t begin = head.find(key);
  if (begin == std::string_view::npos) return "";
  const std::string_view rest = head.substr(begin + key.size());
  return std::string(rest.substr(0, rest.find('"')));
}

ActivityRow RowOf(const LogRecord& record) {
  ActivityRow row;
  row.time = record.event.received_time;
  row.type = record.event.type;
  row.name = record.event.name;
  row.user_id = record.event.user_id.empty() ? record.event.anonymous_id : record.event.user_id;
  row.message_id = record.event.message_id;
  row.source = record.event.source;
  switch (record.kind) {
    case RecordKind::kEvent:
      row.kind = "event";
      row.payload = Cut(record.event.properties);
      break;
    case RecordKind::kRejected:
      row.kind = "refused";
      row.payload = Cut(record.rejection.raw);
      row.rule = record.rejection.rule;
      row.field = record.rejection.field;
      row.reason = record.rejection.reason;
      break;
    case RecordKind::kFeedRequest:
      row.kind = "feed";
      row.user_id = HeadText(record.document, "user_id");
      row.message_id = HeadText(record.document, "request_id");
      break;
  }
  return row;
}

// Oldest first -> newest first.
std::vector<ActivityRow> NewestOf(const std::deque<ActivityRow>& rows, size_t count, uint64_t after_sequence) {
  std::vector<ActivityRow> newest;
  for (auto row = rows.rbegin(); row != rows.rend() && newest.size() < count && row->sequence > after_sequence; ++row)
    newest.push_back(*row);
  return newest;
}

}  // namespace

void ActivityRing::Observe(const LogRecord& record) {
  ActivityRow row = RowOf(record);
  MutexLock lock(mutex_);
  row.sequence = ++sequence_;
  std::deque<ActivityRow>& rows = record.kind == RecordKind::kRejected ? refused_ : taken_;
  rows.push_back(std::move(row));
  if (rows.size() > count_max_) rows.pop_front();
}

std::vector<ActivityRow> ActivityRing::Newest(size_t count, uint64_t after_sequence) const {
  MutexLock lock(mutex_);
  const std::vector<ActivityRow> taken = NewestOf(taken_, count, after_sequence);
  const std::vector<ActivityRow> refused = NewestOf(refused_, count, after_sequence);
  std::vector<ActivityRow> newest;
  std::ranges::merge(taken, refused, std::back_inserter(newest), std::ranges::greater(), &ActivityRow::sequence,
                     &ActivityRow::sequence);
  if (newest.size() > count) newest.resize(count);
  return newest;
}

std::vector<ActivityRow> ActivityRing::NewestRefused(size_t count, uint64_t after_sequence) const {
  MutexLock lock(mutex_);
  return NewestOf(refused_, count, after_sequence);
}

}  // namespace feedmill::console
