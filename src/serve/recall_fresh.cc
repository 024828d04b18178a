// The newest posts, those of the user's topics first, so that a post nobody has seen yet can be shown.
#include <algorithm>

#include "serve/recall.h"

namespace feedmill::serve {
namespace {

constexpr int kLookFactor = 4;  // newest posts looked at for each one brought

bool OfTopics(const FeedContext& context, features::EntityHandle topic) {
  if (topic == features::kNoEntity) return false;
  const std::string_view name = context.state->TopicName(topic);
  return std::find(context.topics.begin(), context.topics.end(), name) != context.topics.end();
}

}  // namespace

bool HasFresh(const FeedContext&) { return true; }

void RecallFresh(const ChannelSettings& settings, FeedContext* context) {
  std::vector<features::EntityHandle> young = context->state->FreshPosts(settings.limit * kLookFactor);
  const auto old = std::find_if(young.begin(), young.end(), [&](features::EntityHandle post) {
    return context->ages_from - context->state->Post(post).created_at > settings.age_max;
  });
  young.erase(old, young.end());
  // At most half of the places go to the user's topics, so that newcomers of other topics are found too.
  const int own_max = settings.limit / 2;
  int rank = 0;
  for (size_t i = 0; i < young.size() && rank < own_max && !context->topics.empty(); ++i) {
    if (OfTopics(*context, context->state->Post(young[i]).topic))
      context->candidates.Add(Source::kFresh, rank++, young[i]);
  }
  for (size_t i = 0; i < young.size() && rank < settings.limit; ++i)
    context->candidates.Add(Source::kFresh, rank++, young[i]);
}

}  // namespace feedmill::serve
