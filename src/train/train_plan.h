// What is trained and how: models/rank.toml and models/als.toml, typed and checked.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/domain.h"
#include "io/file_system.h"
#include "train/als.h"

namespace feedmill::train {

struct ActionPlan {
  std::string action;               // of domain.toml, with a label: names the model file and the manifest's weight
  std::string label;                // column of ads_sample_ctr, 0 or 1
  std::vector<std::string> losses;  // tried in order; the best NDCG@10 on the validation slice wins
  double weight = 0;                // in the final score
  int64_t positives_min = 200;      // in the training slice; fewer: no model for this action
};

struct RankPlan {
  Micros window = 30 * kMicrosPerDay;     // rows older than this before the data's end do not count
  Micros half_life = 15 * kMicrosPerDay;  // after which a row counts half
  Micros later = kMicrosPerDay;           // last part of time: only measured; at least rows_min rows
  double later_share = 0.2;               // but at most this share of the rows
  double validation_share = 0.15;         // last part of the rest: early stopping, choice of loss, calibration
  int64_t rows_max = 1'000'000;           // more rows are thinned by whole requests
  int64_t rows_min = 1000;
  std::string popularity;      // the feature that ranks for the popularity baseline
  double leak_gap_max = 0.15;  // AUC of the training slice minus that of the later slice
  int leaves = 31;
  double learning_rate = 0.08;
  int rounds_max = 300;
  int patience = 30;  // rounds without a better validation figure
  int rows_per_leaf_min = 50;
  double feature_share = 0.8;
  int threads = 2;
  int64_t seed = 1;
  std::vector<ActionPlan> actions;  // the order is that of domain.toml; bundles are judged by the first
  std::string item_id;              // column of ads_sample_ctr
};

struct AlsPlan {
  AlsOptions options;
  Micros window = 30 * kMicrosPerDay;    // interactions older than this do not count
  Micros half_life = 7 * kMicrosPerDay;  // of an interaction's weight
  double later_share = 0.2;
  int64_t interactions_min = 500;         // fewer: no vectors
  int64_t users_per_post_min = 2;         // a post with fewer has no vector
  std::map<std::string, double> weights;  // event name -> weight
  std::string item_id;                    // column of dwd_user_action
  uint64_t memory_bytes_max = 0;          // of the process, 0 = no limit: more users than fit are thinned
};

// A plan whose rows fit into a process of so much memory: `rows_max` is lowered where it has to be.
RankPlan FitToMemory(RankPlan plan, size_t feature_count, uint64_t memory_bytes);

// What a missing file or entry means follows from the domain: a model for each label, weighed by its taste; events of
// items count in the vectors by their taste. Errors name file, line, field, found, allowed.
Result<RankPlan> LoadRankPlan(io::FileSystem& files, const std::string& models_folder, const domain::Domain& domain);
Result<AlsPlan> LoadAlsPlan(io::FileSystem& files, const std::string& models_folder, const domain::Domain& domain);

}  // namespace feedmill::train
