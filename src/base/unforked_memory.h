// Large tables that a copy of the process has no use for. fork() copies an entry of the page table for each page that
// is in use, and holds everybody up meanwhile (40 ms a gigabyte); what stands here costs it nothing.
#pragma once

#include <cstddef>

namespace feedmill {

class UnforkedMemory {
 public:
  // Of so many bytes, all zero. A page is taken from the machine when it is first written. Throws std::bad_alloc as
  // `new` does.
  explicit UnforkedMemory(size_t bytes);
  ~UnforkedMemory();
  UnforkedMemory(const UnforkedMemory&) = delete;
  UnforkedMemory& operator=(const UnforkedMemory&) = delete;

  // Aligned to a page. In a copy of the process nothing stands there.
  std::byte* data() { return data_; }
  // Makes [offset, offset + bytes) zero again and gives its whole pages back.
  void Clear(size_t offset, size_t bytes);

 private:
  std::byte* data_;
  const size_t bytes_;
};

}  // namespace feedmill
