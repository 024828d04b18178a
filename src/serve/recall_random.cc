// A uniform draw of recent posts, in the order drawn.
#include <algorithm>

#include "serve/recall.h"

namespace feedmill::serve {
namespace {

constexpr int kPoolMax = 20'000;  // newest posts drawn from

}  // namespace

bool HasRandom(const FeedContext&) { return true; }

void RecallRandom(const ChannelSettings& settings, FeedContext* context) {
  std::vector<features::EntityHandle> posts = context->state->FreshPosts(kPoolMax);
  while (!posts.empty() && context->ages_from - context->state->Post(posts.back()).created_at > settings.age_max)
    posts.pop_back();
  const RulesOfScene lets(*context);
  std::erase_if(posts, [&](features::EntityHandle post) { return !lets.Through(post); });
  const size_t count = std::min(posts.size(), static_cast<size_t>(settings.limit));
  for (size_t i = 0; i < count; ++i) {
    std::swap(posts[i], posts[i + context->random.Below(posts.size() - i)]);
    context->candidates.Add(Source::kRandom, static_cast<int>(i), posts[i]);
  }
}

}  // namespace feedmill::serve
