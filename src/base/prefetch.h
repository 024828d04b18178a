// Brings memory nearer before it is read. GCC takes a function that does nothing but __builtin_prefetch for one without
// effect and drops its calls; the empty asm keeps them.
#pragma once

#include <cstddef>

namespace feedmill {

inline constexpr size_t kCacheLineBytes = 64;

inline void Prefetch(const void* at) {
  __builtin_prefetch(at);
  asm volatile("");
}

// Every cache line of [at, at + bytes).
inline void PrefetchAll(const void* at, size_t bytes) {
  for (size_t line = 0; line < bytes; line += kCacheLineBytes) Prefetch(static_cast<const std::byte*>(at) + line);
}

}  // namespace feedmill
