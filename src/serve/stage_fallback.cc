// What is popular, then what is new, where the page is short: for the unknown user, the missing bundle, the exhausted
// budget.
#include <algorithm>
#include <limits>

#include "serve/recall.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

constexpr int kLookFactor = 10;  // candidates looked at for each place, since many may be seen already
constexpr int kLookMax = 1000;
constexpr Micros kAnyAge = std::numeric_limits<Micros>::max();

bool IsShort(const FeedContext& context) {
  return std::ssize(context.page) < static_cast<std::ptrdiff_t>(context.query->n);
}

// Those of the candidates that may be shown, as many as the page wants.
void TakeCandidates(FeedContext* context) {
  HydrateCandidates(context);
  FilterCandidates(context);
  for (const Candidate& candidate : context->candidates.items()) {
    if (!IsShort(*context)) break;
    const bool there = std::any_of(context->page.begin(), context->page.end(),
                                   [&](const Candidate& shown) { return shown.input.post == candidate.input.post; });
    if (there) continue;
    Candidate& added = context->page.emplace_back(candidate);
    added.score = candidate.recall;
    added.move = Move::kFallback;
    added.sources |= SourceBit(Source::kFallback);
  }
}

// All that is kept of what is new, the newest first, a piece at a time: rules may let only a few through.
void AddNewest(FeedContext* context, Micros age_max) {
  const std::vector<features::EntityHandle> newest =
      context->state->FreshPosts(context->state->options().fresh_posts_max);
  for (size_t i = 0; i < newest.size() && IsShort(*context) && !context->Late();) {
    context->candidates.Clear();
    for (int rank = 0; rank < kLookMax && i < newest.size(); ++rank, ++i) {
      const bool is_old = context->ages_from - context->state->Post(newest[i]).created_at > age_max;
      if (!is_old) context->candidates.Add(Source::kFresh, rank, newest[i]);
    }
    TakeCandidates(context);
  }
}

// Popular and new items no older than `age_max` at the page's end, as many as it wants.
void AddTo(FeedContext* context, Micros age_max) {
  context->candidates.Clear();
  ChannelSettings settings;
  settings.limit = std::min(kLookMax, context->query->n * kLookFactor);
  settings.age_max = age_max;
  if (HasTrending(*context)) RecallTrending(settings, context);
  RecallFresh(settings, context);
  TakeCandidates(context);
  if (IsShort(*context)) AddNewest(context, age_max);
}

}  // namespace

bool PageIsShort(const FeedContext& context) { return context.scene->fallback && IsShort(context); }

// What is too old for the scene is better than nothing.
void FillPage(FeedContext* context) {
  // The candidates that were ranked stay what the request's row tells of.
  CandidateSet ranked;
  std::swap(ranked, context->candidates);
  const auto filtered = context->filtered;
  AddTo(context, context->scene->filter.age_max);
  const size_t young = context->page.size();
  if (IsShort(*context)) {
    context->any_age = true;
    context->filtered = filtered;
    AddTo(context, kAnyAge);
    context->any_age = false;
  }
  if (context->page.size() > young)
    context->degraded.push_back(
        fmt::format("fallback: {} items older than the scene allows", context->page.size() - young));
  if (IsShort(*context) && context->Late()) context->degraded.emplace_back("fallback: late");
  std::swap(ranked, context->candidates);
  if (!context->page.empty()) context->filtered = filtered;
}

}  // namespace feedmill::serve
