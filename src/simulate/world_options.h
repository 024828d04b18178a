// The parameters of the synthetic app, read from one documented file (examples/world.toml).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace feedmill::simulate {

struct WorldOptions {
  int64_t seed = 1;

  // size
  int64_t users = 2'000;
  int64_t new_users = 200;  // join during the live phase only
  int64_t authors = 300;    // the first users are the authors
  int64_t topics = 24;
  int64_t history_days = 5;
  double live_hours = 24;

  // supply
  double posts_per_author_day = 2.0;  // mean; heavy-tailed over authors
  double author_quality_spread = 0.6;
  double post_quality_spread = 0.7;
  double post_half_life_hours = 18;  // interest in a post halves in this time

  // demand
  double sessions_per_user_day = 1.6;  // mean; heavy-tailed over users
  double feeds_per_session = 1.5;
  int64_t slate = 10;  // items of one feed
  double topics_per_user = 3;
  double taste_weight = 2.2;  // how much affinity moves a click
  double quality_weight = 0.7;
  double follow_weight = 0.5;
  double click_base = -3.4;      // logit of an average item at the first position
  double position_decay = 0.13;  // chance to look at position p: 1 / (1 + decay * p)
  double noise = 0.35;           // spread of the unexplained part of a preference

  // graph
  double follows_per_user = 12;  // mean; heavy-tailed
  double homophily = 3.0;        // weight of taste when choosing whom to follow
};

// Reads `path`; empty = the defaults. Errors name file, line, field, found, allowed.
Result<WorldOptions> LoadWorldOptions(const std::string& path);

}  // namespace feedmill::simulate
