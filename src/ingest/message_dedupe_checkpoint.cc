// The checkpoint of MessageDedupe. The file: header, offsets, entries, CRC32C of all before it. The journal: header
// with the file's id, then frames: number, counts, offsets, entries, CRC32C of the frame. Little endian, files of this
// machine only: lost or damaged ones are rebuilt from the log.
#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "base/hash.h"
#include "ingest/message_dedupe.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kMagic = "FMDEDUP2";
constexpr size_t kChunkBytes = 1 << 20;
constexpr size_t kHeaderBytes = 56;
constexpr uint64_t kPartitionsMax = 1024;
constexpr std::string_view kJournalMagic = "FMDEDUPJ";
constexpr uint64_t kJournalEntriesMin = 1 << 16;  // a shorter journal is never written anew

struct Header {
  char magic[8];
  uint64_t id;  // random
  uint64_t seed;
  int64_t start;
  int64_t interval;
  uint64_t entry_bytes;
  uint64_t partitions;
};
static_assert(sizeof(Header) == kHeaderBytes);

struct JournalHeader {
  char magic[8];
  uint64_t id;  // of the file that it goes on from
};

struct FrameHeader {
  uint64_t number;  // from 0
  uint64_t partitions;
  uint64_t entries;
};

std::string JournalPath(const std::string& path) { return path + ".journal"; }

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

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

Status MessageDedupe::Save(io::FileSystem& files, const std::string& path, const std::vector<uint64_t>& next_offsets) {
  if (file_id_ != 0 && next_offsets == saved_offsets_) return Ok();  // every new id moved one
  const bool all = file_id_ == 0 || journal_entries_ >= std::max<uint64_t>(kJournalEntriesMin, size());
  Status saved = all ? SaveAll(files, path, next_offsets) : SaveFresh(next_offsets);
  if (saved) {
    saved_offsets_ = next_offsets;
    return Ok();
  }
  // What stands in the files is not known.
  Forget();
  return saved;
}

void MessageDedupe::Forget() {
  file_id_ = 0;
  journal_.reset();
  journaling_ = false;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    shard.fresh = {};
  }
}

// The file first: a journal of another file's id is none.
Status MessageDedupe::SaveAll(io::FileSystem& files, const std::string& path,
                              const std::vector<uint64_t>& next_offsets) {
  std::string temporary = path + ".tmp";
  FEEDMILL_ASSIGN(auto file, files.CreateTruncated(temporary));
  CheckedWriter writer(*file);
  std::random_device device;
  const uint64_t id = (uint64_t{device()} << 32 | device()) | 1;
  Header header{{}, id, seed_, start_, interval_, sizeof(Entry), next_offsets.size()};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  FEEDMILL_TRY(writer.Put(BytesOf(&header, sizeof header)));
  FEEDMILL_TRY(writer.Put(BytesOf(next_offsets.data(), next_offsets.size() * sizeof(uint64_t))));
  journaling_ = true;  // what comes while this is written
  std::string chunk;
  for (Shard& shard : shards_) {
    {
      MutexLock lock(shard.mutex);
      for (const Entry& entry : shard.entries) {
        if (entry.low_and_age != 0) chunk += BytesOf(&entry, sizeof entry);
      }
      shard.fresh.clear();
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
  FEEDMILL_ASSIGN(journal_, files.CreateTruncated(JournalPath(path)));
  JournalHeader journal{{}, id};
  std::memcpy(journal.magic, kJournalMagic.data(), kJournalMagic.size());
  FEEDMILL_TRY(journal_->Append(BytesOf(&journal, sizeof journal)));
  FEEDMILL_TRY(journal_->Sync());
  FEEDMILL_TRY(files.SyncDirectory(FolderOf(path)));
  file_id_ = id;
  journal_frames_ = journal_entries_ = 0;
  return Ok();
}

Status MessageDedupe::SaveFresh(const std::vector<uint64_t>& next_offsets) {
  std::string entries;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    entries += BytesOf(shard.fresh.data(), shard.fresh.size() * sizeof(Entry));
    shard.fresh.clear();
  }
  const FrameHeader header{journal_frames_, next_offsets.size(), entries.size() / sizeof(Entry)};
  std::string frame(BytesOf(&header, sizeof header));
  frame += BytesOf(next_offsets.data(), next_offsets.size() * sizeof(uint64_t));
  frame += entries;
  const uint32_t crc = Crc32c(frame, static_cast<uint32_t>(file_id_));
  frame += BytesOf(&crc, sizeof crc);
  FEEDMILL_TRY(journal_->Append(frame));
  FEEDMILL_TRY(journal_->Sync());
  ++journal_frames_;
  journal_entries_ += header.entries;
  return Ok();
}

Result<std::vector<uint64_t>> MessageDedupe::Load(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(auto next_offsets, LoadAll(files, path));
  auto with_journal = LoadJournal(files, path, next_offsets);
  if (with_journal) return with_journal;
  // The file alone is a checkpoint too.
  Forget();
  return next_offsets;
}

// Takes the frames up to the first that is not whole, and goes on behind them.
Result<std::vector<uint64_t>> MessageDedupe::LoadJournal(io::FileSystem& files, const std::string& path,
                                                         std::vector<uint64_t> next_offsets) {
  FEEDMILL_ASSIGN(const std::string bytes, io::ReadWholeFile(files, JournalPath(path)));
  JournalHeader header;
  if (bytes.size() < sizeof header) return Corrupt("{}: no header", JournalPath(path));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (BytesOf(header.magic, sizeof header.magic) != kJournalMagic || header.id != file_id_)
    return Corrupt("{}: of another checkpoint", JournalPath(path));
  size_t at = sizeof header;
  journal_frames_ = journal_entries_ = 0;
  while (bytes.size() - at >= sizeof(FrameHeader)) {
    FrameHeader frame;
    std::memcpy(&frame, bytes.data() + at, sizeof frame);
    if (frame.number != journal_frames_ || frame.partitions != next_offsets.size() || frame.entries > bytes.size())
      break;
    const size_t offsets = frame.partitions * sizeof(uint64_t), entries = frame.entries * sizeof(Entry);
    const size_t length = sizeof frame + offsets + entries;
    uint32_t crc;
    if (length + sizeof crc > bytes.size() - at) break;
    std::memcpy(&crc, bytes.data() + at + length, sizeof crc);
    if (crc != Crc32c(std::string_view(bytes).substr(at, length), static_cast<uint32_t>(file_id_))) break;
    std::memcpy(next_offsets.data(), bytes.data() + at + sizeof frame, offsets);
    for (size_t i = 0; i < frame.entries; ++i) {
      Entry entry;
      std::memcpy(&entry, bytes.data() + at + sizeof frame + offsets + i * sizeof entry, sizeof entry);
      Adopt(entry);
    }
    at += length + sizeof crc;
    ++journal_frames_;
    journal_entries_ += frame.entries;
  }
  if (at < bytes.size()) FEEDMILL_TRY(files.Truncate(JournalPath(path), at));
  FEEDMILL_ASSIGN(journal_, files.OpenForAppend(JournalPath(path)));
  FEEDMILL_TRY(journal_->Sync());  // what was read may not have been on disk
  saved_offsets_ = next_offsets;
  journaling_ = true;
  return next_offsets;
}

Result<std::vector<uint64_t>> MessageDedupe::LoadAll(io::FileSystem& files, const std::string& path) {
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
  if (read) {
    file_id_ = header.id;
    return next_offsets;
  }
  // Nothing of it may stay: a wrong entry would hide an event.
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    SetRoom(shard, 0);
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
  MutexLock lock(shard.mutex);
  MessageHash hash{entry.high, entry.low_and_age & ~uint64_t{0xffff}};
  if (!Contains(shard, hash)) Insert(shard, hash, entry.low_and_age & 0xffff);
}

}  // namespace feedmill::ingest
