// Float vectors whose length is a multiple of 8. Sums run in eight lanes in a fixed order: the same bits every time.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace feedmill::train {

inline float Dot(const float* a, const float* b, size_t dimension) {
  __m256 sum = _mm256_setzero_ps();
  for (size_t i = 0; i < dimension; i += 8) sum = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), sum);
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

// out += factor * a
inline void AddScaled(float factor, const float* a, float* out, size_t dimension) {
  const __m256 by = _mm256_set1_ps(factor);
  for (size_t i = 0; i < dimension; i += 8) {
    _mm256_storeu_ps(out + i, _mm256_fmadd_ps(by, _mm256_loadu_ps(a + i), _mm256_loadu_ps(out + i)));
  }
}

}  // namespace feedmill::train
