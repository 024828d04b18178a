// Texts -> dense handles in order of first sight, and back. One writer; readers under the owner's lock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "features/body_codec.h"
#include "features/counter_table.h"

namespace feedmill::stream {

using features::BodyReader;
using features::BodyWriter;
using features::EntityHandle;
using features::kNoEntity;

class Interner {
 public:
  Interner();
  EntityHandle Find(std::string_view text) const;  // kNoEntity when never seen
  EntityHandle FindOrAdd(std::string_view text);
  std::string_view Text(EntityHandle handle) const {
    return std::string_view(bytes_).substr(offsets_[handle], offsets_[handle + 1] - offsets_[handle]);
  }
  size_t size() const { return offsets_.size() - 1; }
  // Brings the place of `text` nearer.
  void Prefetch(std::string_view text) const;
  uint64_t MemoryBytes() const;

  void Write(BodyWriter* writer) const;
  Status Read(BodyReader* reader);

 private:
  struct Slot {
    uint32_t tag = 0;              // low half of the text's hash
    uint32_t handle_plus_one = 0;  // 0: empty
  };
  // The slot that holds `text`, or the empty one where it belongs.
  size_t Locate(std::string_view text, uint32_t tag) const;
  void Grow();

  std::vector<Slot> slots_;
  std::vector<uint64_t> offsets_{0};
  std::string bytes_;
};

}  // namespace feedmill::stream
