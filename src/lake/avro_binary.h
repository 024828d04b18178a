// Avro's binary encoding of single values. Pure functions over memory; one thread at a time per object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lake/avro_schema.h"

namespace feedmill::lake {

class AvroEncoder {
 public:
  void WriteBoolean(bool value) { bytes_.push_back(value ? '\1' : '\0'); }
  void WriteInt(int32_t value) { WriteLong(value); }
  void WriteLong(int64_t value);
  void WriteFloat(float value);
  void WriteDouble(double value);
  // Strings and bytes have one encoding.
  void WriteBytes(std::string_view value);
  // Which branch of a union follows.
  void WriteBranch(int branch) { WriteLong(branch); }
  void WriteRaw(std::string_view bytes) { bytes_.append(bytes); }

  const std::string& bytes() const { return bytes_; }
  void Clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

// Reads what its schema says from bytes that outlive it. Every Read fails with kCorrupt when the bytes end or make no
// sense.
class AvroDecoder {
 public:
  explicit AvroDecoder(std::string_view bytes) : bytes_(bytes) {}

  Result<bool> ReadBoolean();
  Result<int64_t> ReadLong();
  Result<float> ReadFloat();
  Result<double> ReadDouble();
  Result<std::string_view> ReadBytes();
  Result<std::string_view> ReadRaw(size_t length);
  // The type that follows: `type` itself, or the branch that was written when it is a union.
  Result<const AvroType*> ReadBranch(const AvroType& type);
  // Items in the next block of an array or map, 0 at its end. A block of n items has at least n bytes, or it is
  // corrupt: no type that Iceberg puts into an array is empty, and a claim of 2^60 empty items must not keep a reader
  // busy.
  Result<int64_t> ReadBlockCount();
  Status Skip(const AvroType& type) { return SkipNested(type, 0); }

  size_t remaining() const { return bytes_.size() - at_; }

 private:
  Status SkipNested(const AvroType& type, int depth);
  Status SkipBlocks(const AvroType& type, int depth);

  std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace feedmill::lake
