// Why an item is shown, in words for the user of the app.
#pragma once

#include <string>

#include "serve/feed_context.h"

namespace feedmill::serve {

// "You follow ada", "Similar to a post you liked" (the kind is the domain's), "Popular in music today".
std::string ReasonFor(const FeedContext& context, const Candidate& candidate);

}  // namespace feedmill::serve
