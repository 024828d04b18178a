#include "serve/feed_context.h"

#include <algorithm>

namespace feedmill::serve {
namespace {

bool Holds(const std::vector<features::EntityHandle>& some, features::EntityHandle one) {
  return std::find(some.begin(), some.end(), one) != some.end();
}

}  // namespace

std::string_view FilterRuleName(FilterRule rule) {
  switch (rule) {
    case FilterRule::kUnknown:
      return "unknown";
    case FilterRule::kSeen:
      return "seen";
    case FilterRule::kHidden:
      return "hidden";
    case FilterRule::kOwn:
      return "own";
    case FilterRule::kExpired:
      return "expired";
    case FilterRule::kExcluded:
      return "excluded";
    case FilterRule::kTopic:
      return "topic";
    case FilterRule::kRemoved:
      return "removed";
    case FilterRule::kRule:
      return "rule";
  }
  return "";
}

bool FeedContext::Follows(features::EntityHandle author) const {
  const auto known = supposed.follows.find(author);
  if (known != supposed.follows.end()) return known->second;
  return user != features::kNoEntity && state->Follows(user, author);
}

bool FeedContext::Seen(features::EntityHandle post) const {
  return Holds(supposed.seen_posts, post) || (user != features::kNoEntity && state->Seen(user, post));
}

bool FeedContext::Hidden(features::EntityHandle post, features::EntityHandle author) const {
  if (Holds(supposed.hidden_posts, post) || Holds(supposed.hidden_authors, author)) return true;
  for (const auto& [relation, hidden] : supposed.hidden_by_relation) {
    if (hidden == author) return true;
  }
  return user != features::kNoEntity && (state->HiddenPost(user, post) || state->HiddenAuthor(user, author));
}

std::span<const features::EntityHandle> FeedContext::ToldTopicsOfUser() const {
  if (supposed.told_topics) return *supposed.told_topics;
  return state->ToldTopics(user);
}

void FeedContext::Reset() {
  trending = nullptr;
  user = features::kNoEntity;
  supposed = {};
  last_actions.clear();
  followees = {};
  supposed_followees.clear();
  is_newcomer = true;
  told_topics.clear();
  topics.clear();
  any_age = false;
  candidates.Clear();
  filtered.fill(0);
  inputs.clear();
  features.clear();
  probabilities.clear();
  weights.clear();
  page.clear();
  degraded.clear();
  funnel.clear();
}

}  // namespace feedmill::serve
