#include "serve/trending_board.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_set>

#include "serve/catalogue_age.h"

namespace feedmill::serve {
namespace {

using features::Action;
using features::EntityHandle;
using features::kNoEntity;

// The counter of (post, action) whose half-life is nearest to the one asked for, or -1.
int NearestCounter(const features::FeatureSet* counted, Action action, Micros half_life) {
  int best = -1;
  if (counted == nullptr) return best;
  auto distance = [&](size_t i) { return std::llabs(counted->counters[i].half_life - half_life); };
  for (size_t i = 0; i < counted->counters.size(); ++i) {
    const features::CounterDefinition& counter = counted->counters[i];
    if (counter.key != features::CounterKey::kPost || counter.action != action) continue;
    if (best < 0 || distance(i) < distance(static_cast<size_t>(best))) best = static_cast<int>(i);
  }
  return best;
}

// Done to the item itself, because one likes it; what counts by a value has a scale of its own.
bool TellsPopularity(const domain::Domain& domain, const domain::Action& action) {
  return action.IsOutcome() && !domain.IsOfUsers(action) && action.taste > 0 && action.value.empty();
}

class Scorer {
 public:
  Scorer(const stream::LiveState& state, const features::FeatureSet* counted, Micros half_life, Micros now)
      : state_(state), now_(now) {
    const std::vector<domain::Action>& actions = state.domain()->actions;
    for (size_t i = 0; i < actions.size(); ++i) {
      const int counter = NearestCounter(counted, static_cast<Action>(i), half_life);
      if (counter >= 0 && TellsPopularity(*state.domain(), actions[i]))
        engagements_.push_back({counter, actions[i].taste});
    }
  }
  double operator()(EntityHandle post) const {
    double score = 0;
    for (const auto& [counter, taste] : engagements_)
      score += taste * state_.counters().Value(counter, post, kNoEntity, now_);
    return score;
  }

 private:
  const stream::LiveState& state_;
  Micros now_;
  std::vector<std::pair<int, double>> engagements_;  // counter, and how much one of it tells
};

std::vector<EntityHandle> Pool(const stream::LiveState& state, const Bundle* bundle, int newest) {
  std::vector<EntityHandle> pool = state.FreshPosts(newest);
  if (bundle == nullptr || bundle->trending == nullptr) return pool;
  std::unordered_set<EntityHandle> there(pool.begin(), pool.end());
  for (const store::ScoredId& scored : bundle->trending->Get("all")) {
    const EntityHandle post = state.FindPost(scored.id);
    if (post != kNoEntity && there.insert(post).second) pool.push_back(post);
  }
  return pool;
}

}  // namespace

TrendingList MakeTrendingList(const stream::LiveState& state, const features::FeatureSet* counted, const Bundle* bundle,
                              Micros now, const TrendingBoardOptions& options) {
  TrendingList list;
  const Scorer score(state, counted, options.half_life, now);
  const Micros ages_from = AgesFrom(state, now);
  const bool has_makers = !state.domain()->Shown().made_by.empty();
  for (EntityHandle post : Pool(state, bundle, options.pool)) {
    const stream::PostInfo& info = state.Post(post);
    if (state.IsGone(post) || (info.created_at == 0 && has_makers)) continue;
    if (info.created_at != 0 && ages_from - info.created_at > options.age_max) continue;
    list.best_first.push_back({post, info.topic, score(post)});
  }
  // Ties by time, then by name, so that the order does not hang on handles.
  auto better = [&](const TrendingPost& a, const TrendingPost& b) {
    if (a.score != b.score) return a.score > b.score;
    const Micros created_a = state.Post(a.post).created_at, created_b = state.Post(b.post).created_at;
    return created_a != created_b ? created_a > created_b : state.PostId(a.post) < state.PostId(b.post);
  };
  const size_t kept = std::min(list.best_first.size(), static_cast<size_t>(options.kept));
  std::partial_sort(list.best_first.begin(), list.best_first.begin() + static_cast<std::ptrdiff_t>(kept),
                    list.best_first.end(), better);
  list.best_first.resize(kept);
  for (size_t i = 0; i < kept; ++i) {
    const EntityHandle topic = list.best_first[i].topic;
    if (topic != kNoEntity) list.by_topic[std::string(state.TopicName(topic))].push_back(static_cast<uint32_t>(i));
  }
  return list;
}

bool TrendingBoard::Fresh(const Made& made, const std::string& bundle_id, Micros now, uint64_t applied) const {
  if (made.list == nullptr || made.bundle_id != bundle_id || now < made.at) return false;
  if (std::ssize(made.list->best_first) <= options_.small) return now == made.at && applied == made.applied;
  return now - made.at < options_.refresh && applied - made.applied < options_.refresh_records;
}

bool TrendingBoard::BeginMaking(uint64_t generation, const std::string& bundle_id, Micros now, uint64_t applied,
                                std::shared_ptr<const TrendingList>* list) {
  {
    MutexLock lock(mutex_);
    const bool is_readable = made_.list != nullptr && made_.generation == generation;
    if (is_readable) *list = made_.list;
    if (is_readable) return !Fresh(made_, bundle_id, now, applied) && making_.TryLock();
  }
  making_.Lock();
  return true;
}

std::shared_ptr<const TrendingList> TrendingBoard::Current(const stream::LiveState& state, const Bundle* bundle,
                                                           Micros now) {
  const std::string bundle_id = bundle == nullptr ? "" : bundle->manifest.id;
  const uint64_t applied = state.AppliedRecords();
  std::shared_ptr<const TrendingList> list;
  if (!BeginMaking(state.Generation(), bundle_id, now, applied, &list)) return list;
  const MutexLock making(making_, std::adopt_lock);
  list = std::make_shared<const TrendingList>(MakeTrendingList(state, counted_, bundle, now, options_));
  MutexLock lock(mutex_);
  made_ = {list, bundle_id, now, applied, state.Generation()};
  return list;
}

}  // namespace feedmill::serve
