// Inner products of one byte vector with many, the inner loop of the exact scan. All kernels give the same integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace feedmill::index {

// Rows are packed in blocks of 16: for each group of four dimensions, the 16 rows' four bytes lie next to each other
// (64 bytes), so that one vector instruction adds four products to each of 16 rows' sums and no sum runs across a
// register.
inline constexpr size_t kBlockRows = 16;
inline constexpr size_t kGroupDimensions = 4;
inline constexpr size_t kGroupBytes = kBlockRows * kGroupDimensions;
inline constexpr size_t kDimensionMax = 4096;  // keeps every sum inside 32 bits

struct PackedQuery {
  size_t groups = 0;
  std::vector<int8_t> values;    // groups x 4, in [-127, 127]
  std::vector<uint8_t> shifted;  // values + 128: the instruction multiplies unsigned by signed
};

// out[block * 16 + row] = inner product, for `block_count` blocks from `codes` on. `code_sums`: 128 x the sum of each
// row's codes.
using DotKernel = void (*)(const int8_t* codes, const int32_t* code_sums, size_t block_count, const PackedQuery& query,
                           int32_t* out);
void DotBlocksScalar(const int8_t* codes, const int32_t* code_sums, size_t block_count, const PackedQuery& query,
                     int32_t* out);
void DotBlocksAvx2(const int8_t* codes, const int32_t* code_sums, size_t block_count, const PackedQuery& query,
                   int32_t* out);
void DotBlocksVnni(const int8_t* codes, const int32_t* code_sums, size_t block_count, const PackedQuery& query,
                   int32_t* out);
bool MachineHasVnni();

}  // namespace feedmill::index
