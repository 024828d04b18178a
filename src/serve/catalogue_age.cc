#include "serve/catalogue_age.h"

#include <algorithm>

namespace feedmill::serve {
namespace {

constexpr int kNewestLookedAt = 20;

}  // namespace

Micros AgesFrom(const stream::LiveState& state, Micros now) {
  const std::vector<features::EntityHandle> newest = state.FreshPosts(kNewestLookedAt);
  return newest.empty() ? now : std::min(now, state.Post(newest.back()).created_at);
}

}  // namespace feedmill::serve
