#include "features/page_pool.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace feedmill::features {

PagePool& PagePool::Instance() {
  static PagePool* const pool = new PagePool;  // outlives every table
  return *pool;
}

PagePool::~PagePool() {
  const MutexLock guard(lock_);
  for (const auto& [slab, used] : slabs_) ::munmap(slab, kSlabBytes);
}

std::byte* PagePool::NewSlab() {
  // Twice as much as is needed has an aligned slab in it; the rest goes back.
  void* mapped = ::mmap(nullptr, 2 * kSlabBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before = (kSlabBytes - reinterpret_cast<uintptr_t>(begin) % kSlabBytes) % kSlabBytes;
  std::byte* const slab = begin + before;
  if (before != 0) ::munmap(begin, before);
  ::munmap(slab + kSlabBytes, kSlabBytes - before);
  (void)::madvise(slab, kSlabBytes, MADV_HUGEPAGE);  // where there are none, small ones do
  slabs_.emplace(slab, Used());
  with_room_.insert(slab);
  return slab;
}

std::byte* PagePool::Allocate() {
  const MutexLock guard(lock_);
  std::byte* const slab = with_room_.empty() ? NewSlab() : *with_room_.begin();
  Used& used = slabs_.at(slab);
  size_t number = 0;
  while (used.test(number)) ++number;
  used.set(number);
  if (used.all()) with_room_.erase(slab);
  return slab + number * kPageBytes;
}

void PagePool::Free(std::byte* page) {
  const MutexLock guard(lock_);
  std::byte* const slab = page - reinterpret_cast<uintptr_t>(page) % kSlabBytes;
  const auto found = slabs_.find(slab);
  found->second.reset(static_cast<size_t>(page - slab) / kPageBytes);
  with_room_.insert(slab);
  if (found->second.any()) return;
  with_room_.erase(slab);
  slabs_.erase(found);
  ::munmap(slab, kSlabBytes);
}

size_t PagePool::slab_bytes() const {
  const MutexLock guard(lock_);
  return slabs_.size() * kSlabBytes;
}

}  // namespace feedmill::features
