// The exact scan over byte codes (docs/decisions/exact-vector-scan.md), with the kernel open to tests.
#pragma once

#include <memory>
#include <span>

#include "index/int8_dot_internal.h"
#include "index/vector_index.h"

namespace feedmill::index {

Result<std::unique_ptr<VectorIndex>> BuildScannedIndex(std::span<const float> vectors, size_t dimension,
                                                       DotKernel kernel);

}  // namespace feedmill::index
