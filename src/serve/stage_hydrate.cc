// What each candidate is: author, topic, age, and whether the user follows its author.
#include "serve/stage.h"

namespace feedmill::serve {

void HydrateCandidates(FeedContext* context) {
  for (Candidate& candidate : context->candidates.items()) {
    const stream::PostInfo& info = context->state->Post(candidate.input.post);
    candidate.input.author = info.author;
    candidate.input.topic = info.topic;
    candidate.input.created_at = info.created_at;
    candidate.input.numbers = info.numbers;
    candidate.input.follows_author = info.author != features::kNoEntity && context->Follows(info.author);
  }
}

}  // namespace feedmill::serve
