// What is popular, then what is new, where the page is short: for the unknown user, the missing bundle, the exhausted
// budget.
#include <algorithm>

#include "serve/recall.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

constexpr int kLookFactor = 10;  // candidates looked at for each place, since many may be seen already
constexpr int kLookMax = 1000;

}  // namespace

bool PageIsShort(const FeedContext& context) {
  return context.scene->fallback && std::ssize(context.page) < static_cast<std::ptrdiff_t>(context.query->n);
}

void FillPage(FeedContext* context) {
  // The candidates that were ranked stay what the request's row tells of.
  CandidateSet ranked;
  std::swap(ranked, context->candidates);
  const auto filtered = context->filtered;
  ChannelSettings settings;
  settings.limit = std::min(kLookMax, context->query->n * kLookFactor);
  settings.age_max = context->scene->filter.age_max;
  if (HasTrending(*context)) RecallTrending(settings, context);
  RecallFresh(settings, context);
  HydrateCandidates(context);
  FilterCandidates(context);
  for (const Candidate& candidate : context->candidates.items()) {
    if (std::ssize(context->page) >= static_cast<std::ptrdiff_t>(context->query->n)) break;
    const bool there = std::any_of(context->page.begin(), context->page.end(),
                                   [&](const Candidate& shown) { return shown.input.post == candidate.input.post; });
    if (there) continue;
    Candidate& added = context->page.emplace_back(candidate);
    added.score = candidate.recall;
    added.move = Move::kFallback;
    added.sources |= SourceBit(Source::kFallback);
  }
  std::swap(ranked, context->candidates);
  context->filtered = filtered;
}

}  // namespace feedmill::serve
