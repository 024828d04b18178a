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

// Among the newest `looks` posts, those that are young enough and that the scene's rules let through.
std::vector<features::EntityHandle> YoungOnes(const ChannelSettings& settings, const FeedContext& context,
                                              const RulesOfScene& lets, int looks) {
  std::vector<features::EntityHandle> young = context.state->FreshPosts(looks);
  const auto old = std::find_if(young.begin(), young.end(), [&](features::EntityHandle post) {
    return context.ages_from - context.state->Post(post).created_at > settings.age_max;
  });
  young.erase(old, young.end());
  std::erase_if(young, [&](features::EntityHandle post) { return !lets.Through(post); });
  return young;
}

}  // namespace

bool HasFresh(const FeedContext&) { return true; }

void RecallFresh(const ChannelSettings& settings, FeedContext* context) {
  // Where rules let few through, it is looked further back, as far as new posts are kept.
  const RulesOfScene lets(*context);
  const int looks_max = context->state->options().fresh_posts_max;
  int looks = std::min(settings.limit * kLookFactor, looks_max);
  std::vector<features::EntityHandle> young = YoungOnes(settings, *context, lets, looks);
  while (!context->scene->filter.rules.empty() && std::ssize(young) < settings.limit && looks < looks_max &&
         !context->Late()) {
    looks = static_cast<int>(std::min<int64_t>(int64_t{looks} * kLookFactor, looks_max));
    young = YoungOnes(settings, *context, lets, looks);
  }
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
