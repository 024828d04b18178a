#include <random>

#include "ingest/partition_log_internal.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kSegmentSuffix = ".seg";
constexpr size_t kNameDigits = 20;

// The first offset that a segment's name stands for; nothing when it is no segment's name.
std::optional<uint64_t> OffsetOfName(std::string_view name) {
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

Result<SegmentHeader> ReadHeader(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(auto file, files.OpenForRead(path));
  std::string bytes;
  FEEDMILL_TRY(file->ReadAt(0, kSegmentHeaderBytes, &bytes));
  auto header = DecodeSegmentHeader(bytes);
  if (!header) return std::unexpected(header.error().WithContext(path + " byte 0"));
  return header;
}

}  // namespace

std::string PartitionLog::SegmentPath(uint64_t first_offset) const {
  return fmt::format("{}/{:020}{}", directory_, first_offset, kSegmentSuffix);
}

Status PartitionLog::Recover() {
  FEEDMILL_TRY(files_.CreateDirectories(directory_));
  FEEDMILL_ASSIGN(auto names, files_.List(directory_));
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(kSegmentSuffix); });
  for (const auto& name : names) FEEDMILL_TRY(RecoverSegment(name, &name == &names.back()));
  if (names.empty()) {
    FEEDMILL_ASSIGN(auto segment, StartSegment(0));
    segments_.push_back(std::move(segment));
  }
  current_ = segments_.back();
  begin_ = segments_.front()->header.first_offset;
  end_ = current_->end_offset;
  return Ok();
}

Status PartitionLog::RecoverSegment(const std::string& name, bool last) {
  auto offset = OffsetOfName(name);
  if (!offset)
    return Corrupt("{}/{} is not a segment's name: 20 digits and {} are allowed", directory_, name, kSegmentSuffix);
  std::string path = directory_ + "/" + name;
  auto header = ReadHeader(files_, path);
  FEEDMILL_ASSIGN(uint64_t size, files_.FileSize(path));
  if (!header && header.error().kind() == ErrorKind::kCorrupt && last && size <= kSegmentHeaderBytes) {
    // A segment's header is synced before its first record is written: this one never held any.
    FEEDMILL_ASSIGN(auto segment, StartSegment(*offset));
    header = segment->header;
    size = kSegmentHeaderBytes;
  }
  if (!header) return std::unexpected(header.error());
  if (header->first_offset != *offset || header->partition != partition_) {
    return Corrupt("{} byte 0: header is of partition {} record {}, the file's name is of partition {} record {}", path,
                   header->partition, header->first_offset, partition_, *offset);
  }
  auto segment = std::make_shared<Segment>(Segment{path, *header, *offset, 0, {{*offset, kSegmentHeaderBytes}}});
  if (!segments_.empty()) segments_.back()->end_offset = *offset;
  segments_.push_back(segment);
  return last ? CutTornTail(*segment) : Ok();
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
