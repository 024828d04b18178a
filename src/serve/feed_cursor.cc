#include "serve/feed_cursor.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/text_encoding.h"

namespace feedmill::serve {
namespace {

constexpr char kVersion = 1;

uint32_t MarkOf(std::string_view id) { return static_cast<uint32_t>(Hash64(id)); }

}  // namespace

std::optional<FeedCursor> FeedCursor::Parse(std::string_view text) {
  if (text.size() > kCursorBytesMax) return std::nullopt;
  const auto bytes = Base64Decode(text);
  if (!bytes || bytes->empty() || bytes->front() != kVersion) return std::nullopt;
  const size_t count = (bytes->size() - 1) / sizeof(uint32_t);
  if (count > kCursorItemsMax || 1 + count * sizeof(uint32_t) != bytes->size()) return std::nullopt;
  FeedCursor cursor;
  cursor.items_.resize(count);
  if (count > 0) std::memcpy(cursor.items_.data(), bytes->data() + 1, count * sizeof(uint32_t));
  if (!std::ranges::is_sorted(cursor.items_)) return std::nullopt;
  return cursor;
}

bool FeedCursor::Has(std::string_view id) const { return std::ranges::binary_search(items_, MarkOf(id)); }

bool FeedCursor::Add(std::string_view id) {
  const uint32_t mark = MarkOf(id);
  const auto place = std::ranges::lower_bound(items_, mark);
  if (place != items_.end() && *place == mark) return true;
  if (items_.size() == kCursorItemsMax) return false;
  items_.insert(place, mark);
  return true;
}

std::string FeedCursor::Text() const {
  std::string bytes(1, kVersion);
  bytes.append(reinterpret_cast<const char*>(items_.data()), items_.size() * sizeof(uint32_t));
  std::string text = Base64Encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

}  // namespace feedmill::serve
