#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/prefetch.h"
#include "stream/interner_internal.h"

namespace feedmill::stream {
namespace {

constexpr size_t kSlotsMin = 1024;
constexpr size_t kNamesBetweenTrims = 4096;  // when many are read at once

uint32_t TagOf(std::string_view text) { return static_cast<uint32_t>(Hash64(text)); }

}  // namespace

Interner::Interner(features::BoundedMemory* memory)
    : memory_(memory),
      slots_(memory),
      places_(memory),
      texts_(memory, kTextPageBytes),
      long_texts_(memory, kLongPageBytes) {
  slots_.Resize(kSlotsMin);
}

size_t Interner::Locate(std::string_view text, uint32_t tag) const {
  const size_t mask = slots_.size() - 1;
  for (size_t i = tag & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.handle_plus_one == 0 || (slot.tag == tag && Text(slot.handle_plus_one - 1) == text)) return i;
  }
}

EntityHandle Interner::Find(std::string_view text) const {
  const Slot& slot = slots_[Locate(text, TagOf(text))];
  return slot.handle_plus_one == 0 ? kNoEntity : slot.handle_plus_one - 1;
}

EntityHandle Interner::FindOrAdd(std::string_view text) {
  if (text.size() > kLongPageBytes) return kNoEntity;
  const uint32_t tag = TagOf(text);
  size_t place = Locate(text, tag);
  if (slots_[place].handle_plus_one != 0) return slots_[place].handle_plus_one - 1;
  if ((size() + 1) * 3 > slots_.size() * 2) {
    Grow();
    place = Locate(text, tag);
  }
  const auto handle = static_cast<EntityHandle>(size());
  const bool is_long = text.size() > kTextBytesMax;
  features::PagedArray<char>& texts = is_long ? long_texts_ : texts_;
  const size_t page = is_long ? kLongPageBytes : kTextPageBytes;
  size_t at = texts.size();
  if (at % page + text.size() > page) at += page - at % page;  // does not fit into this one
  texts.Resize(at + text.size());
  if (!text.empty()) std::memcpy(&texts.Mutable(at), text.data(), text.size());
  places_.Add({at, text.size()});
  slots_.Mutable(place) = {tag, handle + 1};
  return handle;
}

void Interner::Grow() {
  features::PagedArray<Slot> larger(memory_);
  larger.Resize(slots_.size() * 2);
  const size_t mask = larger.size() - 1;
  for (size_t at = 0; at < slots_.size(); ++at) {
    const Slot& slot = slots_[at];
    if (slot.handle_plus_one == 0) continue;
    size_t i = slot.tag & mask;
    while (larger[i].handle_plus_one != 0) i = (i + 1) & mask;
    larger.Mutable(i) = slot;
  }
  slots_ = std::move(larger);
}

void Interner::Prefetch(std::string_view text) const { slots_.Prefetch(TagOf(text) & (slots_.size() - 1)); }

uint64_t Interner::MemoryBytes() const {
  const uint64_t tables =
      slots_.MemoryBytes() + places_.MemoryBytes() + texts_.MemoryBytes() + long_texts_.MemoryBytes();
  if (memory_ != nullptr) return tables;
  return tables + slots_.size() * sizeof(Slot) + places_.size() * sizeof(Place) + texts_.size() + long_texts_.size();
}

// Names are read page by page in the order of their handles, which is the order of their places in each array.
Status Interner::Write(features::ColdReader* reader, BodyWriter* writer) const {
  writer->Put(static_cast<uint32_t>(size() + 1));
  uint64_t total = 0;
  writer->Put(total);
  FEEDMILL_TRY(places_.ForEach(reader, [&](const Place* places, size_t count) {
    for (size_t i = 0; i < count; ++i) writer->Put(total += places[i].size);
  }));
  writer->Put(total);
  struct Window {
    const features::PagedArray<char>& texts;
    std::string scratch = {};
    size_t page = static_cast<size_t>(-1);
    const char* bytes = nullptr;
  };
  Window usual{texts_};
  Window longer{long_texts_};
  Status status;
  FEEDMILL_TRY(places_.ForEach(reader, [&](const Place* places, size_t count) {
    for (size_t i = 0; i < count && status; ++i) {
      Window& window = places[i].size > kTextBytesMax ? longer : usual;
      const size_t page_bytes = window.texts.per_page();
      if (places[i].size == 0) continue;
      if (places[i].at / page_bytes != window.page) {
        window.page = places[i].at / page_bytes;
        const auto looked = window.texts.LookAtPage(window.page, reader, &window.scratch);
        if (!looked) status = std::unexpected(looked.error());
        if (looked) window.bytes = *looked;
      }
      if (status) writer->PutBytes({window.bytes + places[i].at % page_bytes, places[i].size});
    }
  }));
  return status;
}

Status Interner::Read(BodyReader* reader) {
  const size_t at = reader->at();
  std::string_view offsets;
  std::string_view bytes;
  FEEDMILL_TRY(reader->GetArrayBytes(sizeof(uint64_t), &offsets));
  FEEDMILL_TRY(reader->GetText(&bytes));
  const auto offset = [&offsets](size_t i) {
    uint64_t value = 0;
    std::memcpy(&value, offsets.data() + i * sizeof value, sizeof value);
    return value;
  };
  const size_t count = offsets.size() / sizeof(uint64_t);
  if (count == 0 || offset(0) != 0 || offset(count - 1) != bytes.size())
    return Corrupt("body: names at byte {} do not fit their bytes", at);
  for (size_t i = 0; i + 1 < count; ++i) {
    if (offset(i + 1) < offset(i) || offset(i + 1) > bytes.size())
      return Corrupt("body: names at byte {}: offsets do not rise", at);
    if (FindOrAdd(bytes.substr(offset(i), offset(i + 1) - offset(i))) != i)
      return Corrupt("body: names at byte {}: number {} is there twice", at, i);
    if (memory_ != nullptr && i % kNamesBetweenTrims == 0) memory_->Trim(0);
  }
  return Ok();
}

}  // namespace feedmill::stream
