#include "serve/pipeline.h"

#include <algorithm>

#include "base/hash.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

// An empty page says why, most frequent reason first.
std::string WhyEmpty(const FeedContext& context) {
  std::vector<std::pair<int, std::string_view>> rules;
  for (size_t i = 0; i < kFilterRuleCount; ++i) {
    if (context.filtered[i] > 0) rules.emplace_back(-context.filtered[i], FilterRuleName(static_cast<FilterRule>(i)));
  }
  std::ranges::sort(rules);
  if (context.state->PostCount() == 0) return "empty: no item is known yet";
  if (rules.empty()) return "empty: no channel found an item";
  std::string text = "empty: every item found was left out:";
  for (const auto& [count, rule] : rules) text += fmt::format("{} {} {}", text.ends_with(':') ? "" : ",", -count, rule);
  return text;
}

}  // namespace

void RunStages(FeedContext* context) {
  if (context->scene->rank.enabled) {
    if (context->bundle == nullptr) {
      context->degraded.emplace_back("rank: no bundle");
    } else if (!context->features_match) {
      context->degraded.emplace_back("rank: the bundle's models know other features");
    }
  }
  for (const Stage& stage : Stages()) {
    if (!stage.enabled(*context)) continue;
    if (stage.may_be_left_out && context->Late()) {
      context->degraded.push_back(fmt::format("{}: late", stage.name));
      continue;
    }
    const Micros start = MonotonicMicros();
    stage.run(context);
    const Micros elapsed = MonotonicMicros() - start;
    context->funnel.push_back({stage.name, stage.count(*context), elapsed});
  }
  if (context->page.empty()) context->degraded.push_back(WhyEmpty(*context));
}

uint64_t FeedSeed(std::string_view user_id, std::string_view scene, Micros now, uint64_t seed) {
  return Mix64(Hash64(user_id, seed) ^ Mix64(Hash64(scene, seed) ^ Mix64(static_cast<uint64_t>(now))));
}

}  // namespace feedmill::serve
