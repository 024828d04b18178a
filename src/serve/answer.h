// The JSON of a feed's answer and of its row in ods_feed_request, from a context that has passed the stages.
#pragma once

#include <string>

#include "serve/feed_context.h"

namespace feedmill::serve {

struct AnswerHead {
  std::string request_id;
  Micros elapsed = 0;  // since the request came in
};

std::string AnswerJson(const FeedContext& context, const AnswerHead& head);

}  // namespace feedmill::serve
