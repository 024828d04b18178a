#include <algorithm>
#include <bit>
#include <cstring>

#include "base/hash.h"
#include "ingest/segment_internal.h"

namespace feedmill::ingest {
namespace {

static_assert(std::endian::native == std::endian::little, "segments are little endian");

constexpr std::string_view kSegmentMagic = "FMSEG001";
constexpr uint32_t kGroupMagic = 0x52474d46;  // "FMGR"
constexpr size_t kWindowBytes = 1 << 20;

template <typename T>
void Put(char* out, T value) {
  std::memcpy(out, &value, sizeof value);
}

template <typename T>
T Get(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Over salt, position and the header's own bytes before the checksum.
uint32_t GroupChecksum(std::string_view header, uint64_t salt, uint64_t position) {
  char seed[16];
  Put(seed, salt);
  Put(seed + 8, position);
  return Crc32c(header.substr(0, 32), Crc32c({seed, sizeof seed}));
}

uint32_t RecordChecksum(std::string_view length_bytes, std::string_view payload) {
  return Crc32c(payload, Crc32c(length_bytes));
}

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string out(kSegmentHeaderBytes, '\0');
  std::memcpy(out.data(), kSegmentMagic.data(), kSegmentMagic.size());
  Put(out.data() + 8, header.partition);
  Put(out.data() + 16, header.first_offset);
  Put(out.data() + 24, header.created_at);
  Put(out.data() + 32, header.salt);
  Put(out.data() + 44, Crc32c(std::string_view(out).substr(0, 44)));
  return out;
}

Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) {
    return Corrupt("segment header has {} bytes, needs {}", bytes.size(), kSegmentHeaderBytes);
  }
  if (!bytes.starts_with(kSegmentMagic)) return Corrupt("segment does not begin with {}", kSegmentMagic);
  uint32_t found = Get<uint32_t>(bytes, 44);
  uint32_t computed = Crc32c(bytes.substr(0, 44));
  if (found != computed) return Corrupt("segment header's checksum is {:08x}, its bytes give {:08x}", found, computed);
  return SegmentHeader{Get<uint32_t>(bytes, 8), Get<uint64_t>(bytes, 16), Get<int64_t>(bytes, 24),
                       Get<uint64_t>(bytes, 32)};
}

void EncodeGroupHeader(const GroupHeader& header, uint64_t salt, uint64_t position, char* out) {
  std::memset(out, 0, kGroupHeaderBytes);
  Put(out, kGroupMagic);
  Put(out + 4, header.record_count);
  Put(out + 8, header.body_bytes);
  Put(out + 16, header.first_offset);
  Put(out + 24, header.append_time);
  Put(out + 32, GroupChecksum({out, kGroupHeaderBytes}, salt, position));
}

std::optional<GroupHeader> DecodeGroupHeader(std::string_view bytes, uint64_t salt, uint64_t position) {
  if (bytes.size() < kGroupHeaderBytes || Get<uint32_t>(bytes, 0) != kGroupMagic) return std::nullopt;
  if (Get<uint32_t>(bytes, 32) != GroupChecksum(bytes, salt, position)) return std::nullopt;
  return GroupHeader{Get<uint32_t>(bytes, 4), Get<uint32_t>(bytes, 8), Get<uint64_t>(bytes, 16),
                     Get<int64_t>(bytes, 24)};
}

void AppendRecordFrame(std::string_view payload, std::string* out) {
  char header[kRecordHeaderBytes];
  Put(header, static_cast<uint32_t>(payload.size()));
  Put(header + 4, RecordChecksum({header, 4}, payload));
  out->append(header, sizeof header);
  out->append(payload);
}

std::optional<std::string_view> FirstRecord(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const size_t length = Get<uint32_t>(bytes, 0);
  if (length > bytes.size() - kRecordHeaderBytes) return std::nullopt;
  const std::string_view payload = bytes.substr(kRecordHeaderBytes, length);
  if (Get<uint32_t>(bytes, 4) != RecordChecksum(bytes.substr(0, 4), payload)) return std::nullopt;
  return payload;
}

Status VisitRecords(std::string_view body, uint32_t record_count, const std::function<void(std::string_view)>& visit) {
  if (body.empty()) return Ok();
  size_t at = 0;
  for (uint32_t i = 0; i < record_count; ++i) {
    if (body.size() - at < kRecordHeaderBytes)
      return Corrupt("byte {}: record {} of {} has no header", at, i, record_count);
    size_t length = Get<uint32_t>(body, at);
    if (length > body.size() - at - kRecordHeaderBytes) {
      return Corrupt("byte {}: record {} of {} says {} bytes, {} are left", at, i, record_count, length,
                     body.size() - at - kRecordHeaderBytes);
    }
    std::string_view payload = body.substr(at + kRecordHeaderBytes, length);
    uint32_t found = Get<uint32_t>(body, at + 4);
    uint32_t computed = RecordChecksum(body.substr(at, 4), payload);
    if (found != computed)
      return Corrupt("byte {}: record's checksum is {:08x}, its bytes give {:08x}", at, found, computed);
    visit(payload);
    at += kRecordHeaderBytes + length;
  }
  if (at != body.size()) return Corrupt("byte {}: {} bytes behind the last record of the group", at, body.size() - at);
  return Ok();
}

Error SegmentCursor::CorruptAt(uint64_t position, std::string_view what) const {
  return Error(ErrorKind::kCorrupt, fmt::format("{} byte {}: {}", path_, position, what));
}

Status SegmentCursor::Fill(uint64_t length) {
  if (position_ >= window_start_ && position_ + length <= window_start_ + window_.size()) return Ok();
  uint64_t wanted = std::min<uint64_t>(std::max<uint64_t>(length, kWindowBytes), limit_ - position_);
  FEEDMILL_TRY(file_.ReadAt(position_, wanted, &window_));
  window_start_ = position_;
  if (window_.size() < length)
    return std::unexpected(CorruptAt(position_ + window_.size(), "the file ends within a group"));
  return Ok();
}

Result<std::optional<SegmentCursor::Group>> SegmentCursor::Next() {
  if (position_ >= limit_) return std::nullopt;
  if (limit_ - position_ < kGroupHeaderBytes)
    return std::unexpected(CorruptAt(position_, "the file ends within a group's header"));
  FEEDMILL_TRY(Fill(kGroupHeaderBytes));
  auto header = DecodeGroupHeader(std::string_view(window_).substr(position_ - window_start_), header_.salt, position_);
  if (!header) return std::unexpected(CorruptAt(position_, "no valid group header"));
  if (header->first_offset != offset_) {
    return std::unexpected(
        CorruptAt(position_, fmt::format("group begins with record {}, {} is due", header->first_offset, offset_)));
  }
  uint64_t whole = kGroupHeaderBytes + header->body_bytes;
  if (whole > limit_ - position_) return std::unexpected(CorruptAt(position_, "the file ends within a group"));
  FEEDMILL_TRY(Fill(whole));
  Group group{*header, position_,
              std::string_view(window_).substr(position_ - window_start_ + kGroupHeaderBytes, header->body_bytes)};
  position_ += whole;
  offset_ += header->record_count;
  return group;
}

namespace {

// Whether a group header of this segment that proves what stands before it to have been synced is anywhere in [from,
// size): any valid one, but not the one at `from` itself when it begins with the record that is `due` there: its body
// may be torn.
Result<bool> FindLaterGroup(const io::ReadableFile& file, const SegmentHeader& header, uint64_t from, uint64_t due,
                            uint64_t size) {
  std::string window;
  for (uint64_t start = from; start + kGroupHeaderBytes <= size; start += kWindowBytes) {
    FEEDMILL_TRY(file.ReadAt(start, std::min<uint64_t>(kWindowBytes + kGroupHeaderBytes, size - start), &window));
    for (size_t at = 0; at < kWindowBytes && at + kGroupHeaderBytes <= window.size(); ++at) {
      auto* found = static_cast<const char*>(std::memchr(window.data() + at, kGroupMagic & 0xff, window.size() - at));
      if (found == nullptr) break;
      at = static_cast<size_t>(found - window.data());
      if (at >= kWindowBytes) break;
      auto group = DecodeGroupHeader(std::string_view(window).substr(at), header.salt, start + at);
      if (group && (start + at != from || group->first_offset != due)) return true;
    }
  }
  return false;
}

}  // namespace

Result<SegmentScan> ScanSegment(const io::ReadableFile& file, const std::string& path, const SegmentHeader& header,
                                uint64_t size) {
  SegmentCursor cursor(file, path, header, kSegmentHeaderBytes, header.first_offset, size);
  SegmentScan scan{kSegmentHeaderBytes, header.first_offset, header.created_at};
  while (true) {
    auto group = cursor.Next();
    Status whole = Ok();
    if (!group) {
      whole = std::unexpected(group.error());
    } else if (!*group) {
      return scan;
    } else if (auto records = VisitRecords((*group)->body, (*group)->header.record_count, [](std::string_view) {});
               !records) {
      whole = std::unexpected(cursor.CorruptAt((*group)->position + kGroupHeaderBytes, records.error().message()));
    }
    if (!whole) {
      if (whole.error().kind() != ErrorKind::kCorrupt) return std::unexpected(whole.error());
      FEEDMILL_ASSIGN(bool acknowledged, FindLaterGroup(file, header, scan.valid_bytes, scan.next_offset, size));
      if (acknowledged) return std::unexpected(whole.error());
      return scan;
    }
    scan = {cursor.position(), cursor.offset(), (*group)->header.append_time};
  }
}

}  // namespace feedmill::ingest
