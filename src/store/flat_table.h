// Packed flat table: fixed-width rows by string key in one checksummed file, read into huge pages, swapped atomically
// (docs/formats/flat-table.md). Reading 1,200 rows costs cache misses only: open-addressing slots, then the rows, both
// prefetched. An open table is immutable: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::store {

// A named part of a row: `count` values of one type.
enum class FieldType : uint8_t { kFloat32, kInt8, kUint32, kInt64 };
struct FlatField {
  std::string name;
  FieldType type = FieldType::kFloat32;
  uint32_t count = 1;
  friend bool operator==(const FlatField&, const FlatField&) = default;
};

class FlatTable {
 public:
  virtual ~FlatTable() = default;
  virtual const std::vector<FlatField>& fields() const = 0;
  virtual size_t row_count() const = 0;
  virtual size_t row_bytes() const = 0;
  // Byte offset of the field in a row; kNotFound names the fields there are.
  virtual Result<size_t> FieldOffset(std::string_view name, FieldType type, uint32_t count) const = 0;
  // Row number or -1.
  virtual int64_t Find(std::string_view key) const = 0;
  virtual void FindMany(std::span<const std::string_view> keys, std::span<int64_t> rows) const = 0;
  virtual const std::byte* Row(int64_t row) const = 0;
  virtual std::string_view Key(int64_t row) const = 0;
  // Copies the rows (in the order asked, zero-filled for -1) with prefetching.
  virtual void Gather(std::span<const int64_t> rows, std::span<std::byte> out) const = 0;
};

// Verifies header, sizes and checksum of every block; kCorrupt names file, block and offset.
Result<std::unique_ptr<FlatTable>> OpenFlatTable(io::FileSystem& files, const std::string& path);

class FlatTableWriter {
 public:
  virtual ~FlatTableWriter() = default;
  // Bytes of one row: the fields in order, each aligned to its type, the whole rounded up to the widest type.
  virtual size_t row_bytes() const = 0;
  // `row` has row_bytes() bytes in the order of the fields, each field aligned to its type. A key given twice is
  // kAlreadyExists.
  virtual Status Add(std::string_view key, std::span<const std::byte> row) = 0;
  // Atomic: temporary file, fsync, rename, directory fsync. Until then the rows are held in memory.
  virtual Status Finish() = 0;
};

Result<std::unique_ptr<FlatTableWriter>> CreateFlatTable(io::FileSystem& files, const std::string& path,
                                                         std::vector<FlatField> fields, size_t expected_rows);

}  // namespace feedmill::store
