// Scan of byte codes with a proven error bound, then exact scores for the rows that the bound cannot rule out.
//
// A row x is stored as codes c and a scale s with x = s c + e; a query likewise as q = t d + f. Then
//   x . q = s t (c . d) + e . q + (s c) . f,  so  |x . q - s t (c . d)| <= |e| |q| + |s c| |f|   (Cauchy-Schwarz).
// A row whose upper bound is below the count-th best lower bound cannot be among the answers; all others get their
// exact score.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <immintrin.h>
#include <limits>

#include "base/prefetch.h"
#include "index/exact_score_internal.h"
#include "index/scanned_index_internal.h"

namespace feedmill::index {
namespace {

constexpr float kCodeMax = 127;
constexpr size_t kChunkBlocks = 64;      // rows between two looks at the running threshold: 1,024
constexpr float kRoundingShare = 1e-5f;  // of |x||q|: covers the float arithmetic of the bounds, with room
constexpr size_t kPrefetchAhead = 8;
constexpr size_t kKeepFactor = 4, kKeepMin = 2048;  // candidates gathered before the threshold is raised again

struct Quantized {
  float scale = 0;
  float error_norm = 0;  // |x - scale * codes|
  float code_norm = 0;   // |scale * codes|
};

Quantized Quantize(std::span<const float> vector, int8_t* codes, size_t stride_group) {
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::fabs(value));
  Quantized made;
  made.scale = largest / kCodeMax;
  double error = 0, norm = 0;
  for (size_t i = 0; i < vector.size(); ++i) {
    const float code = made.scale > 0 ? std::clamp(std::nearbyint(vector[i] / made.scale), -kCodeMax, kCodeMax) : 0;
    codes[i / kGroupDimensions * stride_group + i % kGroupDimensions] = static_cast<int8_t>(code);
    const double kept = static_cast<double>(made.scale) * static_cast<double>(code);
    error += (vector[i] - kept) * (vector[i] - kept);
    norm += kept * kept;
  }
  made.error_norm = static_cast<float>(std::sqrt(error));
  made.code_norm = static_cast<float>(std::sqrt(norm));
  return made;
}

struct Candidate {
  uint32_t row;
  float lower;
  float upper;
};

// Keeps every row that may still be among the best `count`.
class Collector {
 public:
  explicit Collector(size_t count) : count_(count), room_(std::max(count * kKeepFactor, kKeepMin)) {
    candidates_.reserve(room_ + 1024);
  }

  float threshold() const { return threshold_; }
  void Add(uint32_t row, float approximate, float error) {
    candidates_.push_back({row, approximate - error, approximate + error});
  }
  void Settle() {
    if (candidates_.size() < room_) return;
    RaiseThreshold();
    room_ = std::max(room_, candidates_.size() * 2);  // when the bound cannot part them, do not try at every chunk
  }
  std::vector<Candidate>& Finish() {
    RaiseThreshold();
    return candidates_;
  }

 private:
  void RaiseThreshold() {
    if (candidates_.size() <= count_) return;
    const auto nth = candidates_.begin() + static_cast<ptrdiff_t>(count_ - 1);
    std::ranges::nth_element(candidates_, nth, std::ranges::greater{}, &Candidate::lower);
    threshold_ = nth->lower;
    std::erase_if(candidates_, [this](const Candidate& candidate) { return candidate.upper < threshold_; });
  }

  size_t count_, room_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<Candidate> candidates_;
};

class ScannedIndex final : public VectorIndex {
 public:
  ScannedIndex(std::span<const float> vectors, size_t dimension, DotKernel kernel)
      : vectors_(vectors),
        dimension_(dimension),
        kernel_(kernel),
        groups_((dimension + kGroupDimensions - 1) / kGroupDimensions),
        blocks_((size() + kBlockRows - 1) / kBlockRows),
        codes_(blocks_ * groups_ * kGroupBytes),
        code_sums_(blocks_ * kBlockRows),
        scales_(blocks_ * kBlockRows),
        error_norms_(blocks_),
        code_norms_(blocks_) {
    for (size_t row = 0; row < size(); ++row) AddRow(row);
  }

  size_t size() const override { return vectors_.size() / dimension_; }
  size_t dimension() const override { return dimension_; }

  std::vector<Neighbour> Search(std::span<const float> query, size_t count) const override {
    count = std::min(count, size());
    if (count == 0 || query.size() != dimension_) return {};
    Collector collector(count);
    Scan(query, &collector);
    std::vector<Neighbour> best = Rescore(collector.Finish(), query);
    std::partial_sort(best.begin(), best.begin() + static_cast<ptrdiff_t>(count), best.end(), Better);
    best.resize(count);
    return best;
  }

 private:
  void AddRow(size_t row) {
    const size_t block = row / kBlockRows, lane = row % kBlockRows;
    int8_t* codes = codes_.data() + block * groups_ * kGroupBytes + lane * kGroupDimensions;
    const Quantized made = Quantize(vectors_.subspan(row * dimension_, dimension_), codes, kGroupBytes);
    int32_t sum = 0;
    for (size_t i = 0; i < groups_ * kGroupDimensions; ++i)
      sum += codes[i / kGroupDimensions * kGroupBytes + i % kGroupDimensions];
    code_sums_[row] = 128 * sum;
    scales_[row] = made.scale;
    error_norms_[block] = std::max(error_norms_[block], made.error_norm);
    code_norms_[block] = std::max(code_norms_[block], made.code_norm);
  }

  void Scan(std::span<const float> query, Collector* collector) const {
    PackedQuery packed{.groups = groups_, .values = std::vector<int8_t>(groups_ * kGroupDimensions), .shifted = {}};
    const Quantized made = Quantize(query, packed.values.data(), kGroupDimensions);
    for (const int8_t value : packed.values) packed.shifted.push_back(static_cast<uint8_t>(value + 128));
    std::array<int32_t, kChunkBlocks * kBlockRows> dots;
    for (size_t first = 0; first < blocks_; first += kChunkBlocks) {
      const size_t count = std::min(kChunkBlocks, blocks_ - first);
      kernel_(codes_.data() + first * groups_ * kGroupBytes, code_sums_.data() + first * kBlockRows, count, packed,
              dots.data());
      for (size_t block = 0; block < count; ++block)
        Offer(first + block, dots.data() + block * kBlockRows, made, collector);
      collector->Settle();
    }
  }

  std::vector<Neighbour> Rescore(std::span<const Candidate> candidates, std::span<const float> query) const {
    std::vector<Neighbour> scored;
    scored.reserve(candidates.size());
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (i + kPrefetchAhead < candidates.size()) Prefetch(candidates[i + kPrefetchAhead].row);
      scored.push_back({candidates[i].row, ExactScore(vectors_.data() + candidates[i].row * dimension_, query)});
    }
    return scored;
  }

  void Prefetch(uint32_t row) const {
    const float* vector = vectors_.data() + row * dimension_;
    PrefetchAll(vector, dimension_ * sizeof(float));
  }

  // Offers the block's rows whose upper bound reaches the threshold.
  void Offer(size_t block, const int32_t* dots, const Quantized& query, Collector* collector) const {
    const float query_norm = query.code_norm + query.error_norm;
    const float row_norm = code_norms_[block] + error_norms_[block];
    const float error = error_norms_[block] * query_norm + code_norms_[block] * query.error_norm +
                        kRoundingShare * row_norm * query_norm;
    const float floor = collector->threshold() - error;
    alignas(32) std::array<float, kBlockRows> approximate;
    uint32_t open = Approximate(dots, scales_.data() + block * kBlockRows, query.scale, floor, approximate.data());
    const size_t first_row = block * kBlockRows;
    if (size() - first_row < kBlockRows) open &= (1u << (size() - first_row)) - 1;
    for (; open != 0; open &= open - 1) {
      const int lane = std::countr_zero(open);
      collector->Add(static_cast<uint32_t>(first_row) + static_cast<uint32_t>(lane),
                     approximate[static_cast<size_t>(lane)], error);
    }
  }

  // Scales the 16 integers into `out`; the answer has a bit for each that reaches `floor`.
  static uint32_t Approximate(const int32_t* dots, const float* scales, float query_scale, float floor, float* out) {
    uint32_t reached = 0;
    for (size_t lane = 0; lane < kBlockRows; lane += 8) {
      const __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(scales + lane), _mm256_set1_ps(query_scale));
      const __m256i whole = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(dots + lane));
      const __m256 score = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scale);
      _mm256_store_ps(out + lane, score);
      const int mask = _mm256_movemask_ps(_mm256_cmp_ps(score, _mm256_set1_ps(floor), _CMP_GE_OQ));
      reached |= static_cast<uint32_t>(mask) << lane;
    }
    return reached;
  }

  std::span<const float> vectors_;
  size_t dimension_;
  DotKernel kernel_;
  size_t groups_, blocks_;
  std::vector<int8_t> codes_;
  std::vector<int32_t> code_sums_;  // 128 x sum of the row's codes
  std::vector<float> scales_;
  std::vector<float> error_norms_;  // largest of the block
  std::vector<float> code_norms_;
};

}  // namespace

Result<std::unique_ptr<VectorIndex>> BuildScannedIndex(std::span<const float> vectors, size_t dimension,
                                                       DotKernel kernel) {
  FEEDMILL_TRY(CheckVectors(vectors, dimension));
  return std::make_unique<ScannedIndex>(vectors, dimension, kernel);
}

Result<std::unique_ptr<VectorIndex>> BuildVectorIndex(std::span<const float> vectors, size_t dimension) {
  return BuildScannedIndex(vectors, dimension, MachineHasVnni() ? DotBlocksVnni : DotBlocksAvx2);
}

}  // namespace feedmill::index
