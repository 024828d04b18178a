// The posts nearest to the user's vector.
#include "serve/recall.h"
#include "serve/user_vector.h"

namespace feedmill::serve {
namespace {

// The index knows nothing of what was seen, so it is asked for more than is needed.
constexpr size_t kAskFactor = 2;

}  // namespace

bool HasVector(const FeedContext& context) {
  return context.bundle != nullptr && context.bundle->post_index != nullptr && context.bundle->posts != nullptr &&
         context.bundle->post_index->size() > 0;
}

void RecallVector(const ChannelSettings& settings, FeedContext* context) {
  const std::vector<float> vector = UserVector(*context, settings.recent_weight, settings.seeds_max);
  if (vector.empty()) return;
  int rank = 0;
  for (const index::Neighbour& near :
       context->bundle->post_index->Search(vector, static_cast<size_t>(settings.limit) * kAskFactor)) {
    if (rank >= settings.limit) break;
    const features::EntityHandle post = context->state->FindPost(context->bundle->posts->Key(near.row));
    if (post == features::kNoEntity) continue;
    if (context->Seen(post)) continue;
    context->candidates.Add(Source::kVector, rank++, post);
  }
}

}  // namespace feedmill::serve
