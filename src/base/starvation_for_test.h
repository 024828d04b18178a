// Memory that is not there, on demand: within a Starvation every allocation by `new` of that size or more fails on its
// thread. Replaces the global operators, so that one source of a test program includes it and no more. The thread
// sanitizer has operators of its own: with it nothing fails, and tests that need it are skipped.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FEEDMILL_NO_STARVATION
#endif
#endif

namespace feedmill {

#ifdef FEEDMILL_NO_STARVATION
inline constexpr bool kCanStarve = false;
#else
inline constexpr bool kCanStarve = true;
#endif

class Starvation {
 public:
  explicit Starvation(size_t from_bytes) { from_bytes_ = from_bytes; }
  ~Starvation() { from_bytes_ = kNever; }
  Starvation(const Starvation&) = delete;
  Starvation& operator=(const Starvation&) = delete;

  // Null when it fails.
  static void* Allocate(size_t bytes) { return bytes >= from_bytes_ ? nullptr : std::malloc(bytes == 0 ? 1 : bytes); }

 private:
  static constexpr size_t kNever = std::numeric_limits<size_t>::max();
  static inline thread_local size_t from_bytes_ = kNever;
};

}  // namespace feedmill

#ifndef FEEDMILL_NO_STARVATION
// Not inlined: the compiler would see memory of one kind given back as another.
[[gnu::noinline]] void* operator new(size_t bytes) {
  if (void* memory = feedmill::Starvation::Allocate(bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return feedmill::Starvation::Allocate(bytes);
}
[[gnu::noinline]] void* operator new[](size_t bytes) { return operator new(bytes); }
[[gnu::noinline]] void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return feedmill::Starvation::Allocate(bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
#endif  // FEEDMILL_NO_STARVATION
