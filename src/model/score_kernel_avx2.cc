// The block kernel for any machine with AVX2: 16 rows a search step, 32 rows a byte step. It gathers as little as it
// can: on AMD's processors a gather of eight costs as much as forty other instructions.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 warns inside its own intrinsics (GCC bug 105593)
#endif
#include <algorithm>

#include <immintrin.h>

#include "model/binned_internal.h"

namespace feedmill::model {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kVectors = kTurnedRows / kLanes;  // searched side by side; more would not fit the registers

struct EightValues {
  __m256 value;  // NaN and near-zero already read as 0
  __m256 is_nan;
  __m256 is_zero;  // NaN included
};

EightValues Examine(__m256 raw) {
  const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), raw);
  const __m256 is_zero = _mm256_cmp_ps(magnitude, _mm256_set1_ps(kZeroThreshold), _CMP_NGT_UQ);
  return {_mm256_andnot_ps(is_zero, raw), _mm256_cmp_ps(raw, raw, _CMP_UNORD_Q), is_zero};
}

// in[r] has eight features of row r; out[f * 8 + r] is feature f of row r.
void TurnEight(const __m256* in, float* out) {
  __m256 pairs[8], fours[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(in[i], in[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(in[i], in[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
    fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    _mm256_store_ps(out + i * 8, _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20));
    _mm256_store_ps(out + (i + 4) * 8, _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31));
  }
}

// Eight rows from `first` on: turned[f * 8 + r]. Rows past the last one repeat it.
void TurnRows(const float* rows, size_t feature_count, size_t first, size_t row_count, float* turned) {
  const float* row[kLanes];
  for (size_t i = 0; i < kLanes; ++i) row[i] = rows + std::min(first + i, row_count - 1) * feature_count;
  __m256 eight[kLanes];
  size_t at = 0;
  for (; at + 8 <= feature_count; at += 8) {
    for (size_t i = 0; i < kLanes; ++i) eight[i] = _mm256_loadu_ps(row[i] + at);
    TurnEight(eight, turned + at * kLanes);
  }
  if (at == feature_count) return;
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(feature_count - at)), lane);
  for (size_t i = 0; i < kLanes; ++i) eight[i] = _mm256_maskload_ps(row[i] + at, inside);
  TurnEight(eight, turned + at * kLanes);
}

__m256i CountBelow(__m256i count, __m256 threshold, __m256 value) {
  return _mm256_sub_epi32(count, _mm256_castps_si256(_mm256_cmp_ps(threshold, value, _CMP_LT_OQ)));
}

// at[v]: number of thresholds below each value. Two stages count among seven thresholds each; the few levels that are
// left when there are more than 63 are searched.
void Search(const BinnedFeature& feature, const EightValues* values, __m256i* at) {
  for (size_t v = 0; v < kVectors; ++v) at[v] = _mm256_setzero_si256();
  for (size_t i = 0; i + 1 < size_t{1} << feature.first_levels; ++i) {
    const __m256 threshold = _mm256_set1_ps(feature.first[i]);
    for (size_t v = 0; v < kVectors; ++v) at[v] = CountBelow(at[v], threshold, values[v].value);
  }
  if (feature.second_levels == 0) return;
  __m256i block[kVectors];
  for (size_t v = 0; v < kVectors; ++v) {
    block[v] = at[v];
    at[v] = _mm256_slli_epi32(at[v], static_cast<int>(feature.second_levels));
  }
  for (size_t i = 0; i + 1 < size_t{1} << feature.second_levels; ++i) {
    const __m256 of_blocks = _mm256_load_ps(feature.second[i]);
    for (size_t v = 0; v < kVectors; ++v)
      at[v] = CountBelow(at[v], _mm256_permutevar8x32_ps(of_blocks, block[v]), values[v].value);
  }
  const uint32_t left = feature.levels - feature.first_levels - feature.second_levels;
  if (left == 0) return;
  for (size_t v = 0; v < kVectors; ++v) at[v] = _mm256_slli_epi32(at[v], static_cast<int>(left));
  for (uint32_t step = 1u << left >> 1; step > 0; step >>= 1) {
    for (size_t v = 0; v < kVectors; ++v) {
      const __m256 threshold = _mm256_i32gather_ps(feature.thresholds.data() + step - 1, at[v], 4);
      const __m256i below = _mm256_castps_si256(_mm256_cmp_ps(threshold, values[v].value, _CMP_LT_OQ));
      at[v] = _mm256_add_epi32(at[v], _mm256_and_si256(below, _mm256_set1_epi32(static_cast<int>(step))));
    }
  }
}

// Values between categories have the code of the one below them: theirs is none.
__m256i OnlyCategories(const BinnedFeature& feature, __m256 value, __m256i code) {
  const __m256 category = _mm256_i32gather_ps(feature.categories.data(), code, 4);
  const __m256 whole = _mm256_round_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  const __m256i is_it = _mm256_castps_si256(_mm256_cmp_ps(category, whole, _CMP_EQ_OQ));
  return _mm256_blendv_epi8(_mm256_set1_epi32(kNoCategory), code, is_it);
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

// The codes of kTurnedRows rows.
void Encode(const BinnedEnsemble& binned, const float* turned, size_t turned_stride, uint8_t* codes) {
  size_t column = 0;
  for (uint32_t source = 0; source < binned.features.size(); ++source) {
    const BinnedFeature& feature = binned.features[source];
    EightValues values[kVectors];
    __m256i code[kVectors];
    for (size_t v = 0; v < kVectors; ++v)
      values[v] = Examine(_mm256_load_ps(turned + v * turned_stride + feature.feature * kLanes));
    Search(feature, values, code);
    for (size_t v = 0; v < kVectors && !feature.categories.empty(); ++v)
      code[v] = OnlyCategories(feature, values[v].value, code[v]);
    for (; column < binned.columns.size() && binned.columns[column].source == source; ++column) {
      const BinnedColumn& how = binned.columns[column];
      const __m256i missing_code = _mm256_set1_epi32(how.missing_code);
      for (size_t v = 0; v < kVectors; ++v) {
        const __m256i patched = _mm256_blendv_epi8(code[v], missing_code, MissingMask(how.missing, values[v]));
        StoreBytes(patched, codes + column * kBlockRows + v * kLanes);
      }
    }
  }
}

// Rows past the last one repeat it; their sums are not used.
void EncodeBlock(const BinnedEnsemble& binned, const float* rows, size_t row_count, BlockScratch* scratch) {
  const size_t stride = (binned.feature_count + 7) / 8 * 8 * kLanes;
  for (size_t first = 0; first < row_count; first += kTurnedRows) {
    for (size_t v = 0; v < kVectors; ++v)
      TurnRows(rows, binned.feature_count, first + v * kLanes, row_count, scratch->turned() + v * stride);
    Encode(binned, scratch->turned(), stride, scratch->codes() + first);
  }
}

__m256i LoadBytes(const uint8_t* bytes) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes)); }

// Which of 32 codes are in the set.
__m256i IsIn(const CodeSet& set, __m256i codes) {
  const auto row = [&set](int i) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(set.rows[i])));
  };
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i low = _mm256_and_si256(codes, nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), nibble);
  const __m256i bits = _mm256_blendv_epi8(_mm256_shuffle_epi8(row(0), low), _mm256_shuffle_epi8(row(1), low), codes);
  const __m256i bit = _mm256_shuffle_epi8(_mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull)),
                                          _mm256_and_si256(high, _mm256_set1_epi8(7)));
  return _mm256_cmpeq_epi8(_mm256_and_si256(bits, bit), bit);
}

void EvaluateTree(const CodeSet* sets, const BinnedStep* step, size_t count, const uint8_t* codes, uint8_t* slots) {
  for (const BinnedStep* end = step + count; step != end; ++step) {
    const uint8_t* code = codes + step->code_offset;
    const uint8_t* left = slots + step->left_slot * kSlotBytes;
    const uint8_t* right = slots + step->right_slot * kSlotBytes;
    uint8_t* out = slots + step->out_slot * kSlotBytes;
    const __m256i threshold = _mm256_set1_epi32(static_cast<int>(step->threshold));
    for (size_t at = 0; at < kSlotBytes; at += 32) {
      const __m256i codes_here = LoadBytes(code + at);
      // AVX2 has no unsigned compare: code <= threshold exactly when min(code, threshold) == code.
      const __m256i goes_left = step->is_categorical
                                    ? IsIn(sets[step->threshold], codes_here)
                                    : _mm256_cmpeq_epi8(_mm256_min_epu8(codes_here, threshold), codes_here);
      _mm256_store_si256(reinterpret_cast<__m256i*>(out + at),
                         _mm256_blendv_epi8(LoadBytes(right + at), LoadBytes(left + at), goes_left));
    }
  }
}

void AddLeaves(const double* leaves, const uint8_t* leaf_index, double* sums) {
  for (size_t at = 0; at < kBlockRows; at += 4) {
    const uint8_t* four = leaf_index + at;
    const __m256d leaf = _mm256_setr_pd(leaves[four[0]], leaves[four[1]], leaves[four[2]], leaves[four[3]]);
    _mm256_store_pd(sums + at, _mm256_add_pd(_mm256_load_pd(sums + at), leaf));
  }
}

}  // namespace

void ScoreBlockAvx2(const BinnedEnsemble& binned, const float* rows, size_t row_count, BlockScratch* scratch) {
  EncodeBlock(binned, rows, row_count, scratch);
  for (size_t at = 0; at < kBlockRows; at += 4) _mm256_store_pd(scratch->sums() + at, _mm256_setzero_pd());
  for (const BinnedTree& tree : binned.trees) {
    EvaluateTree(binned.code_sets.data(), binned.steps.data() + tree.first_step, tree.step_count, scratch->codes(),
                 scratch->slots());
    AddLeaves(binned.leaves.data() + tree.first_leaf, scratch->slots() + tree.result_slot * kSlotBytes,
              scratch->sums());
  }
}

}  // namespace feedmill::model
