// What users of similar taste acted on, as the night computed it for this user.
#include "serve/recall.h"

namespace feedmill::serve {

bool HasU2u(const FeedContext& context) { return context.bundle != nullptr && context.bundle->u2u != nullptr; }

void RecallU2u(const ChannelSettings& settings, FeedContext* context) {
  int rank = 0;
  for (const store::ScoredId& scored : context->bundle->u2u->Get(context->query->user_id)) {
    if (rank >= settings.limit) break;
    const features::EntityHandle post = context->state->FindPost(scored.id);
    if (post != features::kNoEntity) context->candidates.Add(Source::kU2u, rank++, post);
  }
}

}  // namespace feedmill::serve
