// All that one feed request knows while it passes the stages. One a worker thread, reset from request to request.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/random.h"
#include "serve/bundle.h"
#include "serve/candidate.h"
#include "serve/feed_query.h"
#include "serve/scene.h"
#include "serve/trending_board.h"
#include "stream/live_state.h"
#include "stream/supposition.h"

namespace feedmill::serve {

struct FunnelStep {
  std::string_view stage;  // "recall", or "recall.i2i" for a channel
  int count = 0;           // candidates after it; for a channel: what it brought
  Micros elapsed = 0;
};

// Candidates that a rule of the filter stage took out.
enum class FilterRule { kUnknown, kSeen, kHidden, kOwn, kExpired, kExcluded, kTopic, kRemoved, kRule };
inline constexpr int kFilterRuleCount = 9;
std::string_view FilterRuleName(FilterRule rule);

struct FeedContext {
  // What the request came with; set by the pipeline, constant for the stages.
  const FeedQuery* query = nullptr;
  const Scene* scene = nullptr;
  const Bundle* bundle = nullptr;            // may be null
  const stream::LiveState* state = nullptr;  // under the request's ReadGuard
  const TrendingList* trending = nullptr;
  bool features_match = false;  // the bundle's models know the counters the state keeps
  Micros now = 0;               // of the clock
  Micros ages_from = 0;         // ages of items are counted back from here: AgesFrom(now)
  bool any_age = false;         // no item is too old: the fallback's last resort
  Micros as_of = 0;             // the instant features are read at: LiveState::AsOf(now)
  Deadline deadline = Deadline::Never();
  int candidates_max = 1200;  // the server's limit, over the scene's
  Random random{0};           // from user, scene, clock and the configured seed

  // The query stage.
  features::EntityHandle user = features::kNoEntity;
  stream::Supposition supposed;                  // over what the state says of the user
  std::vector<stream::LastAction> last_actions;  // newest first
  std::span<const features::EntityHandle> followees;
  std::vector<features::EntityHandle> supposed_followees;  // what `followees` shows when follows are supposed
  bool is_newcomer = true;                                 // hardly acted yet: what they told speaks for them
  std::vector<std::string_view> told_topics;               // by the request; else by a newcomer's identify
  std::vector<std::string_view> topics;                    // told, then those of the last actions

  // Recall to filter.
  CandidateSet candidates;
  std::array<int, kFilterRuleCount> filtered{};  // by FilterRule

  // The rank stage: row-major, Candidate::model_row each.
  std::vector<features::CandidateInput> inputs;
  std::vector<float> features;
  std::vector<double> probabilities;  // one a model of the bundle
  std::vector<double> weights;        // of the bundle's models in the score

  // Re-rank: the answer, best first.
  std::vector<Candidate> page;

  std::vector<std::string> degraded;  // what was left out, for the answer
  std::vector<FunnelStep> funnel;

  // The user's part of the state with what is supposed over it.
  bool Follows(features::EntityHandle author) const;
  bool Seen(features::EntityHandle post) const;
  bool Hidden(features::EntityHandle post, features::EntityHandle author) const;
  std::span<const features::EntityHandle> ToldTopicsOfUser() const;  // of the newest identify

  void Reset();
  bool Late() const { return deadline.Expired(); }
};

}  // namespace feedmill::serve
