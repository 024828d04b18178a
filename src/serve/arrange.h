// Pure pieces of re-ranking: maximal marginal relevance (Carbonell, Goldstein 1998) under a cap for authors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace feedmill::serve {

inline constexpr uint32_t kNoAuthor = 0xffffffff;  // no cap holds for items that nobody made

struct ArrangeItem {
  double score = 0;  // any scale; only the order and the distances count
  uint32_t author = 0;
};

struct ArrangeOptions {
  size_t count = 20;   // places
  double lambda = 1;   // 1 = score alone
  int author_cap = 0;  // 0 = any
};

struct Arranged {
  size_t item = 0;  // index into the items
  bool cap_relaxed = false;
};

// Picks up to `count` items, best place first. `items` are best first; `similarity` is symmetric, in [0, 1], asked for
// pairs of indices. When the cap leaves places empty they are filled in order of score, marked. Deterministic; ties go
// to the earlier item.
std::vector<Arranged> ArrangeByMarginalRelevance(std::span<const ArrangeItem> items, const ArrangeOptions& options,
                                                 const std::function<double(size_t, size_t)>& similarity);

}  // namespace feedmill::serve
