// Recent posts of the people the user follows, newest first.
#include <algorithm>
#include <vector>

#include "serve/recall.h"

namespace feedmill::serve {
namespace {

struct Dated {
  Micros created_at;
  features::EntityHandle post;
};

// The newest posts of one author that are young enough, appended.
void TakeRecent(const FeedContext& context, features::EntityHandle author, Micros age_max, std::vector<Dated>* out) {
  for (features::EntityHandle post : context.state->RecentPostsOf(author)) {
    const Micros created_at = context.state->Post(post).created_at;
    if (context.ages_from - created_at > age_max) break;
    out->push_back({created_at, post});
  }
}

}  // namespace

bool HasInNetwork(const FeedContext& context) {
  return context.user != features::kNoEntity && !context.state->Followees(context.user).empty();
}

void RecallInNetwork(const ChannelSettings& settings, FeedContext* context) {
  std::vector<Dated> found;
  const auto followees = context->state->Followees(context->user);
  const size_t count = std::min(followees.size(), static_cast<size_t>(settings.seeds_max));
  for (size_t i = 0; i < count; ++i) TakeRecent(*context, followees[i], settings.age_max, &found);
  const size_t kept = std::min(found.size(), static_cast<size_t>(settings.limit));
  auto newer = [&](const Dated& a, const Dated& b) {
    if (a.created_at != b.created_at) return a.created_at > b.created_at;
    return context->state->PostId(a.post) < context->state->PostId(b.post);
  };
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), newer);
  for (size_t i = 0; i < kept; ++i) context->candidates.Add(Source::kInNetwork, static_cast<int>(i), found[i].post);
}

}  // namespace feedmill::serve
