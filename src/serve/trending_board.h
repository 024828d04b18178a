// What is popular now: recent posts by decayed engagement as of the clock, remade when time or the log have moved on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "serve/bundle.h"
#include "stream/live_state.h"

namespace feedmill::serve {

struct TrendingPost {
  features::EntityHandle post = features::kNoEntity;
  features::EntityHandle topic = features::kNoEntity;
  double score = 0;
};

struct TrendingList {
  std::vector<TrendingPost> best_first;
  std::unordered_map<std::string, std::vector<uint32_t>> by_topic;  // places in best_first, best first
};

struct TrendingBoardOptions {
  int pool = 5000;  // newest posts looked at, beside the bundle's list
  int kept = 1000;
  Micros refresh = 30 * kMicrosPerSecond;  // of the clock
  uint64_t refresh_records = 20'000;       // of the log
  int small = 300;                         // a list this short is remade whenever anything changed
  Micros age_max = 14 * kMicrosPerDay;
  Micros half_life = kMicrosPerDay;  // of the post counters read: the nearest there is
};

// Pure, under a ReadGuard: the list as of `now`. `counted` is the set `state` counts; null or without post counters:
// newest first.
TrendingList MakeTrendingList(const stream::LiveState& state, const features::FeatureSet* counted, const Bundle* bundle,
                              Micros now, const TrendingBoardOptions& options);

class TrendingBoard {
 public:
  TrendingBoard(const features::FeatureSet* counted, const TrendingBoardOptions& options)
      : counted_(counted), options_(options) {}
  // Any thread, under a ReadGuard. While one thread remakes the list the others get the former one.
  std::shared_ptr<const TrendingList> Current(const stream::LiveState& state, const Bundle* bundle, Micros now);

 private:
  struct Made {
    std::shared_ptr<const TrendingList> list;
    std::string bundle_id;
    Micros at = 0;
    uint64_t applied = 0;
    uint64_t generation = 0;  // of the state's handles
  };
  bool Fresh(const Made& made, const std::string& bundle_id, Micros now, uint64_t applied) const;
  // Whether the caller is the one to remake the list; else `*list` serves.
  bool BeginMaking(uint64_t generation, const std::string& bundle_id, Micros now, uint64_t applied,
                   std::shared_ptr<const TrendingList>* list) FEEDMILL_TRY_ACQUIRE(true, making_);

  const features::FeatureSet* counted_;
  TrendingBoardOptions options_;
  Mutex making_;  // held by the thread that remakes the list
  Mutex mutex_;
  Made made_ FEEDMILL_GUARDED_BY(mutex_);
};

}  // namespace feedmill::serve
