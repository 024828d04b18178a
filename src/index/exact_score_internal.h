// The score both indexes answer with, and the order of their answers.
#pragma once

#include <span>

#include "index/vector_index.h"

namespace feedmill::index {

// Sum in double in the order of dimensions, rounded once: the same bits wherever it is computed.
inline float ExactScore(const float* row, std::span<const float> query) {
  double sum = 0;
  for (size_t i = 0; i < query.size(); ++i) sum += static_cast<double>(row[i]) * static_cast<double>(query[i]);
  return static_cast<float>(sum);
}

inline bool Better(const Neighbour& a, const Neighbour& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// Common checks of both builders: kInvalidArgument names what was found.
Status CheckVectors(std::span<const float> vectors, size_t dimension);

}  // namespace feedmill::index
