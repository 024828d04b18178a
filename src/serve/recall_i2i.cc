// Posts that the same people act on as the ones this user acted on last.
#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "serve/recall.h"

namespace feedmill::serve {
namespace {

using features::EntityHandle;

struct Seed {
  EntityHandle post;
  float weight;  // of its actions, less with each step back in time
};

std::vector<Seed> Seeds(const FeedContext& context, const ChannelSettings& settings) {
  std::vector<Seed> seeds;
  float fade = 1;
  for (const stream::LastAction& action : context.last_actions) {
    const float weight = TasteWeight(*context.state->domain(), action.action) * fade;
    if (weight <= 0 || action.post == features::kNoEntity) continue;
    fade *= static_cast<float>(settings.fade);
    const auto same =
        std::find_if(seeds.begin(), seeds.end(), [&](const Seed& seed) { return seed.post == action.post; });
    if (same != seeds.end()) {
      same->weight += weight;
    } else if (std::ssize(seeds) < settings.seeds_max) {
      seeds.push_back({action.post, weight});
    }
  }
  return seeds;
}

struct Found {
  std::string_view id;
  float score = 0;
  float best_part = 0;
  EntityHandle because = features::kNoEntity;
};

}  // namespace

bool HasI2i(const FeedContext& context) {
  return context.bundle != nullptr && context.bundle->i2i != nullptr && !context.last_actions.empty();
}

void RecallI2i(const ChannelSettings& settings, FeedContext* context) {
  std::unordered_map<std::string_view, Found> sums;
  for (const Seed& seed : Seeds(*context, settings)) {
    for (const store::ScoredId& scored : context->bundle->i2i->Get(context->state->PostId(seed.post))) {
      Found& found = sums[scored.id];
      found.id = scored.id;
      const float part = seed.weight * scored.score;
      found.score += part;
      if (found.because == features::kNoEntity || part > found.best_part) {
        found.best_part = part;
        found.because = seed.post;
      }
    }
  }
  std::vector<Found> best;
  best.reserve(sums.size());
  for (const auto& [id, found] : sums) best.push_back(found);
  std::sort(best.begin(), best.end(),
            [](const Found& a, const Found& b) { return a.score != b.score ? a.score > b.score : a.id < b.id; });
  int rank = 0;
  for (const Found& found : best) {
    if (rank >= settings.limit) break;
    const EntityHandle post = context->state->FindPost(found.id);
    if (post != features::kNoEntity) context->candidates.Add(Source::kI2i, rank++, post, found.because);
  }
}

}  // namespace feedmill::serve
