#include "serve/feed_context.h"

namespace feedmill::serve {

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
  }
  return "";
}

void FeedContext::Reset() {
  trending = nullptr;
  user = features::kNoEntity;
  last_actions.clear();
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
