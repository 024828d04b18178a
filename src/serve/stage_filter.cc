// What may not be shown (hidden, unknown) and what need not be (seen, own, old, excluded by the caller).
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "serve/stage.h"

namespace feedmill::serve {
namespace {

using features::EntityHandle;
using features::kNoEntity;

class Rules {
 public:
  explicit Rules(const FeedContext& context)
      : context_(context), state_(*context.state), declared_(context.scene->filter.rules, context) {
    for (const std::string& id : context.query->exclude) {
      const EntityHandle post = state_.FindPost(id);
      if (post != kNoEntity) excluded_.insert(post);
    }
    for (const std::string& name : context.query->topics) topics_.insert(state_.FindTopic(name));
  }

  // The first rule that takes the candidate out.
  std::optional<FilterRule> Breaks(const Candidate& candidate) const {
    const features::EntityHandle post = candidate.input.post, author = candidate.input.author;
    const Micros created_at = candidate.input.created_at;
    const FilterSettings& settings = context_.scene->filter;
    // Where an event makes items, one whose event is not known may be anything.
    if (has_makers_ && (author == kNoEntity || created_at == 0)) return FilterRule::kUnknown;
    if (state_.IsGone(post)) return FilterRule::kRemoved;
    if (context_.Hidden(post, author)) return FilterRule::kHidden;
    if (settings.own && context_.user != kNoEntity && author == context_.user) return FilterRule::kOwn;
    if (settings.seen && context_.Seen(post)) return FilterRule::kSeen;
    if (!context_.any_age && created_at != 0 && context_.ages_from - created_at > settings.age_max)
      return FilterRule::kExpired;
    if (settings.topics && !OfTopics(candidate.input.topic)) return FilterRule::kTopic;
    if (excluded_.contains(post) || WasOnAPageBefore(post)) return FilterRule::kExcluded;
    if (declared_.Break(candidate)) return FilterRule::kRule;
    return std::nullopt;
  }

 private:
  bool OfTopics(EntityHandle topic) const { return topics_.empty() || (topic != kNoEntity && topics_.contains(topic)); }

  bool WasOnAPageBefore(EntityHandle post) const {
    const FeedCursor& cursor = context_.query->cursor;
    return !cursor.empty() && cursor.Has(state_.PostId(post));
  }

  const FeedContext& context_;
  const stream::LiveState& state_;
  const BoundRules declared_;
  const bool has_makers_ = !state_.domain()->Shown().made_by.empty();
  std::unordered_set<EntityHandle> excluded_;
  std::unordered_set<EntityHandle> topics_;  // told by the request
};

}  // namespace

void FilterCandidates(FeedContext* context) {
  const Rules rules(*context);
  if (!context->scene->filter.rules.empty()) {
    for (const Candidate& candidate : context->candidates.items()) context->state->PrefetchFields(candidate.input.post);
  }
  std::erase_if(context->candidates.items(), [&](const Candidate& candidate) {
    const std::optional<FilterRule> broken = rules.Breaks(candidate);
    if (broken) ++context->filtered[static_cast<size_t>(*broken)];
    return broken.has_value();
  });
}

}  // namespace feedmill::serve
