#include "features/paged_array.h"

#include <algorithm>

namespace feedmill::features {

PageTable::PageTable(BoundedMemory* memory, size_t element_bytes, size_t page_bytes)
    : memory_(memory),
      element_bytes_(element_bytes),
      page_bytes_(std::max(page_bytes, 2 * element_bytes)),
      per_page_(page_bytes_ / element_bytes),
      reciprocal_(~uint64_t{0} / per_page_ + 1) {
  if (memory_ != nullptr) memory_->Add(this);
}

PageTable::~PageTable() {
  for (size_t page = 0; page < pages_.size(); ++page) {
    std::byte* const bytes = Bytes(pages_[page]);
    if (memory_ != nullptr && bytes != nullptr) memory_->Grew(-static_cast<int64_t>(page_bytes_));
    if (memory_ != nullptr && places_[page].segment != 0) memory_->cold().Drop(places_[page]);
    Free(bytes);
  }
  if (memory_ != nullptr) memory_->Remove(this);
}

std::byte* PageTable::Allocate() const {
  return page_bytes_ == kPageBytes ? PagePool::Instance().Allocate() : new std::byte[page_bytes_];
}

void PageTable::Free(std::byte* bytes) const {
  if (bytes == nullptr) return;
  if (page_bytes_ == kPageBytes) return PagePool::Instance().Free(bytes);
  delete[] bytes;
}

void PageTable::Reserve(size_t elements) {
  while (capacity() < elements) {
    std::byte* const bytes = Allocate();
    std::memset(bytes, 0, page_bytes_);
    pages_.push_back(reinterpret_cast<uintptr_t>(bytes) | kMarks);
    places_.emplace_back();
    if (memory_ != nullptr) memory_->Grew(static_cast<int64_t>(page_bytes_));
  }
}

uintptr_t PageTable::Touch(size_t page, uintptr_t marks) const {
  if (Bytes(std::atomic_ref(pages_[page]).load(std::memory_order_acquire)) == nullptr) BringBack(page);
  return std::atomic_ref(pages_[page]).fetch_or(marks, std::memory_order_acq_rel) | marks;
}

void PageTable::BringBack(size_t page) const {
  std::string bytes;
  memory_->cold().Read(places_[page], &bytes);
  std::byte* const fresh = Allocate();
  std::memcpy(fresh, bytes.data(), page_bytes_);
  uintptr_t expected = 0;
  const uintptr_t word = reinterpret_cast<uintptr_t>(fresh) | kTouched;
  if (std::atomic_ref(pages_[page]).compare_exchange_strong(expected, word, std::memory_order_acq_rel)) {
    memory_->Grew(static_cast<int64_t>(page_bytes_));
  } else {
    Free(fresh);  // another reader was faster
  }
}

Result<const std::byte*> PageTable::Look(size_t page, ColdReader* reader, std::string* scratch) const {
  if (const std::byte* bytes = Bytes(std::atomic_ref(pages_[page]).load(std::memory_order_acquire))) return bytes;
  FEEDMILL_TRY(reader->Read(places_[page], scratch));
  return reinterpret_cast<const std::byte*>(scratch->data());
}

Status PageTable::Evict(size_t page) {
  std::byte* const bytes = Bytes(pages_[page]);
  if ((pages_[page] & kDirty) != 0) {
    FEEDMILL_ASSIGN(const ColdPlace place, memory_->cold().Append({reinterpret_cast<const char*>(bytes), page_bytes_}));
    memory_->cold().Drop(places_[page]);
    places_[page] = place;
  }
  pages_[page] = 0;
  Free(bytes);
  memory_->Grew(-static_cast<int64_t>(page_bytes_));
  return Ok();
}

Status PageTable::EvictSome(size_t looks) {
  for (; looks > 0 && !pages_.empty(); --looks) {
    const size_t page = hand_++ % pages_.size();
    if (pages_[page] == 0) continue;
    if ((pages_[page] & kTouched) != 0) {
      pages_[page] &= ~kTouched;
      continue;
    }
    FEEDMILL_TRY(Evict(page));
  }
  return Ok();
}

Status PageTable::MoveOutOf(uint32_t segment) {
  std::string bytes;
  for (size_t page = 0; page < pages_.size(); ++page) {
    ColdPlace& place = places_[page];
    if (place.segment != segment) continue;
    if (pages_[page] == 0) {
      memory_->cold().Read(place, &bytes);
      FEEDMILL_ASSIGN(const ColdPlace moved, memory_->cold().Append(bytes));
      memory_->cold().Drop(place);
      place = moved;
    } else {
      memory_->cold().Drop(place);
      place = {};
      pages_[page] |= kDirty;
    }
  }
  return Ok();
}

}  // namespace feedmill::features
