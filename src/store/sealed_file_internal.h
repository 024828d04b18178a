// A write-once file of sections under CRC-32C: the frame of flat tables and candidate lists
// (docs/formats/flat-table.md).
//   0    magic (8)                      24   section count (u32)
//   8    version (u32)                  28   CRC-32C of the checksum table (u32)
//   12   block bytes (u32)              32   per section: offset (u64), size (u64); 8 places
//   16   file bytes (u64)               252  CRC-32C of bytes 0..251 (u32)
//   256  sections, each at a multiple of 64, zero bytes between; then the checksum table: a CRC-32C (u32) per block of
//        the bytes from 256 up to the table.
// All numbers little endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::store {

inline constexpr size_t kSealedHeaderBytes = 256;
inline constexpr size_t kSealedSectionsMax = 8;
inline constexpr size_t kSealedAlignment = 64;
inline constexpr uint32_t kSealedBlockBytes = 64 * 1024;

class SealedFile {
 public:
  // Checks all of the mapping. kCorrupt names the rule and the offset.
  static Result<SealedFile> Open(std::unique_ptr<io::MappedFile> mapping, std::string_view magic, uint32_t version,
                                 size_t section_count);
  std::span<const std::byte> section(size_t i) const { return sections_[i]; }

 private:
  std::unique_ptr<io::MappedFile> mapping_;
  std::vector<std::span<const std::byte>> sections_;
};

// Checks a whole file in memory and gives its sections.
Result<std::vector<std::span<const std::byte>>> ParseSealedFile(std::span<const std::byte> bytes,
                                                                std::string_view magic, uint32_t version,
                                                                size_t section_count);

// Writes atomically: temporary file beside `path`, fsync, rename, directory fsync. A crash leaves the old file or the
// new one.
Status WriteSealedFile(io::FileSystem& files, const std::string& path, std::string_view magic, uint32_t version,
                       std::span<const std::string_view> sections);

// Puts right checksums into `bytes` whatever they hold, so that a fuzzer reaches the checks behind them.
void ResealForTest(std::string* bytes);

// Opening from any mapping: what the public functions, the corruption tests and the fuzzers share.
class FlatTable;
class CandidateLists;
Result<std::unique_ptr<FlatTable>> OpenFlatTable(std::unique_ptr<io::MappedFile> mapping);
Result<std::unique_ptr<CandidateLists>> OpenCandidateLists(std::unique_ptr<io::MappedFile> mapping);

// A mapping of bytes in memory, for tests and fuzzers.
class MemoryMapping final : public io::MappedFile {
 public:
  explicit MemoryMapping(std::string_view content);
  std::span<const std::byte> bytes() const override {
    return {reinterpret_cast<const std::byte*>(aligned_.data()), size_};
  }

 private:
  struct alignas(kSealedAlignment) Line {
    char bytes[kSealedAlignment];
  };
  std::vector<Line> aligned_;
  size_t size_;
};

template <typename T>
std::string_view AsBytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// The section as an array of T; the caller has checked that its size is a multiple of sizeof(T).
template <typename T>
std::span<const T> AsArray(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

}  // namespace feedmill::store
