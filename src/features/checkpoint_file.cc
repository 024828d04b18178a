#include "features/checkpoint_file.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace feedmill::features {
namespace {

constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kBufferBytes = 256 << 10;
constexpr uint32_t kVersion = 1;

// Stands at the end, because the body's length is known last.
struct Trailer {
  char magic[8] = {'F', 'M', 'C', 'K', 'P', 'T', '\r', '\n'};
  char kind[8] = {};
  uint32_t version = kVersion;
  uint32_t block_bytes = kBlockBytes;
  uint64_t body_bytes = 0;
  uint32_t table_checksum = 0;
  uint32_t trailer_checksum = 0;  // of the bytes of the trailer before it
};
static_assert(sizeof(Trailer) == 40);

std::string_view BytesOf(const Trailer& trailer) { return {reinterpret_cast<const char*>(&trailer), sizeof trailer}; }
uint32_t ChecksumOf(const Trailer& trailer) {
  return Crc32c(BytesOf(trailer).substr(0, sizeof trailer - sizeof(uint32_t)));
}
std::string_view BytesOf(const std::vector<uint32_t>& table) {
  return {reinterpret_cast<const char*>(table.data()), table.size() * sizeof(uint32_t)};
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<Trailer> ReadTrailer(std::string_view bytes, std::string_view kind) {
  Trailer trailer;
  if (bytes.size() < sizeof trailer)
    return Corrupt("{} bytes; a checkpoint has at least {}", bytes.size(), sizeof trailer);
  const size_t at = bytes.size() - sizeof trailer;
  std::memcpy(&trailer, bytes.data() + at, sizeof trailer);
  const Trailer blank;
  if (std::memcmp(trailer.magic, blank.magic, sizeof blank.magic) != 0)
    return Corrupt("offset {}: no checkpoint ends here", at);
  if (trailer.trailer_checksum != ChecksumOf(trailer))
    return Corrupt("offset {}: checksum of the trailer is wrong", at);
  if (std::string_view(trailer.kind, sizeof trailer.kind) != kind) {
    return Corrupt("offset {}: a checkpoint of kind '{}'; wanted is '{}'", at + 8,
                   std::string_view(trailer.kind, sizeof trailer.kind), kind);
  }
  if (trailer.version != kVersion || trailer.block_bytes != kBlockBytes) {
    return Corrupt("offset {}: version {} with blocks of {}; this program reads version {} with blocks of {}", at + 16,
                   trailer.version, trailer.block_bytes, kVersion, kBlockBytes);
  }
  return trailer;
}

}  // namespace

CheckpointFileWriter::CheckpointFileWriter(io::FileSystem& files, std::string path, std::string_view kind,
                                           std::unique_ptr<io::WritableFile> file)
    : files_(&files), path_(std::move(path)), kind_(kind), file_(std::move(file)) {
  buffer_.reserve(kBufferBytes);
}

Result<CheckpointFileWriter> CheckpointFileWriter::Create(io::FileSystem& files, const std::string& path,
                                                          std::string_view kind) {
  if (kind.size() != sizeof(Trailer::kind))
    return Internal("checkpoint kind '{}' has {} bytes; allowed is 8", kind, kind.size());
  FEEDMILL_ASSIGN(auto file, files.CreateTruncated(path + ".tmp"));
  return CheckpointFileWriter(files, path, kind, std::move(file));
}

void CheckpointFileWriter::Append(std::string_view bytes) {
  body_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const size_t piece = std::min({bytes.size(), kBufferBytes - buffer_.size(), kBlockBytes - in_block_});
    checksum_ = Crc32c(bytes.substr(0, piece), checksum_);
    in_block_ += piece;
    if (in_block_ == kBlockBytes) EndBlock();
    buffer_.append(bytes.substr(0, piece));
    if (buffer_.size() == kBufferBytes) WriteBuffer();
    bytes.remove_prefix(piece);
  }
}

void CheckpointFileWriter::WriteBuffer() {
  if (status_) status_ = file_->Append(buffer_);
  buffer_.clear();
}

void CheckpointFileWriter::EndBlock() {
  checksums_.push_back(checksum_);
  checksum_ = 0;
  in_block_ = 0;
}

Status CheckpointFileWriter::Finish() {
  if (in_block_ > 0) EndBlock();
  Trailer trailer;
  std::memcpy(trailer.kind, kind_.data(), sizeof trailer.kind);
  trailer.body_bytes = body_bytes_;
  trailer.table_checksum = Crc32c(BytesOf(checksums_));
  trailer.trailer_checksum = ChecksumOf(trailer);
  buffer_.append(BytesOf(checksums_));
  buffer_.append(BytesOf(trailer));
  WriteBuffer();
  if (status_) status_ = file_->Sync();
  if (status_) status_ = file_->Close();
  file_.reset();
  const std::string temporary = path_ + ".tmp";
  if (!status_) {
    (void)files_->Remove(temporary);  // what went wrong first is what the caller must hear
    return std::unexpected(status_.error().WithContext(temporary));
  }
  FEEDMILL_TRY(files_->Rename(temporary, path_));
  return files_->SyncDirectory(FolderOf(path_));
}

Result<std::string_view> ParseCheckpoint(std::string_view bytes, std::string_view kind) {
  FEEDMILL_ASSIGN(Trailer trailer, ReadTrailer(bytes, kind));
  const uint64_t room = bytes.size() - sizeof trailer;
  const uint64_t blocks = trailer.body_bytes / kBlockBytes + (trailer.body_bytes % kBlockBytes != 0 ? 1 : 0);
  if (trailer.body_bytes > room || blocks * sizeof(uint32_t) != room - trailer.body_bytes) {
    return Corrupt("offset {}: a body of {} bytes and its {} checksums do not make {} bytes", room + 24,
                   trailer.body_bytes, blocks, room);
  }
  const std::string_view table = bytes.substr(trailer.body_bytes, blocks * sizeof(uint32_t));
  if (Crc32c(table) != trailer.table_checksum)
    return Corrupt("offset {}: checksum of the checksum table is wrong", trailer.body_bytes);
  const std::string_view body = bytes.substr(0, trailer.body_bytes);
  for (uint64_t block = 0; block < blocks; ++block) {
    uint32_t expected;
    std::memcpy(&expected, table.data() + block * sizeof expected, sizeof expected);
    if (Crc32c(body.substr(block * kBlockBytes, kBlockBytes)) != expected) {
      return Corrupt("offset {}: checksum of block {} is wrong", block * kBlockBytes, block);
    }
  }
  return body;
}

Result<CheckpointFile> OpenCheckpointFile(io::FileSystem& files, const std::string& path, std::string_view kind) {
  CheckpointFile file;
  FEEDMILL_ASSIGN(file.mapping, files.Map(path));
  const auto bytes = file.mapping->bytes();
  auto body = ParseCheckpoint({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, kind);
  if (!body) return std::unexpected(body.error().WithContext(path));
  file.body = *body;
  return file;
}

}  // namespace feedmill::features
