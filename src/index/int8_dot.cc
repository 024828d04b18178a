#include <immintrin.h>

#include "index/int8_dot_internal.h"

namespace feedmill::index {

void DotBlocksScalar(const int8_t* codes, const int32_t*, size_t block_count, const PackedQuery& query, int32_t* out) {
  for (size_t block = 0; block < block_count; ++block) {
    for (size_t row = 0; row < kBlockRows; ++row) {
      int32_t sum = 0;
      for (size_t i = 0; i < query.groups * kGroupDimensions; ++i) {
        const size_t group = i / kGroupDimensions, within = i % kGroupDimensions;
        sum += codes[(block * query.groups + group) * kGroupBytes + row * kGroupDimensions + within] * query.values[i];
      }
      out[block * kBlockRows + row] = sum;
    }
  }
}

namespace {

// Four products of each of eight rows, added up. |code| * (query with the code's sign) keeps the 16-bit pair sums below
// 2 * 127 * 127.
__m256i FourProducts(__m256i codes, __m256i query) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(query, codes));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

int32_t FourBytes(const void* at) {
  int32_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

void DotBlocksAvx2(const int8_t* codes, const int32_t*, size_t block_count, const PackedQuery& query, int32_t* out) {
  for (size_t block = 0; block < block_count; ++block) {
    __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
    for (size_t group = 0; group < query.groups; ++group, codes += kGroupBytes) {
      const __m256i four = _mm256_set1_epi32(FourBytes(query.values.data() + group * kGroupDimensions));
      low = _mm256_add_epi32(low, FourProducts(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes)), four));
      high =
          _mm256_add_epi32(high, FourProducts(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 32)), four));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + block * kBlockRows), low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + block * kBlockRows + 8), high);
  }
}

bool MachineHasVnni() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vnni");
}

#define FEEDMILL_VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

// (query + 128) . codes = query . codes + 128 x sum of codes.
FEEDMILL_VNNI void DotBlocksVnni(const int8_t* codes, const int32_t* code_sums, size_t block_count,
                                 const PackedQuery& query, int32_t* out) {
  constexpr size_t kTogether = 4;  // independent sums hide the instruction's latency
  const size_t block_bytes = query.groups * kGroupBytes;
  size_t block = 0;
  for (; block + kTogether <= block_count; block += kTogether, codes += kTogether * block_bytes) {
    __m512i sums[kTogether];
    for (size_t i = 0; i < kTogether; ++i) {
      sums[i] = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_loadu_si512(code_sums + (block + i) * kBlockRows));
    }
    for (size_t group = 0; group < query.groups; ++group) {
      const __m512i four = _mm512_set1_epi32(FourBytes(query.shifted.data() + group * kGroupDimensions));
      const int8_t* at = codes + group * kGroupBytes;
      for (size_t i = 0; i < kTogether; ++i)
        sums[i] = _mm512_dpbusd_epi32(sums[i], four, _mm512_loadu_si512(at + i * block_bytes));
    }
    for (size_t i = 0; i < kTogether; ++i) _mm512_storeu_si512(out + (block + i) * kBlockRows, sums[i]);
  }
  for (; block < block_count; ++block, codes += block_bytes) {
    __m512i sum = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_loadu_si512(code_sums + block * kBlockRows));
    for (size_t group = 0; group < query.groups; ++group) {
      const __m512i four = _mm512_set1_epi32(FourBytes(query.shifted.data() + group * kGroupDimensions));
      sum = _mm512_dpbusd_epi32(sum, four, _mm512_loadu_si512(codes + group * kGroupBytes));
    }
    _mm512_storeu_si512(out + block * kBlockRows, sum);
  }
}

}  // namespace feedmill::index
