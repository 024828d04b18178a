#include "lake/bounds.h"

#include <cstring>
#include <vector>

namespace feedmill::lake {
namespace {

constexpr uint32_t kCodePointMax = 0x10FFFF;
constexpr uint32_t kSurrogateFirst = 0xD800;
constexpr uint32_t kSurrogateLast = 0xDFFF;

template <typename T>
std::string Bytes(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T FromBytes(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

size_t Utf8Length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

// Up to `limit` code points from the front; false when the bytes are no UTF-8. `*consumed` is how many bytes they took.
bool DecodeUtf8(std::string_view text, size_t limit, std::vector<uint32_t>* points, size_t* consumed) {
  *consumed = 0;
  while (*consumed < text.size() && points->size() < limit) {
    const auto first = static_cast<unsigned char>(text[*consumed]);
    const size_t length = Utf8Length(first);
    if (length == 0 || *consumed + length > text.size()) return false;
    uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[*consumed + i]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3F);
    }
    points->push_back(point);
    *consumed += length;
  }
  return true;
}

void AppendUtf8(uint32_t point, std::string* out) {
  if (point < 0x80) {
    out->push_back(static_cast<char>(point));
    return;
  }
  const int extra = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  const uint32_t lead[] = {0, 0xC0, 0xE0, 0xF0};
  out->push_back(static_cast<char>(lead[extra] | point >> (6 * extra)));
  for (int i = extra - 1; i >= 0; --i) out->push_back(static_cast<char>(0x80 | (point >> (6 * i) & 0x3F)));
}

}  // namespace

std::string EncodeIntegerBound(ColumnType type, int64_t value) {
  switch (type) {
    case ColumnType::kBoolean:
      return std::string(1, value != 0 ? '\1' : '\0');
    case ColumnType::kInt:
    case ColumnType::kDate:
      return Bytes(static_cast<int32_t>(value));
    case ColumnType::kLong:
    case ColumnType::kTimestamptz:
      return Bytes(value);
    default:
      return {};
  }
}

std::optional<int64_t> DecodeIntegerBound(ColumnType type, std::string_view bytes) {
  switch (type) {
    case ColumnType::kBoolean:
      if (bytes.size() != 1) return std::nullopt;
      return bytes[0] != 0;
    case ColumnType::kInt:
    case ColumnType::kDate:
      if (bytes.size() != sizeof(int32_t)) return std::nullopt;
      return FromBytes<int32_t>(bytes);
    case ColumnType::kLong:
    case ColumnType::kTimestamptz:
      if (bytes.size() == sizeof(int32_t) && type == ColumnType::kLong) return FromBytes<int32_t>(bytes);
      if (bytes.size() != sizeof(int64_t)) return std::nullopt;
      return FromBytes<int64_t>(bytes);
    default:
      return std::nullopt;
  }
}

std::string EncodeRealBound(ColumnType type, double value) {
  if (type == ColumnType::kFloat) return Bytes(static_cast<float>(value));
  return type == ColumnType::kDouble ? Bytes(value) : std::string();
}

std::optional<double> DecodeRealBound(ColumnType type, std::string_view bytes) {
  if (type != ColumnType::kFloat && type != ColumnType::kDouble) return std::nullopt;
  if (bytes.size() == sizeof(float)) return FromBytes<float>(bytes);
  if (bytes.size() == sizeof(double) && type == ColumnType::kDouble) return FromBytes<double>(bytes);
  return std::nullopt;
}

std::string StringLowerBound(std::string_view value) {
  std::vector<uint32_t> points;
  size_t consumed = 0;
  DecodeUtf8(value, kBoundCodePointsMax, &points, &consumed);
  return std::string(value.substr(0, consumed));
}

std::optional<std::string> StringUpperBound(std::string_view value) {
  std::vector<uint32_t> points;
  size_t consumed = 0;
  if (!DecodeUtf8(value, kBoundCodePointsMax, &points, &consumed)) return std::nullopt;
  if (consumed == value.size()) return std::string(value);
  while (!points.empty() && points.back() == kCodePointMax) points.pop_back();
  if (points.empty()) return std::nullopt;
  ++points.back();
  if (points.back() >= kSurrogateFirst && points.back() <= kSurrogateLast) points.back() = kSurrogateLast + 1;
  std::string bound;
  for (uint32_t point : points) AppendUtf8(point, &bound);
  return bound;
}

}  // namespace feedmill::lake
