// Pages of one size out of huge pages of the machine. Tables of many gigabytes are read at random: with pages from
// malloc, each read waits for the address translation as well.
#pragma once

#include <bitset>
#include <cstddef>
#include <map>
#include <set>

#include "base/mutex.h"

namespace feedmill::features {

// Any thread. What is wholly unused goes back to the machine.
class PagePool {
 public:
  static constexpr size_t kPageBytes = 16 << 10;

  // Of the process: what one table gives back, another takes.
  static PagePool& Instance();

  PagePool() = default;
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // kPageBytes, aligned to kPageBytes, of any content. Throws std::bad_alloc as `new` does.
  std::byte* Allocate();
  void Free(std::byte* page);
  size_t slab_bytes() const;  // taken from the machine

 private:
  static constexpr size_t kSlabBytes = 2 << 20;  // a huge page of x86-64 and of arm64
  static constexpr size_t kSlabPages = kSlabBytes / kPageBytes;
  using Used = std::bitset<kSlabPages>;

  std::byte* NewSlab() FEEDMILL_REQUIRES(lock_);

  mutable Mutex lock_;
  std::map<std::byte*, Used> slabs_ FEEDMILL_GUARDED_BY(lock_);  // by address
  std::set<std::byte*> with_room_ FEEDMILL_GUARDED_BY(lock_);    // the lowest is filled first, so that others empty
};

}  // namespace feedmill::features
