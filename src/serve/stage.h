// A feed is a list of small stages over one context; the list is in stage.cc, the clockwork in pipeline.h.
#pragma once

#include <span>
#include <string_view>

#include "serve/feed_context.h"

namespace feedmill::serve {

struct Stage {
  std::string_view name;
  // Out of time, the stage is left out and named in `degraded`; those without must run for there to be an answer.
  bool may_be_left_out;
  bool (*enabled)(const FeedContext& context);
  void (*run)(FeedContext* context);
  // What the funnel counts after it.
  int (*count)(const FeedContext& context);
};

std::span<const Stage> Stages();

void HydrateQuery(FeedContext* context);       // who asks: handle, last actions, topics
void Recall(FeedContext* context);             // the scene's channels
void HydrateCandidates(FeedContext* context);  // what each candidate is
void FilterCandidates(FeedContext* context);   // what may not or need not be shown
void TrimCandidates(FeedContext* context);     // the best by recall, as many as the models will score
void RankCandidates(FeedContext* context);   // per-action probabilities by the bundle's models, and their weighted sum
void OrderCandidates(FeedContext* context);  // by the scene's order
void ArrangePage(FeedContext* context);      // variety, author cap, fresh posts, exploration
void FillPage(
    FeedContext* context);  // popular and new posts where the page is short; of any age when else it stays short

// What an item itself says of a candidate: all but whether the user follows its author.
void FillFrom(const stream::PostInfo& info, features::CandidateInput* input);

bool CanRank(const FeedContext& context);
bool PageIsShort(const FeedContext& context);

}  // namespace feedmill::serve
