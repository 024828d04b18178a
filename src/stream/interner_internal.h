// Texts -> dense handles in order of first sight, and back. One writer; readers under the owner's lock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "features/body_codec.h"
#include "features/counter_table.h"
#include "features/paged_array.h"

namespace feedmill::stream {

using features::BodyReader;
using features::BodyWriter;
using features::EntityHandle;
using features::kNoEntity;

class Interner {
 public:
  // `memory` may be null; it outlives the names.
  explicit Interner(features::BoundedMemory* memory = nullptr);
  EntityHandle Find(std::string_view text) const;  // kNoEntity when never seen
  EntityHandle FindOrAdd(std::string_view text);   // kNoEntity when it is longer than kLongPageBytes
  // Good until the memory is trimmed.
  std::string_view Text(EntityHandle handle) const {
    const Place place = places_[handle];
    if (place.size == 0) return {};
    return {&(place.size > kTextBytesMax ? long_texts_ : texts_)[place.at], place.size};
  }
  size_t size() const { return places_.size(); }
  // Brings the place of `text` nearer.
  void Prefetch(std::string_view text) const;
  uint64_t MemoryBytes() const;

  // `reader` reads what is cold; null when nothing is.
  Status Write(features::ColdReader* reader, BodyWriter* writer) const;
  Status Read(BodyReader* reader);

 private:
  struct Slot {
    uint32_t tag = 0;              // low half of the text's hash
    uint32_t handle_plus_one = 0;  // 0: empty
  };
  // A text lies in one page of its array.
  struct Place {
    uint64_t at : 40;
    uint64_t size : 24;
  };
  static constexpr size_t kTextPageBytes = 16 << 10;
  static constexpr size_t kTextBytesMax = 1 << 10;  // of a usual text; longer ones waste less of larger pages
  static constexpr size_t kLongPageBytes = 1 << 20;

  // The slot that holds `text`, or the empty one where it belongs.
  size_t Locate(std::string_view text, uint32_t tag) const;
  void Grow();

  features::BoundedMemory* memory_;
  features::PagedArray<Slot> slots_;
  features::PagedArray<Place> places_;
  features::PagedArray<char> texts_;
  features::PagedArray<char> long_texts_;
};

}  // namespace feedmill::stream
