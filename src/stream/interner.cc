#include "base/hash.h"
#include "base/prefetch.h"
#include "stream/interner_internal.h"

namespace feedmill::stream {
namespace {

constexpr size_t kSlotsMin = 1024;

uint32_t TagOf(std::string_view text) { return static_cast<uint32_t>(Hash64(text)); }

}  // namespace

Interner::Interner() : slots_(kSlotsMin) {}

size_t Interner::Locate(std::string_view text, uint32_t tag) const {
  const size_t mask = slots_.size() - 1;
  size_t i = tag & mask;
  while (slots_[i].handle_plus_one != 0 && (slots_[i].tag != tag || Text(slots_[i].handle_plus_one - 1) != text))
    i = (i + 1) & mask;
  return i;
}

EntityHandle Interner::Find(std::string_view text) const {
  const Slot& slot = slots_[Locate(text, TagOf(text))];
  return slot.handle_plus_one == 0 ? kNoEntity : slot.handle_plus_one - 1;
}

EntityHandle Interner::FindOrAdd(std::string_view text) {
  const uint32_t tag = TagOf(text);
  size_t place = Locate(text, tag);
  if (slots_[place].handle_plus_one != 0) return slots_[place].handle_plus_one - 1;
  if ((size() + 1) * 3 > slots_.size() * 2) {
    Grow();
    place = Locate(text, tag);
  }
  const auto handle = static_cast<EntityHandle>(size());
  bytes_.append(text);
  offsets_.push_back(bytes_.size());
  slots_[place] = {tag, handle + 1};
  return handle;
}

void Interner::Grow() {
  std::vector<Slot> larger(slots_.size() * 2);
  const size_t mask = larger.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.handle_plus_one == 0) continue;
    size_t i = slot.tag & mask;
    while (larger[i].handle_plus_one != 0) i = (i + 1) & mask;
    larger[i] = slot;
  }
  slots_ = std::move(larger);
}

void Interner::Prefetch(std::string_view text) const { feedmill::Prefetch(&slots_[TagOf(text) & (slots_.size() - 1)]); }

uint64_t Interner::MemoryBytes() const {
  return slots_.capacity() * sizeof(Slot) + offsets_.capacity() * sizeof(uint64_t) + bytes_.capacity();
}

void Interner::Write(BodyWriter* writer) const {
  writer->PutArray(offsets_);
  writer->PutText(bytes_);
}

Status Interner::Read(BodyReader* reader) {
  std::vector<uint64_t> offsets;
  std::string_view bytes;
  const size_t at = reader->at();
  FEEDMILL_TRY(reader->GetArray(&offsets));
  FEEDMILL_TRY(reader->GetText(&bytes));
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != bytes.size())
    return Corrupt("body: names at byte {} do not fit their bytes", at);
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    if (offsets[i + 1] < offsets[i] || offsets[i + 1] > bytes.size())
      return Corrupt("body: names at byte {}: offsets do not rise", at);
    if (FindOrAdd(bytes.substr(offsets[i], offsets[i + 1] - offsets[i])) != i)
      return Corrupt("body: names at byte {}: number {} is there twice", at, i);
  }
  return Ok();
}

}  // namespace feedmill::stream
