// Hashes of the messageIds of the last kGeneration to 2 * kGeneration events: what slipped past the collector's own
// check twice is applied once. Two generations; a full one replaces the older.
#pragma once

#include <cstdint>
#include <vector>

#include "features/body_codec.h"

namespace feedmill::stream {

using features::BodyReader;
using features::BodyWriter;

class RecentIds {
 public:
  static constexpr size_t kGeneration = 500'000;

  // False when the hash is among the recent ones.
  bool Add(uint64_t hash);
  void Prefetch(uint64_t hash) const;
  uint64_t MemoryBytes() const;
  void Write(BodyWriter* writer) const;
  Status Read(BodyReader* reader);

 private:
  struct Generation {
    std::vector<uint64_t> hashes;  // in order of arrival
    std::vector<uint32_t> slots;   // open addressing: place in hashes + 1 with some bits of the hash above it
    bool Contains(uint64_t hash) const;
    void Add(uint64_t hash);
  };
  Generation current_;
  Generation former_;
};

}  // namespace feedmill::stream
