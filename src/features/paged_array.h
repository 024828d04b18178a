// Arrays of plain values in pages of a BoundedMemory. Readers may be many, a writer is alone; a reference stays good
// until the next Trim of the memory. New elements are zero.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "base/prefetch.h"
#include "features/bounded_memory.h"
#include "features/page_pool.h"

namespace feedmill::features {

// Pages of elements whose size is known when it is made.
class PageTable final : public Evictable {
 public:
  // `memory` may be null: then pages stay. It outlives the table. A page has two elements at least.
  PageTable(BoundedMemory* memory, size_t element_bytes, size_t page_bytes);
  ~PageTable() override;

  size_t per_page() const { return per_page_; }
  size_t capacity() const { return pages_.size() * per_page_; }
  void Reserve(size_t elements);  // makes pages for so many
  const std::byte* At(size_t i) const {
    const size_t page = PageOf(i);
    uintptr_t word = std::atomic_ref(pages_[page]).load(std::memory_order_acquire);
    if ((word & kTouched) == 0) [[unlikely]]
      word = Touch(page, kTouched);
    return Bytes(word) + (i - page * per_page_) * element_bytes_;
  }
  std::byte* MutableAt(size_t i) {
    const size_t page = PageOf(i);
    uintptr_t word = std::atomic_ref(pages_[page]).load(std::memory_order_acquire);
    if ((word & kMarks) != kMarks) [[unlikely]]
      word = Touch(page, kMarks);
    return Bytes(word) + (i - page * per_page_) * element_bytes_;
  }
  void Prefetch(size_t i, size_t bytes = 1) const {
    const size_t page = PageOf(i);
    const std::byte* begin = Bytes(std::atomic_ref(pages_[page]).load(std::memory_order_relaxed));
    if (begin != nullptr) PrefetchAll(begin + (i - page * per_page_) * element_bytes_, bytes);
  }
  // The elements of a page without bringing it back: where it is, or in `scratch`, read by `reader`.
  Result<const std::byte*> Look(size_t page, ColdReader* reader, std::string* scratch) const;
  // Beside the pages themselves.
  uint64_t MemoryBytes() const { return pages_.capacity() * (sizeof(uintptr_t) + sizeof(ColdPlace)); }

  size_t pieces() const override { return pages_.size(); }
  Status EvictSome(size_t looks) override;
  Status MoveOutOf(uint32_t segment) override;

 private:
  // A page is one word, so that all words stay near: its address (0: cold) and two marks. Readers change it too.
  static constexpr uintptr_t kTouched = 1;  // since the hand last passed
  static constexpr uintptr_t kDirty = 2;    // other than what stands at its place
  static constexpr uintptr_t kMarks = kTouched | kDirty;

  static std::byte* Bytes(uintptr_t word) { return reinterpret_cast<std::byte*>(word & ~kMarks); }
  // i / per_page_: exact below 2^64 / per_page_ (Granlund and Montgomery 1994, the multiplier rounded up).
  size_t PageOf(size_t i) const { return static_cast<size_t>(static_cast<unsigned __int128>(i) * reciprocal_ >> 64); }
  uintptr_t Touch(size_t page, uintptr_t marks) const;  // brings it back when it is cold
  void BringBack(size_t page) const;
  Status Evict(size_t page);
  std::byte* Allocate() const;
  void Free(std::byte* bytes) const;

  BoundedMemory* const memory_;
  const size_t element_bytes_;
  const size_t page_bytes_;
  const size_t per_page_;
  const uint64_t reciprocal_;
  size_t hand_ = 0;
  mutable std::vector<uintptr_t> pages_;
  std::vector<ColdPlace> places_;  // by page
};

inline constexpr size_t kPageBytes = PagePool::kPageBytes;

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
