// Memory within a budget. What was not touched lately is written to files and comes back when it is read: nothing is
// lost, and what is kept in all may be far more than the budget. Owners register what they can give up and say how much
// they hold; the clock hand goes over all of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::features {

// Where cold bytes stand; the owner keeps the checksum, so that no bytes but its own pass for them.
struct ColdPlace {
  uint32_t segment = 0;  // 0: nowhere
  uint32_t offset = 0;
  uint32_t size = 0;
  uint32_t checksum = 0;
};

// Reads what ColdFiles wrote, with files of its own: also in a copy of the process. One thread.
class ColdReader {
 public:
  ColdReader(io::FileSystem& files, std::string folder) : files_(&files), folder_(std::move(folder)) {}
  // kCorrupt when the bytes are not those that were written.
  Status Read(const ColdPlace& place, std::string* bytes);

 private:
  io::FileSystem* files_;
  std::string folder_;
  std::map<uint32_t, std::unique_ptr<io::ReadableFile>> segments_;
};

// Files of one process that mean nothing to the next: a folder of its own, removed with it. Appending and dropping by
// one thread with no reader beside; reading by many.
class ColdFiles {
 public:
  static Result<std::unique_ptr<ColdFiles>> Create(io::FileSystem& files, std::string folder);
  ~ColdFiles();
  Result<ColdPlace> Append(std::string_view bytes);
  // Ends the process when the bytes are not those that were written: the next start makes the state from its
  // checkpoint, which has checksums of its own; going on without them would answer with wrong numbers.
  void Read(const ColdPlace& place, std::string* bytes) const;
  void Drop(const ColdPlace& place);
  void RemoveEmpty();  // files of which all is dropped
  // A segment worth writing anew because most of it is dropped; 0: none.
  uint32_t SparseSegment() const;
  uint64_t bytes() const { return bytes_; }
  ColdReader Reader() const { return {files_, folder_}; }

 private:
  struct Segment {
    std::unique_ptr<io::ReadableFile> file;
    uint64_t size = 0;
    uint64_t live = 0;
  };
  ColdFiles(io::FileSystem& files, std::string folder) : files_(files), folder_(std::move(folder)) {}
  Status NewSegment();

  io::FileSystem& files_;
  const std::string folder_;
  std::unique_ptr<io::WritableFile> writing_;
  std::map<uint32_t, Segment> segments_;
  uint32_t current_ = 0;
  bool has_empty_ = false;
  std::atomic<uint64_t> bytes_{0};
};

// Something that can be given up piece by piece. Called by BoundedMemory::Trim only.
class Evictable {
 public:
  virtual ~Evictable() = default;
  virtual size_t pieces() const = 0;
  // Goes on over the next `looks` pieces: gives up those not touched since the last look.
  virtual Status EvictSome(size_t looks) = 0;
  // Writes what stands in this segment somewhere else.
  virtual Status MoveOutOf(uint32_t segment) = 0;
};

class BoundedMemory {
 public:
  // No budget (0): nothing is ever given up, and `folder` is not made.
  BoundedMemory(io::FileSystem& files, std::string folder, uint64_t budget)
      : files_(files), folder_(std::move(folder)), budget_(budget) {}

  void Add(Evictable* owner) { owners_.push_back(owner); }
  void Remove(Evictable* owner) { std::erase(owners_, owner); }
  // Any thread: bytes that an owner holds more, or fewer.
  void Grew(int64_t bytes) { held_.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed); }

  uint64_t held() const { return held_.load(std::memory_order_relaxed); }
  uint64_t budget() const { return budget_; }
  uint64_t cold_bytes() const { return cold_ == nullptr ? 0 : cold_->bytes(); }
  bool IsOver(uint64_t fixed) const { return budget_ != 0 && held() + fixed > budget_; }
  // Gives up until what is held and `fixed`, which cannot be given up, are within the budget. Nobody reads meanwhile. A
  // disk that takes nothing is told once; then memory grows beyond the budget rather than lose anything.
  void Trim(uint64_t fixed);
  // For owners, inside Trim and when they read back.
  ColdFiles& cold() const { return *cold_; }
  // Null when nothing is cold.
  std::unique_ptr<ColdReader> NewReader() const {
    return cold_ == nullptr ? nullptr : std::make_unique<ColdReader>(cold_->Reader());
  }
  // While held, files stay as they are, for a reader in a copy of the process.
  void HoldFiles(bool hold) { holds_.fetch_add(hold ? 1 : -1); }

 private:
  Result<size_t> TrimOnce();  // how many pieces it looked at, and one
  void Compact();

  io::FileSystem& files_;
  const std::string folder_;
  const uint64_t budget_;
  std::unique_ptr<ColdFiles> cold_;
  std::vector<Evictable*> owners_;
  size_t next_owner_ = 0;
  std::atomic<uint64_t> held_{0};
  std::atomic<int> holds_{0};
  bool failing_ = false;
};

}  // namespace feedmill::features
