// Which messages the log has already: keeps a client's retry from entering twice. By hashes of 112 bits under a random
// seed, so that neither chance (10^9 ids: 10^-16) nor a sender who picks ids can make a new event look like a known
// one. What it forgets (horizon, memory bound, lost checkpoint) enters the log again and is left out by the warehouse's
// own deduplication.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/unforked_memory.h"
#include "io/file_system.h"

namespace feedmill::ingest {

struct DedupeOptions {
  Micros horizon = 7 * kMicrosPerDay;
  size_t bytes_max =
      512 << 20;  // 16 bytes an id at a load of at most 3/4: about 20 million ids; beyond it the oldest are forgotten
};

struct MessageHash {
  uint64_t high = 0;
  uint64_t low = 0;  // its 16 lowest bits are not used
  friend bool operator==(const MessageHash&, const MessageHash&) = default;
};

// The ids that one request has claimed and not yet settled.
class DedupeClaim {
 public:
  // Calls `then` with whether the claimed messages became durable: now, when that is known, otherwise later on the
  // settling thread.
  void WhenSettled(std::function<void(bool durable)> then);

 private:
  friend class MessageDedupe;
  std::vector<MessageHash> hashes_;  // claiming thread, then settling thread
  Mutex mutex_;
  bool settled_ FEEDMILL_GUARDED_BY(mutex_) = false;
  bool durable_ FEEDMILL_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void(bool)>> waiting_ FEEDMILL_GUARDED_BY(mutex_);
};

class MessageDedupe {
 public:
  MessageDedupe(const DedupeOptions& options, Micros now);
  ~MessageDedupe();

  enum class Finding {
    kNew,       // claimed by `claim`: the caller must append it and settle
    kDurable,   // in the log already
    kInFlight,  // claimed by `*holder` (which may be `claim` itself): durable when that one settles so
  };
  // Any thread.
  Finding Claim(std::string_view message_id, const std::shared_ptr<DedupeClaim>& claim,
                std::shared_ptr<DedupeClaim>* holder);
  // Ends the claim: its ids are known as durable from now on, or free again. Exactly once a claim. Any thread.
  void Settle(DedupeClaim& claim, bool durable, Micros now);
  // Takes an id read from the log.
  void Insert(std::string_view message_id, Micros received_time);

  uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  // Ids left out before the horizon because of bytes_max.
  uint64_t forgotten() const { return forgotten_.load(std::memory_order_relaxed); }
  // Entries that the longest search can pass. Reads all tables. Any thread.
  size_t LongestSearch() const;

  // A checkpoint holds what was inserted before the call began, and `next_offsets`: the log's next record of each
  // partition as the caller read it before the call. It is a file of all ids and a journal (`path`.journal) of those
  // that came since; Save() writes what is new to the journal, nothing when no offset moved, and all of them once the
  // journal holds as many: 32 bytes an id altogether. A crash leaves this checkpoint or a former one. One thread at a
  // time; after an error the next one writes all.
  Status Save(io::FileSystem& files, const std::string& path, const std::vector<uint64_t>& next_offsets);
  // Call before any other use. Returns next_offsets; kNotFound, or kCorrupt naming file and fault: then nothing was
  // loaded. A torn end of the journal is cut off.
  Result<std::vector<uint64_t>> Load(io::FileSystem& files, const std::string& path);

 private:
  static constexpr size_t kShards = 256;
  struct Entry {
    uint64_t high = 0;
    uint64_t low_and_age = 0;  // low bits of the hash, and when: intervals since start_ plus one, 0 = empty
  };
  struct HashOfHash {
    size_t operator()(const MessageHash& hash) const { return hash.high ^ hash.low; }
  };
  struct Shard {
    mutable Mutex mutex;
    std::span<Entry> entries FEEDMILL_GUARDED_BY(mutex);  // open addressing, a power of two of them, in tables_
    std::vector<Entry> fresh FEEDMILL_GUARDED_BY(mutex);  // inserted since the last checkpoint, while journaling_
    size_t used FEEDMILL_GUARDED_BY(mutex) = 0;
    uint64_t newest FEEDMILL_GUARDED_BY(mutex) = 0;  // highest age stored
    std::unordered_map<MessageHash, std::shared_ptr<DedupeClaim>, HashOfHash> in_flight FEEDMILL_GUARDED_BY(mutex);
  };

  MessageHash HashOf(std::string_view message_id) const;
  Shard& ShardOf(const MessageHash& hash) { return shards_[hash.high >> 56]; }
  uint64_t AgeOf(Micros time) const;
  bool Contains(const Shard& shard, const MessageHash& hash) const FEEDMILL_REQUIRES(shard.mutex);
  void Insert(Shard& shard, const MessageHash& hash, uint64_t age) FEEDMILL_REQUIRES(shard.mutex);
  void Rebuild(Shard& shard) FEEDMILL_REQUIRES(shard.mutex);
  void SetRoom(Shard& shard, size_t room) FEEDMILL_REQUIRES(shard.mutex);
  static void Place(std::span<Entry> entries, const Entry& entry);
  void Adopt(const Entry& entry);
  Status SaveAll(io::FileSystem& files, const std::string& path, const std::vector<uint64_t>& next_offsets);
  Status SaveFresh(const std::vector<uint64_t>& next_offsets);
  Result<std::vector<uint64_t>> LoadAll(io::FileSystem& files, const std::string& path);
  Result<std::vector<uint64_t>> LoadJournal(io::FileSystem& files, const std::string& path,
                                            std::vector<uint64_t> next_offsets);
  void Forget();

  const DedupeOptions options_;
  const Micros interval_;  // resolution of ages
  Micros start_;
  uint64_t seed_;
  const size_t entries_max_;  // of a shard
  UnforkedMemory tables_;     // each shard's has the room of entries_max_
  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> size_ = 0;
  std::atomic<uint64_t> forgotten_ = 0;

  // Thread of Save and Load.
  uint64_t file_id_ = 0;  // of the file whose journal is open; 0: the next checkpoint holds all
  std::unique_ptr<io::WritableFile> journal_;
  uint64_t journal_frames_ = 0;
  uint64_t journal_entries_ = 0;
  std::vector<uint64_t> saved_offsets_;
  std::atomic<bool> journaling_ = false;
};

}  // namespace feedmill::ingest
