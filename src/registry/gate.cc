// The gate that a bundle passes before it goes live.
#include "registry/registry.h"

namespace feedmill::registry {
namespace {

struct Comparison {
  std::string metric;
  double candidate = 0;
  double live = 0;
};

// The candidate's own figure and the live bundle's on the same rows of the candidate's later slice. False when one is
// missing.
bool Compare(const BundleRow& candidate, const std::string& metric, Comparison* out) {
  const auto beside = candidate.metrics.find(metric + "_beside_live"), live = candidate.metrics.find("live_" + metric);
  const auto own = beside != candidate.metrics.end() ? beside : candidate.metrics.find(metric);
  if (own == candidate.metrics.end() || live == candidate.metrics.end()) return false;
  *out = {metric, own->second, live->second};
  return true;
}

Promotion Judged(bool promoted, std::string reason) { return {promoted, std::move(reason)}; }

// Beside a live bundle that could not be measured on the slice there is nothing but popularity.
Promotion JudgeBesidePopularity(const BundleRow& candidate, std::string_view why) {
  const std::string metric = candidate.metrics.contains("ndcg10") ? "ndcg10" : "recall100";
  const auto own = candidate.metrics.find(metric), popular = candidate.metrics.find(metric + "_popularity");
  if (own == candidate.metrics.end() || popular == candidate.metrics.end()) {
    return Judged(true, "neither it nor the live bundle has models: nothing to compare, the newer lists are taken");
  }
  const bool better = own->second > popular->second;
  return Judged(better, fmt::format("{}; {} {:.6f} is {} than popularity's {:.6f} on the later slice", why, metric,
                                    own->second, better ? "better" : "not better", popular->second));
}

}  // namespace

Promotion JudgeCandidate(const BundleRow& candidate, const BundleRow* live) {
  if (live == nullptr) return Judged(true, "no bundle was live");
  if (candidate.compared_to != live->id) {
    const std::string beside = candidate.compared_to.empty() ? "no live bundle" : "bundle " + candidate.compared_to;
    return Judged(false, fmt::format("{} was measured beside {}, but {} is live now: train again, or force it",
                                     candidate.id, beside, live->id));
  }
  const bool live_ranks = live->metrics.contains("ndcg10") || candidate.metrics.contains("live_ndcg10");
  if (!live_ranks) return JudgeBesidePopularity(candidate, "the live bundle has no ranking models");
  if (!candidate.metrics.contains("ndcg10")) {
    return Judged(false,
                  fmt::format("{} has no ranking models and the live bundle {} has: it stays", candidate.id, live->id));
  }
  Comparison ndcg, auc;
  if (!Compare(candidate, "ndcg10", &ndcg) || !Compare(candidate, "auc", &auc))
    return JudgeBesidePopularity(candidate, "the live bundle knows other features and could not be measured beside it");
  const bool tied = ndcg.candidate == ndcg.live;
  const Comparison& decisive = tied ? auc : ndcg;
  const bool better = decisive.candidate > decisive.live;
  return Judged(
      better,
      fmt::format("{} {:.6f} is {} than the live bundle's {:.6f} on the later slice ({}auc {:.6f} against {:.6f})",
                  decisive.metric, decisive.candidate, better ? "better" : "not better", decisive.live,
                  tied ? "ndcg10 is equal; " : "", auc.candidate, auc.live));
}

}  // namespace feedmill::registry
