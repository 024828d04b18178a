// The items that earlier pages of a feed had: what `next` of an answer says and `cursor` of a request brings back. It
// holds all by itself, so any server, also after a restart, goes on with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace feedmill::serve {

inline constexpr size_t kCursorItemsMax = 1000;  // four bytes each
inline constexpr size_t kCursorBytesMax = 6000;  // of its text

class FeedCursor {
 public:
  // Nothing when it is none of ours.
  static std::optional<FeedCursor> Parse(std::string_view text);

  bool empty() const { return items_.empty(); }
  bool Has(std::string_view id) const;
  // False when it is full.
  bool Add(std::string_view id);
  std::string Text() const;  // of letters that a query may hold as they are

 private:
  std::vector<uint32_t> items_;  // low halves of the hashes of their ids, ascending
};

}  // namespace feedmill::serve
