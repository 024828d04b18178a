#include <random>

#include "ingest/partition_log_internal.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kSegmentSuffix = ".seg";
constexpr size_t kNameDigits = 20;

Result<SegmentHeader> ReadHeader(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(auto file, files.OpenForRead(path));
  std::string bytes;
  FEEDMILL_TRY(file->ReadAt(0, kSegmentHeaderBytes, &bytes));
  auto header = DecodeSegmentHeader(bytes);
  if (!header) return std::unexpected(header.error().WithContext(path + " byte 0"));
  return header;
}

}  // namespace

std::optional<uint64_t> OffsetOfSegmentName(std::string_view name) {
  if (name.size() != kNameDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) return std::nullopt;
  uint64_t offset = 0;
  for (char digit : name.substr(0, kNameDigits)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    offset = offset * 10 + static_cast<uint64_t>(digit - '0');
  }
  return offset;
}

uint64_t RandomSalt() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

std::string SegmentName(uint64_t first_offset) { return fmt::format("{:020}{}", first_offset, kSegmentSuffix); }

std::string PartitionLog::SegmentPath(uint64_t first_offset) const {
  return directory_ + "/" + SegmentName(first_offset);
}

Status PartitionLog::Recover() {
  mutex_.AssertHeld();  // no other thread knows this log yet
  FEEDMILL_TRY(files_.CreateDirectories(directory_));
  FEEDMILL_TRY(LoadDamage());
  FEEDMILL_ASSIGN(auto names, files_.List(directory_));
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(kSegmentSuffix); });
  for (size_t i = 0; i < names.size(); ++i) {
    FEEDMILL_TRY(RecoverSegment(names[i], i + 1 < names.size() ? OffsetOfSegmentName(names[i + 1]) : std::nullopt));
  }
  if (names.empty()) {
    auto segment = StartSegment(0);
    if (segment) {
      segments_.push_back(std::move(*segment));
    } else {
      failure_ = segment.error();
    }
  }
  if (segments_.empty()) return Ok();
  current_ = segments_.back();
  begin_ = segments_.front()->header.first_offset;
  end_ = current_->end_offset;
  return Ok();
}

// `end_offset`: where the next segment begins; nothing for the last one.
Status PartitionLog::RecoverSegment(const std::string& name, std::optional<uint64_t> end_offset) {
  mutex_.AssertHeld();  // no other thread knows this log yet
  auto offset = OffsetOfSegmentName(name);
  if (!offset)
    return Corrupt("{}/{} is not a segment's name: 20 digits and {} are allowed", directory_, name, kSegmentSuffix);
  std::string path = directory_ + "/" + name;
  auto header = ReadHeader(files_, path);
  FEEDMILL_ASSIGN(uint64_t size, files_.FileSize(path));
  const bool damaged = !header && header.error().kind() == ErrorKind::kCorrupt;
  if (damaged && !end_offset && size <= kSegmentHeaderBytes) {
    // A segment's header is synced before its first record is written: this one never held any, and is begun again; now
    // or once there is space.
    auto segment = StartSegment(*offset);
    if (!segment) {
      failure_ = segment.error();
      begin_ = end_ = *offset;
      if (segments_.empty()) return Ok();
      segments_.back()->end_offset = *offset;
      FEEDMILL_ASSIGN(segments_.back()->end_bytes, files_.FileSize(segments_.back()->path));
      return Ok();
    }
    header = (*segment)->header;
  } else if (damaged) {
    header = SetAside(*offset, end_offset, header.error());
  }
  if (!header) return std::unexpected(header.error());
  FEEDMILL_TRY(AddSegment(path, *offset, *header));
  if (end_offset) return Ok();
  Status cut = CutTornTail(*segments_.back());
  if (cut || cut.error().kind() != ErrorKind::kCorrupt) return cut;
  segments_.pop_back();
  FEEDMILL_ASSIGN(const SegmentHeader written, SetAside(*offset, std::nullopt, cut.error()));
  FEEDMILL_TRY(AddSegment(path, *offset, written));
  return CutTornTail(*segments_.back());
}

Status PartitionLog::AddSegment(const std::string& path, uint64_t first_offset, const SegmentHeader& header) {
  if (header.first_offset != first_offset || header.partition != partition_) {
    return Corrupt("{} byte 0: header is of partition {} record {}, the file's name is of partition {} record {}", path,
                   header.partition, header.first_offset, partition_, first_offset);
  }
  if (!segments_.empty()) segments_.back()->end_offset = first_offset;
  segments_.push_back(
      std::make_shared<Segment>(Segment{path, header, first_offset, 0, {{first_offset, kSegmentHeaderBytes}}}));
  return Ok();
}

// Finds the end of the last segment, cuts what is torn, and makes sure that all that is left is on disk before anybody
// reads it: a group may have reached the page cache and not the disk when the process died.
Status PartitionLog::CutTornTail(Segment& segment) {
  FEEDMILL_ASSIGN(uint64_t size, files_.FileSize(segment.path));
  FEEDMILL_ASSIGN(auto reader, files_.OpenForRead(segment.path));
  FEEDMILL_ASSIGN(SegmentScan scan, ScanSegment(*reader, segment.path, segment.header, size));
  if (scan.valid_bytes < size) FEEDMILL_TRY(files_.Truncate(segment.path, scan.valid_bytes));
  segment.end_bytes = scan.valid_bytes;
  segment.end_offset = scan.next_offset;
  FEEDMILL_ASSIGN(file_, files_.OpenForAppend(segment.path));
  FEEDMILL_TRY(file_->Sync());
  return files_.SyncDirectory(directory_);
}

// Creates the file with its header, durable, and opens it for appending.
Result<std::shared_ptr<Segment>> PartitionLog::StartSegment(uint64_t first_offset) {
  SegmentHeader header{partition_, first_offset, clock_.Now(), RandomSalt()};
  std::string path = SegmentPath(first_offset);
  FEEDMILL_ASSIGN(auto file, files_.CreateTruncated(path));
  FEEDMILL_TRY(file->Append(EncodeSegmentHeader(header)));
  FEEDMILL_TRY(file->Sync());
  FEEDMILL_TRY(files_.SyncDirectory(directory_));
  file_ = std::move(file);
  return std::make_shared<Segment>(
      Segment{path, header, first_offset, kSegmentHeaderBytes, {{first_offset, kSegmentHeaderBytes}}});
}

}  // namespace feedmill::ingest
