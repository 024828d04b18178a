// The row of ods_feed_request that a feed leaves: what was shown, whole; what was not, in numbers and a sample.
#pragma once

#include <string>

#include "data/event.h"
#include "serve/answer.h"
#include "serve/feed_context.h"

namespace feedmill::serve {

// Draws its sample from the context's random numbers, so call it after the stages. The JSON is data/feed_request.h's.
std::string FeedRowJson(FeedContext* context, const AnswerHead& head, int samples);

}  // namespace feedmill::serve
