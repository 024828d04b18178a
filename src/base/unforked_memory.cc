#include "base/unforked_memory.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

namespace feedmill {
namespace {

size_t RoundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }
size_t PageBytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

UnforkedMemory::UnforkedMemory(size_t bytes) : bytes_(RoundUp(std::max<size_t>(bytes, 1), PageBytes())) {
  void* const mapped =
      ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(mapped);
  (void)::madvise(data_, bytes_, MADV_DONTFORK);  // without it a fork is slower and nothing else
}

UnforkedMemory::~UnforkedMemory() { ::munmap(data_, bytes_); }

void UnforkedMemory::Clear(size_t offset, size_t bytes) {
  const size_t page = PageBytes(), end = offset + bytes;
  const size_t first = std::min(RoundUp(offset, page), end), last = std::max(end / page * page, first);
  std::memset(data_ + offset, 0, first - offset);
  std::memset(data_ + last, 0, end - last);
  if (first < last && ::madvise(data_ + first, last - first, MADV_DONTNEED) != 0)
    std::memset(data_ + first, 0, last - first);
}

}  // namespace feedmill
