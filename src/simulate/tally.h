// What a policy achieved, counted on the app's side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "simulate/world_options.h"

namespace feedmill::simulate {

struct Rate {
  uint64_t shown = 0;
  uint64_t hit = 0;
  void Add(bool was_hit) {
    ++shown;
    hit += was_hit ? 1 : 0;
  }
  double value() const { return shown == 0 ? 0 : static_cast<double>(hit) / static_cast<double>(shown); }
};

struct Tally {
  std::string policy;
  Micros until = 0;  // the world's time at the end
  uint64_t feeds = 0;
  uint64_t feeds_empty = 0;
  uint64_t feeds_degraded = 0;
  uint64_t events = 0;
  Rate clicks;                  // over all shown items
  Rate clicks_new_users;        // users who joined in the live phase
  Rate clicks_new_posts;        // posts less than one hour old when shown
  std::vector<uint64_t> deeds;  // by the world's behaviours
  uint64_t against_rules = 0;   // shown items that the user may not see (World::MaySee)
  double expected_clicks = 0;   // by the true preference
  double best_clicks = 0;       // of the best possible slates
  std::vector<Micros> feed_times;

  double regret() const { return best_clicks <= 0 ? 0 : 1 - expected_clicks / best_clicks; }
  // Quantile of the feed's answer time in milliseconds (nearest rank), 0 when there was none.
  double FeedMillis(double quantile) const;
  // One JSON object on one line; rates of behaviours are of the shown items.
  std::string ToJson(const std::vector<Behaviour>& behaviours) const;
};

}  // namespace feedmill::simulate
