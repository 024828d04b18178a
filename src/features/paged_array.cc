#include "features/paged_array.h"

#include <algorithm>

namespace feedmill::features {

PageTable::PageTable(BoundedMemory* memory, size_t element_bytes, size_t page_bytes)
    : memory_(memory),
      element_bytes_(element_bytes),
      shift_(std::bit_width(std::max<size_t>(1, page_bytes / element_bytes)) - 1),
      mask_((size_t{1} << shift_) - 1) {
  if (memory_ != nullptr) memory_->Add(this);
}

PageTable::~PageTable() {
  for (const Page& page : pages_) {
    if (memory_ != nullptr && page.bytes != nullptr) memory_->Grew(-static_cast<int64_t>(page_bytes()));
    if (memory_ != nullptr && page.place.segment != 0) memory_->cold().Drop(page.place);
    delete[] page.bytes;
  }
  if (memory_ != nullptr) memory_->Remove(this);
}

void PageTable::Reserve(size_t elements) {
  while (capacity() < elements) {
    pages_.emplace_back().bytes = new std::byte[page_bytes()]();
    pages_.back().touched = 1;
    if (memory_ != nullptr) memory_->Grew(static_cast<int64_t>(page_bytes()));
  }
}

std::byte* PageTable::BringBack(Page* page) const {
  std::string bytes;
  memory_->cold().Read(page->place, &bytes);
  auto* fresh = new std::byte[page_bytes()];
  std::memcpy(fresh, bytes.data(), page_bytes());
  std::byte* expected = nullptr;
  std::atomic_ref(page->touched).store(1, std::memory_order_relaxed);
  if (std::atomic_ref(page->bytes).compare_exchange_strong(expected, fresh, std::memory_order_acq_rel)) {
    memory_->Grew(static_cast<int64_t>(page_bytes()));
    return fresh;
  }
  delete[] fresh;  // another reader was faster
  return expected;
}

Result<const std::byte*> PageTable::Look(size_t number, ColdReader* reader, std::string* scratch) const {
  Page& page = pages_[number];
  if (const std::byte* bytes = std::atomic_ref(page.bytes).load(std::memory_order_acquire)) return bytes;
  FEEDMILL_TRY(reader->Read(page.place, scratch));
  return reinterpret_cast<const std::byte*>(scratch->data());
}

Status PageTable::Evict(Page* page) {
  if (page->dirty) {
    FEEDMILL_ASSIGN(const ColdPlace place,
                    memory_->cold().Append({reinterpret_cast<const char*>(page->bytes), page_bytes()}));
    memory_->cold().Drop(page->place);
    page->place = place;
    page->dirty = false;
  }
  delete[] page->bytes;
  page->bytes = nullptr;
  memory_->Grew(-static_cast<int64_t>(page_bytes()));
  return Ok();
}

Status PageTable::EvictSome(size_t looks) {
  for (; looks > 0 && !pages_.empty(); --looks) {
    Page& page = pages_[hand_++ % pages_.size()];
    if (page.bytes == nullptr) continue;
    if (page.touched != 0) {
      page.touched = 0;
      continue;
    }
    FEEDMILL_TRY(Evict(&page));
  }
  return Ok();
}

Status PageTable::MoveOutOf(uint32_t segment) {
  std::string bytes;
  for (Page& page : pages_) {
    if (page.place.segment != segment) continue;
    if (page.bytes == nullptr) {
      memory_->cold().Read(page.place, &bytes);
      FEEDMILL_ASSIGN(const ColdPlace place, memory_->cold().Append(bytes));
      memory_->cold().Drop(page.place);
      page.place = place;
    } else {
      memory_->cold().Drop(page.place);
      page.place = {};
      page.dirty = true;
    }
  }
  return Ok();
}

}  // namespace feedmill::features
