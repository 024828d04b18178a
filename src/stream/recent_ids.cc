#include <utility>

#include "base/prefetch.h"
#include "stream/recent_ids_internal.h"

namespace feedmill::stream {
namespace {

constexpr size_t kSlots = 1 << 20;  // at most half full
constexpr uint32_t kPlaceBits = 19;
constexpr uint32_t kPlaceMask = (1U << kPlaceBits) - 1;
static_assert(RecentIds::kGeneration <= kPlaceMask);

// Bits of the hash that do not choose the slot: with them, hardly a slot of another hash needs its whole hash read.
uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32) & ~kPlaceMask; }

}  // namespace

bool RecentIds::Generation::Contains(uint64_t hash) const {
  if (slots.empty()) return false;
  for (size_t i = hash & (kSlots - 1); slots[i] != 0; i = (i + 1) & (kSlots - 1)) {
    if ((slots[i] & ~kPlaceMask) == TagOf(hash) && hashes[(slots[i] & kPlaceMask) - 1] == hash) return true;
  }
  return false;
}

void RecentIds::Generation::Add(uint64_t hash) {
  if (slots.empty()) slots.resize(kSlots);
  size_t i = hash & (kSlots - 1);
  while (slots[i] != 0) i = (i + 1) & (kSlots - 1);
  hashes.push_back(hash);
  slots[i] = TagOf(hash) | static_cast<uint32_t>(hashes.size());
}

bool RecentIds::Add(uint64_t hash) {
  if (current_.Contains(hash) || former_.Contains(hash)) return false;
  if (current_.hashes.size() == kGeneration) {
    std::swap(current_, former_);
    current_.hashes.clear();
    std::fill(current_.slots.begin(), current_.slots.end(), 0);
  }
  current_.Add(hash);
  return true;
}

void RecentIds::Prefetch(uint64_t hash) const {
  for (const Generation* generation : {&current_, &former_})
    if (!generation->slots.empty()) feedmill::Prefetch(&generation->slots[hash & (kSlots - 1)]);
}

uint64_t RecentIds::MemoryBytes() const {
  uint64_t bytes = 0;
  for (const Generation* g : {&current_, &former_})
    bytes += g->hashes.capacity() * sizeof(uint64_t) + g->slots.capacity() * sizeof(uint32_t);
  return bytes;
}

void RecentIds::Write(BodyWriter* writer) const {
  writer->PutArray(former_.hashes);
  writer->PutArray(current_.hashes);
}

Status RecentIds::Read(BodyReader* reader) {
  for (Generation* generation : {&former_, &current_}) {
    std::vector<uint64_t> hashes;
    FEEDMILL_TRY(reader->GetArray(&hashes));
    if (hashes.size() > kGeneration) return Corrupt("body: {} recent ids; allowed are {}", hashes.size(), kGeneration);
    for (const uint64_t hash : hashes) generation->Add(hash);
  }
  return Ok();
}

}  // namespace feedmill::stream
