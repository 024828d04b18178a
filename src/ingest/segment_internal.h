// The bytes of a log segment: header, groups, records. Pure functions. Format: docs/formats/event-log.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::ingest {

inline constexpr size_t kSegmentHeaderBytes = 48;
inline constexpr size_t kGroupHeaderBytes = 40;
inline constexpr size_t kRecordHeaderBytes = 8;

struct SegmentHeader {
  uint32_t partition = 0;
  uint64_t first_offset = 0;
  Micros created_at = 0;
  uint64_t salt = 0;  // random: enters the checksum of every group header, so that no payload can look like a group
};

std::string EncodeSegmentHeader(const SegmentHeader& header);
// kCorrupt says what was wrong.
Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

// Records that became durable by one sync. A group of no records is a seal: it only proves that what stands before it
// was synced. Records without a body are a hole: they are gone, and known to be.
struct GroupHeader {
  uint32_t record_count = 0;
  uint32_t body_bytes = 0;
  uint64_t first_offset = 0;
  Micros append_time = 0;

  bool IsHole() const { return record_count > 0 && body_bytes == 0; }
};

// `position` is the group's place in the file; it is part of the checksum.
void EncodeGroupHeader(const GroupHeader& header, uint64_t salt, uint64_t position, char* out);
std::optional<GroupHeader> DecodeGroupHeader(std::string_view bytes, uint64_t salt, uint64_t position);

void AppendRecordFrame(std::string_view payload, std::string* out);
// The payload of the whole record that `bytes` begins with; nothing when it begins with none. Its frame is
// kRecordHeaderBytes longer.
std::optional<std::string_view> FirstRecord(std::string_view bytes);
// Calls `visit` for each record of a group's body, in order; a hole has none. kCorrupt names the byte within the body.
// Views live as long as `body`.
Status VisitRecords(std::string_view body, uint32_t record_count, const std::function<void(std::string_view)>& visit);

// Reads groups one after the other. One thread at a time.
class SegmentCursor {
 public:
  // Starts at `position` (a group's first byte), where the record `offset` is due; never reads at or beyond byte
  // `limit`.
  SegmentCursor(const io::ReadableFile& file, std::string path, const SegmentHeader& header, uint64_t position,
                uint64_t offset, uint64_t limit)
      : file_(file), path_(std::move(path)), header_(header), position_(position), offset_(offset), limit_(limit) {}

  struct Group {
    GroupHeader header;
    uint64_t position = 0;
    std::string_view body;  // until the next call
  };
  // Nothing at the limit. Bytes that are no group are kCorrupt naming path and byte; the records' own checksums are for
  // VisitRecords.
  Result<std::optional<Group>> Next();

  uint64_t position() const { return position_; }  // of the next group
  uint64_t offset() const { return offset_; }      // of the next record
  Error CorruptAt(uint64_t position, std::string_view what) const;

 private:
  Status Fill(uint64_t length);  // makes bytes [position_, position_ + length) available in window_

  const io::ReadableFile& file_;
  std::string path_;
  SegmentHeader header_;
  uint64_t position_;
  uint64_t offset_;
  uint64_t limit_;
  std::string window_;
  uint64_t window_start_ = 0;
};

// What a look at the whole last segment found.
struct SegmentScan {
  uint64_t valid_bytes = 0;  // end of the last whole group
  uint64_t next_offset = 0;
  Micros last_append_time = 0;
};

// Reads the segment from its header to `size`. A damaged end that no later group proves to have been synced is a torn
// tail: valid_bytes stands before it. A damaged group with a valid one behind it was acknowledged: kCorrupt.
Result<SegmentScan> ScanSegment(const io::ReadableFile& file, const std::string& path, const SegmentHeader& header,
                                uint64_t size);

}  // namespace feedmill::ingest
