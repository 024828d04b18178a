#include <algorithm>

#include "ingest/partition_log_internal.h"

namespace feedmill::ingest {
namespace {

constexpr uint64_t kIndexStepBytes = 256 << 10;

// The records of one group from `offset` on, until about `bytes_max` bytes are in `out`.
class Collecting {
 public:
  Collecting(uint64_t offset, size_t bytes_max, std::vector<EventLog::Record>* out)
      : offset_(offset), bytes_max_(bytes_max), out_(*out) {}

  Status Take(const GroupHeader& header, std::string_view body) {
    uint64_t at = header.first_offset;
    if (header.IsHole()) {
      const uint64_t end = at + header.record_count;
      if (end > offset_ && !Full()) out_.push_back({end - 1, header.append_time, "", end - std::max(at, offset_)});
      return Ok();
    }
    return VisitRecords(body, header.record_count, [&](std::string_view payload) {
      if (at >= offset_ && !Full()) {
        bytes_ += payload.size();
        out_.push_back({at, header.append_time, std::string(payload)});
      }
      ++at;
    });
  }

  bool Full() const { return bytes_ >= bytes_max_; }

 private:
  uint64_t offset_;
  size_t bytes_max_;
  size_t bytes_ = 0;
  std::vector<EventLog::Record>& out_;
};

}  // namespace

Result<std::vector<EventLog::Record>> PartitionLog::Read(uint64_t offset, size_t bytes_max) const {
  std::vector<EventLog::Record> records;
  if (offset >= EndOffset()) return records;
  if (ReadTail(offset, bytes_max, &records)) return records;
  auto segment = FindSegment(offset);
  Status read = segment ? ReadSegment(*segment, offset, bytes_max, &records) : Ok();
  if (!read && read.error().kind() == ErrorKind::kCorrupt) {
    // What stands before the damage is good; the damage itself is mended when the next read begins with it.
    if (!records.empty()) return records;
    read = ReplaceClosed(segment, read.error());
    segment = FindSegment(offset);
    if (read && segment) read = ReadSegment(*segment, offset, bytes_max, &records);
  }
  // Retention may have removed the segment since it was found.
  if (offset < BeginOffset()) {
    return NotFound("record {} of {} is no longer kept, the oldest is {}", offset, directory_, BeginOffset());
  }
  if (!read) return std::unexpected(read.error());
  return records;
}

bool PartitionLog::ReadTail(uint64_t offset, size_t bytes_max, std::vector<EventLog::Record>* out) const {
  std::vector<std::shared_ptr<const TailGroup>> groups;
  {
    MutexLock lock(mutex_);
    if (tail_.empty() || offset < tail_.front()->header.first_offset) return false;
    auto from =
        std::ranges::upper_bound(tail_, offset, {}, [](const auto& group) { return group->header.first_offset; });
    groups.push_back(*std::prev(from));  // of which the first records may be left out: it does not count
    for (size_t bytes = 0; from != tail_.end() && bytes < bytes_max; ++from) {
      bytes += (*from)->bytes.size();
      groups.push_back(*from);
    }
  }
  Collecting collecting(offset, bytes_max, out);
  for (const auto& group : groups) {
    if (collecting.Full()) break;
    // The bytes are those this process wrote: its own checksum cannot fail but by a broken memory, and then disk is
    // asked.
    if (!collecting.Take(group->header, std::string_view(group->bytes).substr(kGroupHeaderBytes))) return false;
  }
  return true;
}

std::shared_ptr<Segment> PartitionLog::FindSegment(uint64_t offset) const {
  MutexLock lock(mutex_);
  auto after =
      std::ranges::upper_bound(segments_, offset, {}, [](const auto& segment) { return segment->header.first_offset; });
  return after == segments_.begin() ? nullptr : *std::prev(after);
}

// Keeps the index sparse: one entry a kIndexStepBytes.
void PartitionLog::Remember(Segment& segment, uint64_t offset, uint64_t position) const {
  auto after = segment.index.upper_bound(offset);
  if (after != segment.index.begin() && position - std::prev(after)->second < kIndexStepBytes) return;
  segment.index.emplace_hint(after, offset, position);
}

Status PartitionLog::ReadSegment(Segment& segment, uint64_t offset, size_t bytes_max,
                                 std::vector<EventLog::Record>* out) const {
  FEEDMILL_ASSIGN(auto file, files_.OpenForRead(segment.path));
  FEEDMILL_ASSIGN(uint64_t size, file->Size());
  MutexLock lock(mutex_);
  if (segment.end_bytes == 0) segment.end_bytes = size;
  uint64_t end_offset = segment.end_offset;
  auto start = *std::prev(segment.index.upper_bound(offset));
  SegmentCursor cursor(*file, segment.path, segment.header, start.second, start.first, segment.end_bytes);
  lock.Unlock();

  Collecting collecting(offset, bytes_max, out);
  while (!collecting.Full() && cursor.offset() < end_offset) {
    FEEDMILL_ASSIGN(auto group, cursor.Next());
    if (!group) {
      return std::unexpected(
          cursor.CorruptAt(cursor.position(),
                           fmt::format("the segment ends before record {}, {} are due", cursor.offset(), end_offset)));
    }
    if (cursor.offset() <= offset) continue;
    if (auto taken = collecting.Take(group->header, group->body); !taken) {
      return std::unexpected(cursor.CorruptAt(group->position + kGroupHeaderBytes, taken.error().message()));
    }
    lock.Lock();
    Remember(segment, group->header.first_offset, group->position);
    lock.Unlock();
  }
  return Ok();
}

bool PartitionLog::WaitFor(uint64_t offset, Micros timeout) const {
  if (EndOffset() > offset) return true;
  MutexLock lock(mutex_);
  news_.WaitFor(mutex_, timeout, [&]() FEEDMILL_REQUIRES(mutex_) { return EndOffset() > offset || closing_; });
  return EndOffset() > offset;
}

}  // namespace feedmill::ingest
