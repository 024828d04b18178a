// What each candidate is: author, topic, age, and whether the user follows its author.
#include "serve/stage.h"

namespace feedmill::serve {

void FillFrom(const stream::PostInfo& info, features::CandidateInput* input) {
  input->author = info.author;
  input->topic = info.topic;
  input->created_at = info.created_at;
  input->numbers = info.numbers;
}

void HydrateCandidates(FeedContext* context) {
  for (Candidate& candidate : context->candidates.items()) {
    const stream::PostInfo& info = context->state->Post(candidate.input.post);
    FillFrom(info, &candidate.input);
    candidate.input.follows_author = info.author != features::kNoEntity && context->Follows(info.author);
  }
}

}  // namespace feedmill::serve
