// The slow, obvious twin: every score, then a sort.
#include <algorithm>
#include <cmath>

#include "index/exact_score_internal.h"
#include "index/int8_dot_internal.h"

namespace feedmill::index {
namespace {

class SlowVectorIndex final : public VectorIndex {
 public:
  SlowVectorIndex(std::span<const float> vectors, size_t dimension) : vectors_(vectors), dimension_(dimension) {}

  size_t size() const override { return vectors_.size() / dimension_; }
  size_t dimension() const override { return dimension_; }

  std::vector<Neighbour> Search(std::span<const float> query, size_t count) const override {
    std::vector<Neighbour> all(size());
    for (size_t row = 0; row < all.size(); ++row) {
      all[row] = {static_cast<uint32_t>(row), ExactScore(vectors_.data() + row * dimension_, query)};
    }
    count = std::min(count, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end(), Better);
    all.resize(count);
    return all;
  }

 private:
  std::span<const float> vectors_;
  size_t dimension_;
};

}  // namespace

Status CheckVectors(std::span<const float> vectors, size_t dimension) {
  if (dimension < 1 || dimension > kDimensionMax) {
    return InvalidArgument("vector dimension {} found, 1 to {} allowed", dimension, kDimensionMax);
  }
  if (vectors.size() % dimension != 0 || vectors.size() / dimension > UINT32_MAX) {
    return InvalidArgument("{} floats found, a multiple of the dimension {} and at most 2^32 - 1 rows allowed",
                           vectors.size(), dimension);
  }
  const auto bad = std::ranges::find_if(vectors, [](float value) { return !std::isfinite(value); });
  if (bad == vectors.end()) return Ok();
  const size_t at = static_cast<size_t>(bad - vectors.begin());
  return InvalidArgument("vector {} holds {} at dimension {}; finite numbers allowed", at / dimension, *bad,
                         at % dimension);
}

Result<std::unique_ptr<VectorIndex>> BuildSlowVectorIndex(std::span<const float> vectors, size_t dimension) {
  FEEDMILL_TRY(CheckVectors(vectors, dimension));
  return std::make_unique<SlowVectorIndex>(vectors, dimension);
}

}  // namespace feedmill::index
