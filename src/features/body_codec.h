// Numbers and arrays of plain values to and from the body of a checkpoint file, little endian.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace feedmill::features {

class BodyWriter {
 public:
  using Sink = std::function<void(std::string_view)>;
  explicit BodyWriter(Sink sink) : sink_(std::move(sink)) {}

  template <typename T>
  void Put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    sink_({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void PutText(std::string_view text) {
    Put<uint64_t>(text.size());
    sink_(text);
  }
  void PutBytes(std::string_view bytes) { sink_(bytes); }  // as they are
  template <typename T>
  void PutArray(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    Put<uint32_t>(static_cast<uint32_t>(values.size()));
    if (!values.empty()) sink_({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }

 private:
  Sink sink_;
};

class BodyReader {
 public:
  explicit BodyReader(std::string_view bytes) : all_(bytes.size()), bytes_(bytes) {}

  template <typename T>
  Status Get(T* value) {
    if (bytes_.size() < sizeof(T)) return Cut();
    std::memcpy(value, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return Ok();
  }
  Status GetText(std::string_view* text) {
    uint64_t size = 0;
    FEEDMILL_TRY(Get(&size));
    if (size > bytes_.size()) return Cut();
    *text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return Ok();
  }
  template <typename T>
  Status GetArray(std::vector<T>* values) {
    uint32_t count = 0;
    FEEDMILL_TRY(Get(&count));
    if (count > bytes_.size() / sizeof(T)) return Cut();
    values->resize(count);
    if (count > 0) std::memcpy(values->data(), bytes_.data(), count * sizeof(T));
    bytes_.remove_prefix(count * sizeof(T));
    return Ok();
  }
  // The values of an array where they are, which need not be aligned.
  Status GetArrayBytes(size_t value_bytes, std::string_view* bytes) {
    uint32_t count = 0;
    FEEDMILL_TRY(Get(&count));
    if (count > bytes_.size() / value_bytes) return Cut();
    *bytes = bytes_.substr(0, count * value_bytes);
    bytes_.remove_prefix(bytes->size());
    return Ok();
  }
  Status End() const {
    return bytes_.empty() ? Ok() : Status(Corrupt("body: {} bytes too many at byte {}", bytes_.size(), at()));
  }
  size_t at() const { return all_ - bytes_.size(); }

 private:
  std::unexpected<Error> Cut() const { return Corrupt("body: ends inside what stands at byte {}", at()); }

  size_t all_;
  std::string_view bytes_;
};

}  // namespace feedmill::features
