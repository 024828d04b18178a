// Arrays of plain values in pages of a BoundedMemory. Readers may be many, a writer is alone; a reference stays good
// until the next Trim of the memory. New elements are zero.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "base/prefetch.h"
#include "features/bounded_memory.h"

namespace feedmill::features {

// Pages of elements whose size is known when it is made.
class PageTable final : public Evictable {
 public:
  // `memory` may be null: then pages stay. It outlives the table.
  PageTable(BoundedMemory* memory, size_t element_bytes, size_t page_bytes);
  ~PageTable() override;

  size_t per_page() const { return size_t{1} << shift_; }
  size_t capacity() const { return pages_.size() << shift_; }
  void Reserve(size_t elements);  // makes pages for so many
  const std::byte* At(size_t i) const { return PageAt(i >> shift_) + (i & mask_) * element_bytes_; }
  std::byte* MutableAt(size_t i) {
    Page& page = pages_[i >> shift_];
    page.dirty = true;
    return PageAt(i >> shift_) + (i & mask_) * element_bytes_;
  }
  void Prefetch(size_t i, size_t bytes = 1) const {
    const std::byte* page = std::atomic_ref(pages_[i >> shift_].bytes).load(std::memory_order_relaxed);
    if (page != nullptr) PrefetchAll(page + (i & mask_) * element_bytes_, bytes);
  }
  // The elements of a page without bringing it back: where it is, or in `scratch`, read by `reader`.
  Result<const std::byte*> Look(size_t page, ColdReader* reader, std::string* scratch) const;
  uint64_t MemoryBytes() const { return pages_.capacity() * sizeof(Page); }  // beside the pages themselves

  size_t pieces() const override { return pages_.size(); }
  Status EvictSome(size_t looks) override;
  Status MoveOutOf(uint32_t segment) override;

 private:
  struct Page {
    std::byte* bytes = nullptr;  // null: cold; changed by readers, so read through an atomic_ref
    ColdPlace place;             // of bytes equal to these unless dirty
    uint8_t touched = 0;
    bool dirty = true;
  };
  size_t page_bytes() const { return element_bytes_ << shift_; }
  std::byte* PageAt(size_t number) const {
    Page& page = pages_[number];
    std::byte* bytes = std::atomic_ref(page.bytes).load(std::memory_order_acquire);
    if (bytes == nullptr) [[unlikely]]
      return BringBack(&page);
    if (const std::atomic_ref touched(page.touched); touched.load(std::memory_order_relaxed) == 0)
      touched.store(1, std::memory_order_relaxed);
    return bytes;
  }
  std::byte* BringBack(Page* page) const;
  Status Evict(Page* page);

  BoundedMemory* const memory_;
  const size_t element_bytes_;
  int shift_ = 0;
  size_t mask_ = 0;
  size_t hand_ = 0;
  mutable std::vector<Page> pages_;
};

inline constexpr size_t kPageBytes = 16 << 10;

template <typename T>
class PagedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit PagedArray(BoundedMemory* memory = nullptr, size_t page_bytes = kPageBytes)
      : table_(std::make_unique<PageTable>(memory, sizeof(T), page_bytes)) {}

  size_t size() const { return size_; }
  void Resize(size_t size) {
    table_->Reserve(size);
    size_ = size;
  }
  void Add(const T& value) {
    Resize(size_ + 1);
    Mutable(size_ - 1) = value;
  }
  const T& operator[](size_t i) const { return *reinterpret_cast<const T*>(table_->At(i)); }
  T& Mutable(size_t i) { return *reinterpret_cast<T*>(table_->MutableAt(i)); }
  void Prefetch(size_t i) const { table_->Prefetch(i); }
  // Calls on_values(const T*, count) for the values in order, without bringing pages back.
  template <typename OnValues>
  Status ForEach(ColdReader* reader, OnValues on_values) const {
    std::string scratch;
    for (size_t at = 0; at < size_; at += table_->per_page()) {
      FEEDMILL_ASSIGN(const T* values, LookAtPage(at / table_->per_page(), reader, &scratch));
      on_values(values, std::min(table_->per_page(), size_ - at));
    }
    return Ok();
  }
  size_t per_page() const { return table_->per_page(); }
  // The values of one page; where they are, or in `scratch`.
  Result<const T*> LookAtPage(size_t page, ColdReader* reader, std::string* scratch) const {
    FEEDMILL_ASSIGN(const std::byte* bytes, table_->Look(page, reader, scratch));
    return reinterpret_cast<const T*>(bytes);
  }
  uint64_t MemoryBytes() const { return table_->MemoryBytes(); }

 private:
  std::unique_ptr<PageTable> table_;
  size_t size_ = 0;
};

}  // namespace feedmill::features
