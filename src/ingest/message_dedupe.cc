#include "ingest/message_dedupe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <xxhash.h>

namespace feedmill::ingest {
namespace {

constexpr uint64_t kAgeMask = 0xffff;
constexpr int64_t kIntervalsPerHorizon = 64;
constexpr size_t kEntriesMin = 16;

}  // namespace

void DedupeClaim::WhenSettled(std::function<void(bool)> then) {
  MutexLock lock(mutex_);
  if (!settled_) return void(waiting_.push_back(std::move(then)));
  const bool durable = durable_;  // never changes once settled
  lock.Unlock();
  then(durable);
}

MessageDedupe::MessageDedupe(const DedupeOptions& options, Micros now)
    : options_(options),
      interval_(std::max<Micros>(1, options.horizon / kIntervalsPerHorizon)),
      start_(now - options.horizon),
      entries_max_(std::max(kEntriesMin, std::bit_floor(options.bytes_max / kShards / sizeof(Entry)))),
      tables_(kShards * entries_max_ * sizeof(Entry)) {
  std::random_device device;
  seed_ = uint64_t{device()} << 32 | device();
}

MessageDedupe::~MessageDedupe() = default;

MessageHash MessageDedupe::HashOf(std::string_view message_id) const {
  XXH128_hash_t hash = XXH3_128bits_withSeed(message_id.data(), message_id.size(), seed_);
  return {hash.high64, hash.low64 & ~kAgeMask};
}

uint64_t MessageDedupe::AgeOf(Micros time) const {
  return static_cast<uint64_t>(std::clamp<Micros>(1 + (time - start_) / interval_, 1, static_cast<Micros>(kAgeMask)));
}

MessageDedupe::Finding MessageDedupe::Claim(std::string_view message_id, const std::shared_ptr<DedupeClaim>& claim,
                                            std::shared_ptr<DedupeClaim>* holder) {
  MessageHash hash = HashOf(message_id);
  Shard& shard = ShardOf(hash);
  MutexLock lock(shard.mutex);
  if (Contains(shard, hash)) return Finding::kDurable;
  auto [found, claimed] = shard.in_flight.try_emplace(hash, claim);
  if (!claimed) {
    *holder = found->second;
    return Finding::kInFlight;
  }
  claim->hashes_.push_back(hash);
  return Finding::kNew;
}

void MessageDedupe::Settle(DedupeClaim& claim, bool durable, Micros now) {
  uint64_t age = AgeOf(now);
  for (const MessageHash& hash : claim.hashes_) {
    Shard& shard = ShardOf(hash);
    MutexLock lock(shard.mutex);
    if (durable) Insert(shard, hash, age);
    shard.in_flight.erase(hash);
  }
  std::vector<std::function<void(bool)>> waiting;
  {
    MutexLock lock(claim.mutex_);
    claim.settled_ = true;
    claim.durable_ = durable;
    waiting.swap(claim.waiting_);
  }
  for (auto& then : waiting) then(durable);
}

void MessageDedupe::Insert(std::string_view message_id, Micros received_time) {
  MessageHash hash = HashOf(message_id);
  Shard& shard = ShardOf(hash);
  MutexLock lock(shard.mutex);
  if (!Contains(shard, hash)) Insert(shard, hash, AgeOf(received_time));
}

bool MessageDedupe::Contains(const Shard& shard, const MessageHash& hash) const {
  if (shard.entries.empty()) return false;
  size_t mask = shard.entries.size() - 1;
  for (size_t at = hash.high & mask; shard.entries[at].low_and_age != 0; at = (at + 1) & mask) {
    const Entry& entry = shard.entries[at];
    if (entry.high == hash.high && (entry.low_and_age & ~kAgeMask) == hash.low) return true;
  }
  return false;
}

void MessageDedupe::Insert(Shard& shard, const MessageHash& hash, uint64_t age) {
  shard.newest = std::max(shard.newest, age);
  if ((shard.used + 1) * 4 > shard.entries.size() * 3) Rebuild(shard);
  Place(shard.entries, {hash.high, hash.low | age});
  if (journaling_.load(std::memory_order_relaxed)) shard.fresh.push_back({hash.high, hash.low | age});
  ++shard.used;
  size_.fetch_add(1, std::memory_order_relaxed);
}

void MessageDedupe::Place(std::span<Entry> entries, const Entry& entry) {
  size_t mask = entries.size() - 1;
  size_t at = entry.high & mask;
  while (entries[at].low_and_age != 0) at = (at + 1) & mask;
  entries[at] = entry;
}

size_t MessageDedupe::LongestSearch() const {
  size_t longest = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    size_t run = 0;
    for (const Entry& entry : shard.entries) {
      run = entry.low_and_age == 0 ? 0 : run + 1;
      longest = std::max(longest, run);
    }
  }
  return longest;
}

// Makes room: leaves out what is past the horizon, doubles the table, and at the memory bound leaves out the oldest
// half too.
void MessageDedupe::Rebuild(Shard& shard) {
  uint64_t oldest = shard.newest > kIntervalsPerHorizon ? shard.newest - kIntervalsPerHorizon : 0;
  std::vector<Entry> kept;
  for (const Entry& entry : shard.entries) {
    if (entry.low_and_age != 0 && (entry.low_and_age & kAgeMask) >= oldest) kept.push_back(entry);
  }
  size_t kept_max = entries_max_ / 2;
  if (kept.size() > kept_max) {
    // Of one age, which is all of them in a large import, any half: the first half of the table put back in its place
    // would leave no gap there, and each search would run through all of it.
    std::shuffle(kept.begin(), kept.end(), std::minstd_rand(static_cast<uint32_t>(seed_ ^ shard.used)));
    auto newer = [](const Entry& a, const Entry& b) { return (a.low_and_age & kAgeMask) > (b.low_and_age & kAgeMask); };
    std::nth_element(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(kept_max), kept.end(), newer);
    forgotten_.fetch_add(kept.size() - kept_max, std::memory_order_relaxed);
    kept.resize(kept_max);
  }
  SetRoom(shard, std::clamp(std::bit_ceil(kept.size() * 2 + 1), kEntriesMin, entries_max_));
  for (const Entry& entry : kept) Place(shard.entries, entry);
  size_.fetch_sub(shard.used - kept.size(), std::memory_order_relaxed);
  shard.used = kept.size();
}

// Of empty entries.
void MessageDedupe::SetRoom(Shard& shard, size_t room) {
  const size_t begin = static_cast<size_t>(&shard - shards_.data()) * entries_max_ * sizeof(Entry);
  const size_t had = shard.entries.size_bytes();
  shard.entries = {reinterpret_cast<Entry*>(tables_.data() + begin), room};
  const size_t used_again = std::min(had, shard.entries.size_bytes());  // beyond what it had all is zero
  std::memset(tables_.data() + begin, 0, used_again);
  tables_.Clear(begin + used_again, had - used_again);
}

}  // namespace feedmill::ingest
