// The clockwork of a feed: runs the stages in order under one deadline, times and counts each.
#pragma once

#include "serve/feed_context.h"

namespace feedmill::serve {

// Runs every stage over a context whose constants are set. Never fails: a stage that has no time left is left out and
// named in context->degraded. Reads nothing but the context, so equal contexts give equal pages.
void RunStages(FeedContext* context);

// The context's random numbers: the same user, scene, instant and seed give the same draws.
uint64_t FeedSeed(std::string_view user_id, std::string_view scene, Micros now, uint64_t seed);

}  // namespace feedmill::serve
