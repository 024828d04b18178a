// The block kernel for any machine with AVX2: 8 rows a search step, 32 rows a byte step, 4 rows a leaf gather.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 warns inside its own intrinsics (GCC bug 105593)
#endif
#include <immintrin.h>

#include "model/binned_internal.h"

namespace feedmill::model {
namespace {

constexpr size_t kLanes = 8;

struct EightValues {
  __m256 value;  // NaN and near-zero already read as 0
  __m256 is_nan;
  __m256 is_zero;  // NaN included
};

EightValues Load(const float* rows, __m256i row_offsets, uint32_t feature) {
  const __m256 raw = _mm256_i32gather_ps(rows + feature, row_offsets, 4);
  const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), raw);
  const __m256 is_zero = _mm256_cmp_ps(magnitude, _mm256_set1_ps(kZeroThreshold), _CMP_NGT_UQ);
  return {_mm256_andnot_ps(is_zero, raw), _mm256_cmp_ps(raw, raw, _CMP_UNORD_Q), is_zero};
}

// Number of thresholds below each value.
__m256i Search(const BinnedFeature& feature, __m256 value) {
  __m256i at = _mm256_setzero_si256();
  for (uint32_t step = 1u << feature.levels >> 1; step > 0; step >>= 1) {
    const __m256 threshold = _mm256_i32gather_ps(feature.thresholds.data() + step - 1, at, 4);
    const __m256i below = _mm256_castps_si256(_mm256_cmp_ps(threshold, value, _CMP_LT_OQ));
    at = _mm256_add_epi32(at, _mm256_and_si256(below, _mm256_set1_epi32(static_cast<int>(step))));
  }
  return at;
}

__m256i MissingMask(MissingType missing, const EightValues& values) {
  switch (missing) {
    case MissingType::kNone:
      return _mm256_setzero_si256();
    case MissingType::kZero:
      return _mm256_castps_si256(values.is_zero);
    case MissingType::kNan:
      return _mm256_castps_si256(values.is_nan);
  }
  return _mm256_setzero_si256();
}

// Low bytes of eight 32-bit numbers.
void StoreBytes(__m256i numbers, uint8_t* out) {
  const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256(numbers, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_packus_epi16(halves, halves));
}

void EncodeEight(const BinnedEnsemble& binned, const float* rows, __m256i row_offsets, uint8_t* codes) {
  size_t column = 0;
  for (uint32_t source = 0; source < binned.features.size(); ++source) {
    const BinnedFeature& feature = binned.features[source];
    const EightValues values = Load(rows, row_offsets, feature.feature);
    const __m256i code = Search(feature, values.value);
    for (; column < binned.columns.size() && binned.columns[column].source == source; ++column) {
      const BinnedColumn& how = binned.columns[column];
      const __m256i missing = MissingMask(how.missing, values);
      StoreBytes(_mm256_blendv_epi8(code, _mm256_set1_epi32(how.missing_code), missing), codes + column * kBlockRows);
    }
  }
}

// Rows past the last one repeat it; their sums are not used.
void EncodeBlock(const BinnedEnsemble& binned, const float* rows, size_t row_count, uint8_t* codes) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (size_t first = 0; first < row_count; first += kLanes) {
    const __m256i row = _mm256_min_epi32(_mm256_add_epi32(lane, _mm256_set1_epi32(static_cast<int>(first))),
                                         _mm256_set1_epi32(static_cast<int>(row_count) - 1));
    const __m256i offsets = _mm256_mullo_epi32(row, _mm256_set1_epi32(static_cast<int>(binned.feature_count)));
    EncodeEight(binned, rows, offsets, codes + first);
  }
}

__m256i LoadBytes(const uint8_t* bytes) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes)); }

void EvaluateTree(const BinnedStep* step, size_t count, const uint8_t* codes, uint8_t* slots) {
  for (const BinnedStep* end = step + count; step != end; ++step) {
    const uint8_t* code = codes + step->code_offset;
    const uint8_t* left = slots + step->left_slot * kSlotBytes;
    const uint8_t* right = slots + step->right_slot * kSlotBytes;
    uint8_t* out = slots + step->out_slot * kSlotBytes;
    const __m256i threshold = _mm256_set1_epi32(static_cast<int>(step->threshold_times_4));
    for (size_t at = 0; at < kSlotBytes; at += 32) {
      const __m256i codes_here = LoadBytes(code + at);
      // AVX2 has no unsigned compare: code <= threshold exactly when min(code, threshold) == code.
      const __m256i goes_left = _mm256_cmpeq_epi8(_mm256_min_epu8(codes_here, threshold), codes_here);
      _mm256_store_si256(reinterpret_cast<__m256i*>(out + at),
                         _mm256_blendv_epi8(LoadBytes(right + at), LoadBytes(left + at), goes_left));
    }
  }
}

void AddLeaves(const double* leaves, const uint8_t* leaf_index, double* sums) {
  for (size_t at = 0; at < kBlockRows; at += 4) {
    int four;
    __builtin_memcpy(&four, leaf_index + at, sizeof four);
    const __m128i index = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
    const __m256d leaf = _mm256_i32gather_pd(leaves, index, 8);
    _mm256_store_pd(sums + at, _mm256_add_pd(_mm256_load_pd(sums + at), leaf));
  }
}

}  // namespace

void ScoreBlockAvx2(const BinnedEnsemble& binned, const float* rows, size_t row_count, BlockScratch* scratch) {
  EncodeBlock(binned, rows, row_count, scratch->codes());
  for (size_t at = 0; at < kBlockRows; at += 4) _mm256_store_pd(scratch->sums() + at, _mm256_setzero_pd());
  for (const BinnedTree& tree : binned.trees) {
    EvaluateTree(binned.steps.data() + tree.first_step, tree.step_count, scratch->codes(), scratch->slots());
    AddLeaves(binned.leaves.data() + tree.first_leaf, scratch->slots() + tree.result_slot * kSlotBytes,
              scratch->sums());
  }
}

}  // namespace feedmill::model
