// A user's vector for nearest-post search: the night's, moved towards what the user acted on since; or folded in from
// those posts alone.
#pragma once

#include <span>
#include <vector>

#include "serve/feed_context.h"

namespace feedmill::serve {

// The field of posts.flat and users.flat.
inline constexpr const char* kVectorField = "vector";

// The post's vector in the bundle, empty when it has none.
std::span<const float> PostVector(const Bundle& bundle, std::string_view post_id);

// Empty when the user has neither a vector nor acted on a post that has one; the author's other posts stand in for a
// post younger than the bundle. `recent_weight` is the share of the last `seeds_max` posts in the direction of the
// result (Hu, Koren, Volinsky 2008, approximates its fold-in by a weighted mean).
std::vector<float> UserVector(const FeedContext& context, double recent_weight, int seeds_max);

}  // namespace feedmill::serve
