#include "serve/stage.h"

#include <array>

namespace feedmill::serve {
namespace {

bool Always(const FeedContext&) { return true; }
int Candidates(const FeedContext& context) { return static_cast<int>(context.candidates.items().size()); }
int Known(const FeedContext& context) { return context.user == features::kNoEntity ? 0 : 1; }
int Items(const FeedContext& context) { return static_cast<int>(context.page.size()); }

// The stages of a feed, in order.
constexpr std::array<Stage, 9> kStages = {{
    {"query", false, Always, HydrateQuery, Known},
    {"recall", true, Always, Recall, Candidates},
    {"hydrate", false, Always, HydrateCandidates, Candidates},
    {"filter", false, Always, FilterCandidates, Candidates},
    {"trim", false, Always, TrimCandidates, Candidates},
    {"rank", true, CanRank, RankCandidates, Candidates},
    {"order", false, Always, OrderCandidates, Candidates},
    {"rerank", false, Always, ArrangePage, Items},
    {"fallback", false, PageIsShort, FillPage, Items},
}};

}  // namespace

std::span<const Stage> Stages() { return kStages; }

}  // namespace feedmill::serve
