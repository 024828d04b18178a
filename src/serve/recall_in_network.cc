// Recent posts of the people the user follows, newest first.
#include <algorithm>
#include <unordered_map>
#include <vector>

#include "serve/recall.h"

namespace feedmill::serve {
namespace {

using features::EntityHandle;
using features::kNoEntity;

constexpr size_t kFolloweesBetweenLooks = 4096;  // at the time left: some 0.2 ms

struct Dated {
  Micros created_at;
  EntityHandle post;
};

struct Followee {
  EntityHandle author;
  float affinity;  // of what the user did lately with their posts
  Micros posted_at;
};

// The newest posts of one author that are young enough, appended.
void TakeRecent(const FeedContext& context, EntityHandle author, Micros age_max, std::vector<Dated>* out) {
  for (EntityHandle post : context.state->RecentPostsOf(author)) {
    const Micros created_at = context.state->Post(post).created_at;
    if (context.ages_from - created_at > age_max) break;
    out->push_back({created_at, post});
  }
}

// All followees with a post young enough; of too many those whom the user's last actions were about, then those who
// posted last.
std::vector<Followee> ChooseFollowees(const ChannelSettings& settings, const FeedContext& context) {
  std::unordered_map<EntityHandle, float> affinities;
  for (const stream::LastAction& action : context.last_actions)
    if (action.author != kNoEntity) affinities[action.author] += TasteWeight(*context.state->domain(), action.action);
  std::vector<Followee> chosen;
  const auto followees = context.followees;
  for (size_t i = 0; i < followees.size(); ++i) {
    if (i % kFolloweesBetweenLooks == kFolloweesBetweenLooks - 1 && context.Late()) break;
    const EntityHandle newest = context.state->NewestPostOf(followees[i]);
    if (newest == kNoEntity) continue;
    const Micros posted_at = context.state->Post(newest).created_at;
    if (context.ages_from - posted_at > settings.age_max) continue;
    const auto affinity = affinities.find(followees[i]);
    chosen.push_back({followees[i], affinity == affinities.end() ? 0 : affinity->second, posted_at});
  }
  const size_t kept = static_cast<size_t>(settings.seeds_max);
  if (chosen.size() <= kept) return chosen;
  const auto first = [](const Followee& a, const Followee& b) {
    if (a.affinity != b.affinity) return a.affinity > b.affinity;
    return a.posted_at != b.posted_at ? a.posted_at > b.posted_at : a.author < b.author;
  };
  std::ranges::nth_element(chosen, chosen.begin() + static_cast<std::ptrdiff_t>(kept), first);
  chosen.resize(kept);
  return chosen;
}

}  // namespace

bool HasInNetwork(const FeedContext& context) { return !context.followees.empty(); }

void RecallInNetwork(const ChannelSettings& settings, FeedContext* context) {
  std::vector<Dated> found;
  for (const Followee& followee : ChooseFollowees(settings, *context))
    TakeRecent(*context, followee.author, settings.age_max, &found);
  const size_t kept = std::min(found.size(), static_cast<size_t>(settings.limit));
  auto newer = [&](const Dated& a, const Dated& b) {
    if (a.created_at != b.created_at) return a.created_at > b.created_at;
    return context->state->PostId(a.post) < context->state->PostId(b.post);
  };
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), newer);
  for (size_t i = 0; i < kept; ++i) context->candidates.Add(Source::kInNetwork, static_cast<int>(i), found[i].post);
}

}  // namespace feedmill::serve
