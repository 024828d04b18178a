// The fast scorer's compiled form. Why it looks like this: docs/decisions/tree-scoring.md.
//
// Every input value becomes one byte: how many of its feature's distinct thresholds lie below it. A node's test is then
// a byte compare, which one AVX-512 instruction does for 64 rows. A tree is evaluated bottom-up over ALL its nodes with
// byte blends ("which leaf would a row reach below this node?"), so there is no branch, no gather and no dependence on
// the tree's depth; only the leaf value is gathered.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/ensemble_internal.h"

namespace feedmill::model {

inline constexpr size_t kBlockRows =
    128;  // rows scored together: codes, constants and slots of a block stay in the L1 cache
inline constexpr size_t kCodesPerFeatureMax = 255;  // distinct thresholds or categories of one: one less
inline constexpr size_t kByteLeavesMax = 256;
// Evaluating the child that needs more slots first bounds live slots by log2(leaves) + 1 (Sethi and Ullman, 1970).
inline constexpr size_t kSlots = 10;
inline constexpr size_t kSlotBytes = kBlockRows;
inline constexpr uint32_t kStageLevels = 3;
inline constexpr size_t kStageBlocks = 1 << kStageLevels;  // floats of an AVX2 register
inline constexpr size_t kTurnedRows = 16;                  // that a kernel may turn at once

// All distinct thresholds of one feature, as floats rounded down (v <= t as double exactly when v <= RoundDown(t) for
// float v).
struct BinnedFeature {
  uint32_t feature = 0;            // column of the input row
  uint32_t levels = 0;             // of the search: 2^levels - 1 entries
  uint32_t top_levels = 0;         // of them searched in `top`, in one register
  std::vector<float> thresholds;   // ascending, padded with +infinity to 2^levels - 1
  alignas(64) float top[16] = {};  // every 2^(levels - top_levels)-th threshold
  // The same for a search that counts: `first` parts the thresholds into blocks of equal size, of first_levels levels;
  // second[i][block] is the i-th of those that part the block once more.
  uint32_t first_levels = 0;
  uint32_t second_levels = 0;
  alignas(32) float first[kStageBlocks] = {};
  alignas(32) float second[kStageBlocks - 1][kStageBlocks] = {};
  // Of a categorical feature, else empty: categories[code] is the category whose values have that code, if they are
  // its; categories[0] is nobody's. As long as `thresholds` and one more.
  std::vector<float> categories;
};

// One row of codes: a feature under one treatment of missing values.
struct BinnedColumn {
  uint32_t source = 0;  // index of its BinnedFeature
  MissingType missing = MissingType::kNone;
  uint8_t missing_code = 0;  // 0 = left of every threshold, 255 = right of every one
};

// One node: slot[out] = code[column] > threshold ? slot[right] : slot[left], byte by byte; of a categorical one, left
// when the code is in the set.
// Offsets are into one scratch area: kByteLeavesMax constant slots (slot i holds the byte i), then kSlots computed
// ones.
struct BinnedStep {
  uint32_t code_offset = 0;
  // The byte in all four places: a 4-byte broadcast needs no shuffle port. Of a categorical one: place in code_sets.
  uint32_t threshold = 0;
  uint16_t left_slot = 0;
  uint16_t right_slot = 0;
  uint16_t out_slot = 0;
  bool is_categorical = false;
};

// Which codes are in it: bit h % 8 of rows[h / 8][l] is that of code 16 h + l, so that two shuffles find it.
struct CodeSet {
  alignas(16) uint8_t rows[2][16] = {};
  void Add(uint8_t code) { rows[code >> 7][code & 15] |= static_cast<uint8_t>(1 << (code >> 4 & 7)); }
};
inline constexpr uint8_t kNoCategory = 255;  // in no set

struct BinnedTree {
  uint32_t first_step = 0;
  uint32_t step_count = 0;
  uint32_t first_leaf = 0;
  uint16_t result_slot = 0;
};

struct BinnedEnsemble {
  size_t feature_count = 0;
  std::vector<BinnedFeature> features;
  std::vector<BinnedColumn> columns;  // in order of source
  std::vector<BinnedStep> steps;
  std::vector<CodeSet> code_sets;
  std::vector<BinnedTree> trees;
  std::vector<double> leaves;  // 8 zeros more than used, so that a vector load stays inside
};

// False when a feature has more distinct thresholds or categories, or a tree more leaves, than a byte can tell apart.
bool CompileEnsemble(const Ensemble& ensemble, BinnedEnsemble* binned);

// The block's working memory.
struct BlockScratch {
  explicit BlockScratch(const BinnedEnsemble& binned);
  uint8_t* codes() { return area_.get(); }
  uint8_t* slots() { return area_.get() + codes_bytes_; }
  double* sums() { return reinterpret_cast<double*>(slots() + (kByteLeavesMax + kSlots) * kSlotBytes); }
  // Room for kTurnedRows rows, the number of features rounded up to 8.
  float* turned() { return reinterpret_cast<float*>(sums() + kBlockRows); }

 private:
  struct Free {
    void operator()(uint8_t* memory) const;
  };
  size_t codes_bytes_;
  std::unique_ptr<uint8_t[], Free> area_;
};

// A kernel scores the first `row_count` (1..kBlockRows) rows into scratch->sums().
using BlockKernel = void (*)(const BinnedEnsemble& binned, const float* rows, size_t row_count, BlockScratch* scratch);
void ScoreBlockAvx2(const BinnedEnsemble& binned, const float* rows, size_t row_count, BlockScratch* scratch);
void ScoreBlockAvx512(const BinnedEnsemble& binned, const float* rows, size_t row_count, BlockScratch* scratch);
bool MachineHasAvx512();

// `kernel` is one of the above.
std::unique_ptr<TreeModel> MakeBinnedModel(Ensemble ensemble, BinnedEnsemble binned, BlockKernel kernel);

}  // namespace feedmill::model
