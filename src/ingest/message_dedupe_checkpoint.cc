// The checkpoint of MessageDedupe: header, offsets, entries, CRC32C of all before it. Little endian, a file of this
// machine only: a lost or damaged one is rebuilt from the log.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.h"
#include "ingest/message_dedupe.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kMagic = "FMDEDUP2";
constexpr size_t kChunkBytes = 1 << 20;
constexpr size_t kHeaderBytes = 48;
constexpr uint64_t kPartitionsMax = 1024;

struct Header {
  char magic[8];
  uint64_t seed;
  int64_t start;
  int64_t interval;
  uint64_t entry_bytes;
  uint64_t partitions;
};
static_assert(sizeof(Header) == kHeaderBytes);

std::string_view BytesOf(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

// Appends to a file and keeps the checksum.
class CheckedWriter {
 public:
  explicit CheckedWriter(io::WritableFile& file) : file_(file) {}

  Status Put(std::string_view bytes) {
    crc_ = Crc32c(bytes, crc_);
    return file_.Append(bytes);
  }
  uint32_t crc() const { return crc_; }

 private:
  io::WritableFile& file_;
  uint32_t crc_ = 0;
};

// Reads a file from its start and keeps the checksum.
class CheckedReader {
 public:
  explicit CheckedReader(const io::ReadableFile& file) : file_(file) {}

  Status Get(size_t length, std::string* out) {
    FEEDMILL_TRY(file_.ReadAt(position_, length, out));
    if (out->size() != length)
      return Corrupt("byte {}: {} bytes are missing", position_ + out->size(), length - out->size());
    position_ += length;
    crc_ = Crc32c(*out, crc_);
    return Ok();
  }
  uint32_t crc() const { return crc_; }

 private:
  const io::ReadableFile& file_;
  uint64_t position_ = 0;
  uint32_t crc_ = 0;
};

}  // namespace

Status MessageDedupe::Save(io::FileSystem& files, const std::string& path,
                           const std::vector<uint64_t>& next_offsets) const {
  std::string temporary = path + ".tmp";
  FEEDMILL_ASSIGN(auto file, files.CreateTruncated(temporary));
  CheckedWriter writer(*file);
  Header header{{}, seed_, start_, interval_, sizeof(Entry), next_offsets.size()};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  FEEDMILL_TRY(writer.Put(BytesOf(&header, sizeof header)));
  FEEDMILL_TRY(writer.Put(BytesOf(next_offsets.data(), next_offsets.size() * sizeof(uint64_t))));
  std::string chunk;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    for (const Entry& entry : shard.entries) {
      if (entry.low_and_age != 0) chunk += BytesOf(&entry, sizeof entry);
    }
    if (chunk.size() < kChunkBytes) continue;
    FEEDMILL_TRY(writer.Put(chunk));
    chunk.clear();
  }
  FEEDMILL_TRY(writer.Put(chunk));
  uint32_t crc = writer.crc();
  FEEDMILL_TRY(file->Append(BytesOf(&crc, sizeof crc)));
  FEEDMILL_TRY(file->Sync());
  FEEDMILL_TRY(file->Close());
  FEEDMILL_TRY(files.Rename(temporary, path));
  size_t slash = path.rfind('/');
  return files.SyncDirectory(slash == std::string::npos ? "." : path.substr(0, slash));
}

Result<std::vector<uint64_t>> MessageDedupe::Load(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(bool exists, files.Exists(path));
  if (!exists) return NotFound("{} does not exist", path);
  FEEDMILL_ASSIGN(auto file, files.OpenForRead(path));
  FEEDMILL_ASSIGN(uint64_t size, file->Size());
  auto bad = [&](std::string_view what) { return Corrupt("{}: {}", path, what); };
  CheckedReader reader(*file);
  std::string bytes;
  if (auto got = reader.Get(kHeaderBytes, &bytes); !got) return bad(got.error().message());
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (BytesOf(header.magic, sizeof header.magic) != kMagic) return bad("byte 0: does not begin with FMDEDUP2");
  uint64_t fixed = kHeaderBytes + sizeof(uint32_t);
  if (header.interval != interval_ || header.entry_bytes != sizeof(Entry) || header.partitions > kPartitionsMax ||
      size < fixed + header.partitions * sizeof(uint64_t)) {
    return bad("byte 8: made with another horizon, or cut");
  }
  uint64_t left = size - fixed - header.partitions * sizeof(uint64_t);
  if (left % sizeof(Entry) != 0) return bad("its length is not that of whole entries");
  if (auto got = reader.Get(header.partitions * sizeof(uint64_t), &bytes); !got) return bad(got.error().message());
  std::vector<uint64_t> next_offsets(header.partitions);
  std::memcpy(next_offsets.data(), bytes.data(), bytes.size());

  uint64_t seed = std::exchange(seed_, header.seed);
  Micros start = std::exchange(start_, header.start);
  Status read = Ok();
  while (left > 0 && read) {
    size_t length = std::min<uint64_t>(left, kChunkBytes);
    read = reader.Get(length, &bytes);
    left -= length;
    for (size_t at = 0; read && at < bytes.size(); at += sizeof(Entry)) {
      Entry entry;
      std::memcpy(&entry, bytes.data() + at, sizeof entry);
      Adopt(entry);
    }
  }
  uint32_t crc = reader.crc();
  if (read) read = reader.Get(sizeof crc, &bytes);
  if (read && std::memcmp(bytes.data(), &crc, sizeof crc) != 0) read = bad("its checksum does not match its bytes");
  if (read) return next_offsets;
  // Nothing of it may stay: a wrong entry would hide an event.
  for (Shard& shard : shards_) {
    shard.entries.clear();
    shard.used = 0;
    shard.newest = 0;
  }
  size_ = 0;
  seed_ = seed;
  start_ = start;
  return bad(read.error().message());
}

void MessageDedupe::Adopt(const Entry& entry) {
  if ((entry.low_and_age & 0xffff) == 0) return;
  Shard& shard = shards_[entry.high >> 56];
  std::lock_guard lock(shard.mutex);
  MessageHash hash{entry.high, entry.low_and_age & ~uint64_t{0xffff}};
  if (!Contains(shard, hash)) Insert(shard, hash, entry.low_and_age & 0xffff);
}

}  // namespace feedmill::ingest
