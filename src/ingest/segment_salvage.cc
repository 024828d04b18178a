#include "ingest/segment_salvage_internal.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace feedmill::ingest {
namespace {

constexpr uint64_t kGroupRecordsMax = std::numeric_limits<uint32_t>::max();

// How many whole records stand side by side from the start of `bytes` to its very end; nothing when they do not reach
// it.
std::optional<uint64_t> RecordsToTheEnd(std::string_view bytes) {
  uint64_t count = 0;
  while (!bytes.empty()) {
    const auto payload = FirstRecord(bytes);
    if (!payload) return std::nullopt;
    bytes.remove_prefix(kRecordHeaderBytes + payload->size());
    ++count;
  }
  return count;
}

class Salvage {
 public:
  Salvage(std::string_view bytes, const SegmentHeader& header)
      : bytes_(bytes), header_(header), time_(header.created_at), due_(header.first_offset) {}

  std::vector<SegmentPiece> Run(std::optional<uint64_t> end_offset) {
    size_t at = kSegmentHeaderBytes;
    while (at < bytes_.size()) {
      const auto group = GroupAt(at);
      if (group && group->first_offset == due_ && group->body_bytes <= bytes_.size() - at - kGroupHeaderBytes) {
        time_ = group->append_time;
        if (group->IsHole()) {
          Add(group->record_count, {}, true);
        } else {
          Body(bytes_.substr(at + kGroupHeaderBytes, group->body_bytes), group->record_count);
        }
        at += kGroupHeaderBytes + group->body_bytes;
        continue;
      }
      // Until the next group that is whole, the records are looked for by their own checksums.
      const size_t next = NextGroup(at + 1);
      const bool last = next == bytes_.size();
      if (last && !end_offset) break;  // a torn tail
      const uint64_t until = last ? std::max(*end_offset, due_) : GroupAt(next)->first_offset;
      const size_t body = std::min(at + kGroupHeaderBytes, next);
      Body(bytes_.substr(body, next - body), until - due_);
      at = next;
    }
    if (end_offset && due_ < *end_offset) Add(*end_offset - due_, {});
    return std::move(pieces_);
  }

 private:
  std::optional<GroupHeader> GroupAt(size_t at) const {
    if (bytes_.size() - at < kGroupHeaderBytes) return std::nullopt;
    return DecodeGroupHeader(bytes_.substr(at), header_.salt, at);
  }

  size_t NextGroup(size_t from) const {
    for (size_t at = from; at < bytes_.size(); ++at) {
      const void* found = std::memchr(bytes_.data() + at, 'F', bytes_.size() - at);
      if (found == nullptr) break;
      at = static_cast<size_t>(static_cast<const char*>(found) - bytes_.data());
      const auto group = GroupAt(at);
      if (group && group->first_offset >= due_) return at;
    }
    return bytes_.size();
  }

  // `count` records, of which some may be damaged.
  void Body(std::string_view body, uint64_t count) {
    if (body.empty()) return Add(count, {});
    size_t begin = 0, at = 0;  // of whole records side by side
    uint64_t whole = 0, left = count;
    const auto end_run = [&] {
      if (whole > 0) Add(whole, body.substr(begin, at - begin));
      whole = 0;
    };
    while (left > 0) {
      if (const auto payload = FirstRecord(body.substr(at))) {
        at += kRecordHeaderBytes + payload->size();
        ++whole;
        --left;
        continue;
      }
      end_run();
      const auto [next, records_left] = AfterDamage(body, at, left);
      Add(left - records_left, {});
      begin = at = next;
      left = records_left;
    }
    end_run();
  }

  // Where whole records go on behind the damaged one at `at`, and how many of `left` then remain.
  static std::pair<size_t, uint64_t> AfterDamage(std::string_view body, size_t at, uint64_t left) {
    if (body.size() - at >= kRecordHeaderBytes) {
      uint32_t length = 0;
      std::memcpy(&length, body.data() + at, sizeof length);
      const uint64_t next = at + kRecordHeaderBytes + uint64_t{length};
      if (next == body.size() && left == 1) return {next, 0};
      if (next < body.size() && FirstRecord(body.substr(next))) return {next, left - 1};
    }
    // Its length is damaged: only records that reach the end have a number.
    for (size_t next = at + 1; next < body.size(); ++next) {
      const auto count = RecordsToTheEnd(body.substr(next));
      if (count && *count < left) return {next, *count};
    }
    return {body.size(), 0};
  }

  void Add(uint64_t count, std::string_view body, bool known = false) {
    if (count == 0) return;
    SegmentPiece* last = pieces_.empty() ? nullptr : &pieces_.back();
    if (body.empty() && last != nullptr && last->body.empty() && last->known == known) {
      last->record_count += count;
    } else {
      pieces_.push_back({due_, count, time_, body, known});
    }
    due_ += count;
  }

  const std::string_view bytes_;
  const SegmentHeader& header_;
  Micros time_;   // of the newest whole group
  uint64_t due_;  // the next record
  std::vector<SegmentPiece> pieces_;
};

}  // namespace

std::optional<SegmentHeader> SalvageHeader(std::string_view bytes) {
  if (auto header = DecodeSegmentHeader(bytes)) return *header;
  std::string mended(bytes.substr(0, kSegmentHeaderBytes));
  for (size_t bit = 0; bit < mended.size() * 8; ++bit) {
    const char flip = static_cast<char>(1 << bit % 8);
    mended[bit / 8] = static_cast<char>(mended[bit / 8] ^ flip);
    if (auto header = DecodeSegmentHeader(mended)) return *header;
    mended[bit / 8] = static_cast<char>(mended[bit / 8] ^ flip);
  }
  return std::nullopt;
}

std::vector<SegmentPiece> SalvageRecords(std::string_view bytes, const SegmentHeader& header,
                                         std::optional<uint64_t> end_offset) {
  return Salvage(bytes, header).Run(end_offset);
}

std::vector<OffsetRange> LostRanges(const std::vector<SegmentPiece>& pieces) {
  std::vector<OffsetRange> ranges;
  for (const SegmentPiece& piece : pieces) {
    if (piece.body.empty() && !piece.known)
      ranges.push_back({piece.first_offset, piece.first_offset + piece.record_count});
  }
  return ranges;
}

Status WriteSegment(io::FileSystem& files, const std::string& path, const SegmentHeader& header,
                    const std::vector<SegmentPiece>& pieces) {
  FEEDMILL_ASSIGN(auto file, files.CreateTruncated(path));
  FEEDMILL_TRY(file->Append(EncodeSegmentHeader(header)));
  uint64_t next = header.first_offset;
  Micros time = header.created_at;
  const auto append = [&](uint64_t records, std::string_view body) -> Status {
    char group[kGroupHeaderBytes];
    EncodeGroupHeader({static_cast<uint32_t>(records), static_cast<uint32_t>(body.size()), next, time}, header.salt,
                      file->Size(), group);
    FEEDMILL_TRY(file->Append({group, sizeof group}));
    next += records;
    return file->Append(body);
  };
  for (const SegmentPiece& piece : pieces) {
    time = piece.append_time;
    if (!piece.body.empty()) FEEDMILL_TRY(append(piece.record_count, piece.body));
    for (uint64_t left = piece.body.empty() ? piece.record_count : 0; left > 0;) {
      const uint64_t records = std::min(left, kGroupRecordsMax);
      FEEDMILL_TRY(append(records, {}));
      left -= records;
    }
  }
  FEEDMILL_TRY(append(0, {}));
  FEEDMILL_TRY(file->Sync());
  return file->Close();
}

}  // namespace feedmill::ingest
