// The block kernel for AVX-512 (F, BW, DQ, VL): 16 rows a search step, 64 rows a byte step, 8 rows a leaf gather.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 warns inside its own intrinsics (GCC bug 105593)
#endif
#include <immintrin.h>

#include "model/binned_internal.h"

#define FEEDMILL_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"), always_inline)) inline

namespace feedmill::model {
namespace {

constexpr size_t kLanes = 16;

struct SixteenValues {
  __m512 value;  // NaN and near-zero already read as 0
  __mmask16 is_nan;
  __mmask16 is_zero;  // NaN included
};

FEEDMILL_AVX512 SixteenValues Load(const float* rows, __m512i row_offsets, uint32_t feature) {
  const __m512 raw = _mm512_i32gather_ps(row_offsets, rows + feature, 4);
  const __mmask16 is_nan = _mm512_cmp_ps_mask(raw, raw, _CMP_UNORD_Q);
  const __mmask16 is_large = _mm512_cmp_ps_mask(_mm512_abs_ps(raw), _mm512_set1_ps(kZeroThreshold), _CMP_GT_OQ);
  return {_mm512_maskz_mov_ps(is_large, raw), is_nan, static_cast<__mmask16>(~is_large)};
}

// Number of thresholds below each value: the top levels in a register, the rest by gathers.
FEEDMILL_AVX512 __m512i Search(const BinnedFeature& feature, __m512 value) {
  const __m512 top = _mm512_load_ps(feature.top);
  __m512i at = _mm512_setzero_si512();
  for (uint32_t step = 1u << feature.top_levels >> 1; step > 0; step >>= 1) {
    const __m512i probe = _mm512_add_epi32(at, _mm512_set1_epi32(static_cast<int>(step) - 1));
    const __mmask16 below = _mm512_cmp_ps_mask(_mm512_permutexvar_ps(probe, top), value, _CMP_LT_OQ);
    at = _mm512_mask_add_epi32(at, below, at, _mm512_set1_epi32(static_cast<int>(step)));
  }
  const uint32_t rest = feature.levels - feature.top_levels;
  at = _mm512_slli_epi32(at, rest);
  for (uint32_t step = 1u << rest >> 1; step > 0; step >>= 1) {
    const __m512 threshold = _mm512_i32gather_ps(at, feature.thresholds.data() + step - 1, 4);
    const __mmask16 below = _mm512_cmp_ps_mask(threshold, value, _CMP_LT_OQ);
    at = _mm512_mask_add_epi32(at, below, at, _mm512_set1_epi32(static_cast<int>(step)));
  }
  return at;
}

// Values between categories have the code of the one below them: theirs is none.
FEEDMILL_AVX512 __m512i OnlyCategories(const BinnedFeature& feature, __m512 value, __m512i code) {
  const __m512 category = _mm512_i32gather_ps(code, feature.categories.data(), 4);
  const __m512 whole = _mm512_roundscale_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  const __mmask16 is_it = _mm512_cmp_ps_mask(category, whole, _CMP_EQ_OQ);
  return _mm512_mask_mov_epi32(_mm512_set1_epi32(kNoCategory), is_it, code);
}

FEEDMILL_AVX512 __mmask16 MissingMask(MissingType missing, const SixteenValues& values) {
  switch (missing) {
    case MissingType::kNone:
      return 0;
    case MissingType::kZero:
      return values.is_zero;
    case MissingType::kNan:
      return values.is_nan;
  }
  return 0;
}

FEEDMILL_AVX512 void EncodeSixteen(const BinnedEnsemble& binned, const float* rows, __m512i row_offsets,
                                   uint8_t* codes) {
  size_t column = 0;
  for (uint32_t source = 0; source < binned.features.size(); ++source) {
    const BinnedFeature& feature = binned.features[source];
    const SixteenValues values = Load(rows, row_offsets, feature.feature);
    __m512i code = Search(feature, values.value);
    if (!feature.categories.empty()) code = OnlyCategories(feature, values.value, code);
    for (; column < binned.columns.size() && binned.columns[column].source == source; ++column) {
      const BinnedColumn& how = binned.columns[column];
      const __m512i patched =
          _mm512_mask_mov_epi32(code, MissingMask(how.missing, values), _mm512_set1_epi32(how.missing_code));
      _mm_store_si128(reinterpret_cast<__m128i*>(codes + column * kBlockRows), _mm512_cvtepi32_epi8(patched));
    }
  }
}

// Rows past the last one repeat it; their sums are not used.
FEEDMILL_AVX512 void EncodeBlock(const BinnedEnsemble& binned, const float* rows, size_t row_count, uint8_t* codes) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (size_t first = 0; first < row_count; first += kLanes) {
    const __m512i row = _mm512_min_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(first))),
                                         _mm512_set1_epi32(static_cast<int>(row_count) - 1));
    const __m512i offsets = _mm512_mullo_epi32(row, _mm512_set1_epi32(static_cast<int>(binned.feature_count)));
    EncodeSixteen(binned, rows, offsets, codes + first);
  }
}

FEEDMILL_AVX512 __m512i InAllQuarters(const uint8_t* sixteen) {
  return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(sixteen)));
}

// Which of 64 codes are not in the set.
FEEDMILL_AVX512 __mmask64 IsNotIn(const CodeSet& set, __m512i codes) {
  const __m512i low = _mm512_and_si512(codes, _mm512_set1_epi8(15));
  const __m512i high = _mm512_and_si512(_mm512_srli_epi16(codes, 4), _mm512_set1_epi8(7));
  const __m512i bits =
      _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), _mm512_shuffle_epi8(InAllQuarters(set.rows[0]), low),
                             _mm512_shuffle_epi8(InAllQuarters(set.rows[1]), low));
  const __m512i bit = _mm512_shuffle_epi8(_mm512_set1_epi64(static_cast<long long>(0x8040201008040201ull)), high);
  return _mm512_testn_epi8_mask(bits, bit);
}

FEEDMILL_AVX512 void EvaluateTree(const CodeSet* sets, const BinnedStep* step, size_t count, const uint8_t* codes,
                                  uint8_t* slots) {
  for (const BinnedStep* end = step + count; step != end; ++step) {
    const uint8_t* code = codes + step->code_offset;
    const uint8_t* left = slots + step->left_slot * kSlotBytes;
    const uint8_t* right = slots + step->right_slot * kSlotBytes;
    uint8_t* out = slots + step->out_slot * kSlotBytes;
    const __m512i threshold = _mm512_set1_epi32(static_cast<int>(step->threshold));
    for (size_t at = 0; at < kSlotBytes; at += 64) {
      const __m512i codes_here = _mm512_load_si512(code + at);
      const __mmask64 goes_right = step->is_categorical ? IsNotIn(sets[step->threshold], codes_here)
                                                        : _mm512_cmpgt_epu8_mask(codes_here, threshold);
      _mm512_store_si512(
          out + at, _mm512_mask_blend_epi8(goes_right, _mm512_load_si512(left + at), _mm512_load_si512(right + at)));
    }
  }
}

FEEDMILL_AVX512 void AddLeaves(const double* leaves, const uint8_t* leaf_index, double* sums) {
  for (size_t at = 0; at < kBlockRows; at += 8) {
    const __m512i index = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(leaf_index + at)));
    const __m512d leaf = _mm512_i64gather_pd(index, leaves, 8);
    _mm512_store_pd(sums + at, _mm512_add_pd(_mm512_load_pd(sums + at), leaf));
  }
}

}  // namespace

bool MachineHasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void ScoreBlockAvx512(const BinnedEnsemble& binned,
                                                                                    const float* rows, size_t row_count,
                                                                                    BlockScratch* scratch) {
  EncodeBlock(binned, rows, row_count, scratch->codes());
  for (size_t at = 0; at < kBlockRows; at += 8) _mm512_store_pd(scratch->sums() + at, _mm512_setzero_pd());
  for (const BinnedTree& tree : binned.trees) {
    EvaluateTree(binned.code_sets.data(), binned.steps.data() + tree.first_step, tree.step_count, scratch->codes(),
                 scratch->slots());
    AddLeaves(binned.leaves.data() + tree.first_leaf, scratch->slots() + tree.result_slot * kSlotBytes,
              scratch->sums());
  }
}

}  // namespace feedmill::model
