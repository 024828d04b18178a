// Exact nearest neighbours by inner product: int8 scan with AVX-512/AVX2, float re-score of the best; and its slow
// twin.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"

namespace feedmill::index {

struct Neighbour {
  uint32_t row = 0;
  float score = 0;
};

class VectorIndex {
 public:
  virtual ~VectorIndex() = default;
  virtual size_t size() const = 0;
  virtual size_t dimension() const = 0;
  // The `count` rows with the largest inner product, best first; ties by row number. Any thread.
  virtual std::vector<Neighbour> Search(std::span<const float> query, size_t count) const = 0;
};

// `vectors`: row_count x dimension floats, kept by reference (the bundle's mapping); `quantized` built at once.
Result<std::unique_ptr<VectorIndex>> BuildVectorIndex(std::span<const float> vectors, size_t dimension);
Result<std::unique_ptr<VectorIndex>> BuildSlowVectorIndex(std::span<const float> vectors, size_t dimension);

}  // namespace feedmill::index
