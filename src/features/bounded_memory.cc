#include "features/bounded_memory.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/hash.h"
#include "base/log.h"

namespace feedmill::features {
namespace {

constexpr uint64_t kSegmentBytes = 64 << 20;
constexpr uint64_t kSparseBytesMin = 64 << 20;  // less than this of dropped bytes is not worth moving
constexpr size_t kLooksMin = 8;                 // of one owner in its turn
constexpr size_t kLooksShare = 128;             // or this part of its pieces
constexpr size_t kLooksMax = 65'536;            // of one Trim, which holds everybody up

std::string PathOf(const std::string& folder, uint32_t segment) { return fmt::format("{}/{:06}", folder, segment); }

Status Check(const ColdPlace& place, const std::string& bytes, const std::string& folder) {
  if (bytes.size() == place.size && Crc32c(bytes) == place.checksum) return Ok();
  return Corrupt("{}: offset {}: {} bytes are not those that were written", PathOf(folder, place.segment), place.offset,
                 place.size);
}

}  // namespace

Status ColdReader::Read(const ColdPlace& place, std::string* bytes) {
  auto& file = segments_[place.segment];
  if (file == nullptr) {
    FEEDMILL_ASSIGN(file, files_->OpenForRead(PathOf(folder_, place.segment)));
  }
  FEEDMILL_TRY(file->ReadAt(place.offset, place.size, bytes));
  return Check(place, *bytes, folder_);
}

Result<std::unique_ptr<ColdFiles>> ColdFiles::Create(io::FileSystem& files, std::string folder) {
  FEEDMILL_TRY(files.RemoveAll(folder));
  FEEDMILL_TRY(files.CreateDirectories(folder));
  return std::unique_ptr<ColdFiles>(new ColdFiles(files, std::move(folder)));
}

ColdFiles::~ColdFiles() {
  writing_.reset();
  segments_.clear();
  (void)files_.RemoveAll(folder_);  // what stays is removed at the next start
}

Status ColdFiles::NewSegment() {
  const std::string path = PathOf(folder_, current_ + 1);
  FEEDMILL_ASSIGN(auto writing, files_.CreateTruncated(path));
  FEEDMILL_ASSIGN(auto reading, files_.OpenForRead(path));
  writing_ = std::move(writing);
  has_empty_ = true;  // the former one may be
  segments_[++current_].file = std::move(reading);
  return Ok();
}

Result<ColdPlace> ColdFiles::Append(std::string_view bytes) {
  if (writing_ == nullptr || segments_[current_].size >= kSegmentBytes) FEEDMILL_TRY(NewSegment());
  Segment& segment = segments_[current_];
  if (Status written = writing_->Append(bytes); !written) {
    writing_.reset();  // whatever of it is there is nobody's; the next one begins a new file
    return std::unexpected(written.error());
  }
  const ColdPlace place{current_, static_cast<uint32_t>(segment.size), static_cast<uint32_t>(bytes.size()),
                        Crc32c(bytes)};
  segment.size += bytes.size();
  segment.live += bytes.size();
  bytes_ += bytes.size();
  return place;
}

void ColdFiles::Read(const ColdPlace& place, std::string* bytes) const {
  const auto segment = segments_.find(place.segment);
  Status read = segment == segments_.end() ? Status(NotFound("{}", PathOf(folder_, place.segment)))
                                           : segment->second.file->ReadAt(place.offset, place.size, bytes);
  if (read) read = Check(place, *bytes, folder_);
  if (read) return;
  log::Error("cold memory cannot be read back; the process ends and its next start reads the checkpoint",
             {{"why", read.error().ToString()}});
  std::abort();
}

void ColdFiles::Drop(const ColdPlace& place) {
  if (place.segment == 0) return;
  Segment& segment = segments_[place.segment];
  segment.live -= place.size;
  has_empty_ = has_empty_ || segment.live == 0;
}

void ColdFiles::RemoveEmpty() {
  if (!std::exchange(has_empty_, false)) return;
  std::erase_if(segments_, [this](const auto& entry) {
    if (entry.first == current_ || entry.second.live != 0) return false;
    bytes_ -= entry.second.size;
    (void)files_.Remove(PathOf(folder_, entry.first));
    return true;
  });
}

uint32_t ColdFiles::SparseSegment() const {
  uint64_t live = 0;
  uint32_t sparsest = 0;
  double least = 0.5;
  for (const auto& [number, segment] : segments_) {
    live += segment.live;
    if (number == current_ || segment.size == 0) continue;
    const double share = static_cast<double>(segment.live) / static_cast<double>(segment.size);
    if (share < least) {
      least = share;
      sparsest = number;
    }
  }
  return bytes_ > 2 * live + kSparseBytesMin ? sparsest : 0;
}

Result<size_t> BoundedMemory::TrimOnce() {
  if (cold_ == nullptr) {
    FEEDMILL_ASSIGN(cold_, ColdFiles::Create(files_, folder_));
  }
  Evictable* owner = owners_[next_owner_++ % owners_.size()];
  const size_t looks = std::min(owner->pieces(), std::max(kLooksMin, owner->pieces() / kLooksShare));
  FEEDMILL_TRY(owner->EvictSome(looks));
  return looks + 1;
}

void BoundedMemory::Trim(uint64_t fixed) {
  // A copy of the process may read any file that is there now.
  if (!IsOver(fixed) || owners_.empty() || holds_.load() > 0) return;
  for (size_t looks = 0; looks < kLooksMax && IsOver(fixed);) {
    const Result<size_t> looked = TrimOnce();
    if (!looked && !std::exchange(failing_, true))
      log::Error("cold memory cannot be written; memory grows beyond its budget", {{"why", looked.error().ToString()}});
    if (!looked) return;
    failing_ = false;
    looks += *looked;
  }
  Compact();
}

void BoundedMemory::Compact() {
  cold_->RemoveEmpty();
  const uint32_t segment = cold_->SparseSegment();
  if (segment == 0) return;
  for (Evictable* owner : owners_) {
    if (const Status moved = owner->MoveOutOf(segment); !moved)
      return log::Warn("cold memory was not moved together", {{"why", moved.error().ToString()}});
  }
}

}  // namespace feedmill::features
