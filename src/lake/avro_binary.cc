#include "lake/avro_binary.h"

#include <bit>
#include <cstring>
#include <limits>

namespace feedmill::lake {
namespace {

// A recursive schema could nest as deep as its bytes are long; Iceberg's nest four deep.
constexpr int kValueDepthMax = 64;

static_assert(std::endian::native == std::endian::little,
              "Avro and Iceberg numbers are little endian, and so is this code");

}  // namespace

void AvroEncoder::WriteLong(int64_t value) {
  uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (zigzag >= 0x80) {
    bytes_.push_back(static_cast<char>(zigzag | 0x80));
    zigzag >>= 7;
  }
  bytes_.push_back(static_cast<char>(zigzag));
}

void AvroEncoder::WriteFloat(float value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }

void AvroEncoder::WriteDouble(double value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }

void AvroEncoder::WriteBytes(std::string_view value) {
  WriteLong(static_cast<int64_t>(value.size()));
  bytes_.append(value);
}

Result<bool> AvroDecoder::ReadBoolean() {
  FEEDMILL_ASSIGN(std::string_view byte, ReadRaw(1));
  if (byte[0] != 0 && byte[0] != 1) return Corrupt("Avro: a boolean of {}", static_cast<int>(byte[0]));
  return byte[0] == 1;
}

Result<int64_t> AvroDecoder::ReadLong() {
  uint64_t zigzag = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == bytes_.size()) return Corrupt("Avro: the bytes end inside a number");
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    zigzag |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
  }
  return Corrupt("Avro: a number of more than ten bytes");
}

Result<float> AvroDecoder::ReadFloat() {
  float value;
  FEEDMILL_ASSIGN(std::string_view raw, ReadRaw(sizeof value));
  std::memcpy(&value, raw.data(), sizeof value);
  return value;
}

Result<double> AvroDecoder::ReadDouble() {
  double value;
  FEEDMILL_ASSIGN(std::string_view raw, ReadRaw(sizeof value));
  std::memcpy(&value, raw.data(), sizeof value);
  return value;
}

Result<std::string_view> AvroDecoder::ReadBytes() {
  FEEDMILL_ASSIGN(int64_t length, ReadLong());
  if (length < 0) return Corrupt("Avro: bytes of length {}", length);
  return ReadRaw(static_cast<size_t>(length));
}

Result<std::string_view> AvroDecoder::ReadRaw(size_t length) {
  if (length > remaining()) return Corrupt("Avro: {} bytes announced, {} left", length, remaining());
  const std::string_view raw = bytes_.substr(at_, length);
  at_ += length;
  return raw;
}

Result<const AvroType*> AvroDecoder::ReadBranch(const AvroType& type) {
  const AvroType* found = &type;
  for (int depth = 0; found->kind == AvroKind::kUnion; ++depth) {
    FEEDMILL_ASSIGN(int64_t branch, ReadLong());
    if (branch < 0 || branch >= static_cast<int64_t>(found->branches.size()) || depth > 0) {
      return Corrupt("Avro: branch {} of a union of {}", branch, found->branches.size());
    }
    found = found->branches[branch];
  }
  return found;
}

Result<int64_t> AvroDecoder::ReadBlockCount() {
  FEEDMILL_ASSIGN(int64_t count, ReadLong());
  if (count < 0) {
    // A negative count is followed by the block's size in bytes, for readers that skip.
    if (count == std::numeric_limits<int64_t>::min()) return Corrupt("Avro: a block of {} items", count);
    FEEDMILL_TRY(ReadLong());
    count = -count;
  }
  if (static_cast<uint64_t>(count) > remaining())
    return Corrupt("Avro: a block of {} items in {} bytes", count, remaining());
  return count;
}

Status AvroDecoder::SkipBlocks(const AvroType& type, int depth) {
  while (true) {
    FEEDMILL_ASSIGN(int64_t count, ReadBlockCount());
    if (count == 0) return Ok();
    for (int64_t i = 0; i < count; ++i) {
      if (type.kind == AvroKind::kMap) FEEDMILL_TRY(ReadBytes());
      FEEDMILL_TRY(SkipNested(*type.element, depth + 1));
    }
  }
}

Status AvroDecoder::SkipNested(const AvroType& type, int depth) {
  if (depth > kValueDepthMax) return Corrupt("Avro: a value nested deeper than {}", kValueDepthMax);
  FEEDMILL_ASSIGN(const AvroType* found, ReadBranch(type));
  auto done = [](auto&& result) { return result ? Ok() : Status(std::unexpected(result.error())); };
  switch (found->kind) {
    case AvroKind::kNull:
      return Ok();
    case AvroKind::kBoolean:
      return done(ReadBoolean());
    case AvroKind::kInt:
    case AvroKind::kEnum:
    case AvroKind::kLong:
      return done(ReadLong());
    case AvroKind::kFloat:
      return done(ReadRaw(sizeof(float)));
    case AvroKind::kDouble:
      return done(ReadRaw(sizeof(double)));
    case AvroKind::kBytes:
    case AvroKind::kString:
      return done(ReadBytes());
    case AvroKind::kFixed:
      return done(ReadRaw(found->fixed_size));
    case AvroKind::kArray:
    case AvroKind::kMap:
      return SkipBlocks(*found, depth);
    case AvroKind::kUnion:
      return Corrupt("Avro: a union inside a union");
    case AvroKind::kRecord:
      break;
  }
  for (const AvroField& field : found->fields) FEEDMILL_TRY(SkipNested(*field.type, depth + 1));
  return Ok();
}

}  // namespace feedmill::lake
