// The ranking models of one night: one ensemble per action, its calibration, and figures on the later slice. Each is
// trained twice with the same loss and as many trees: the twin without the later slice is what is measured, what serves
// is refitted on every row.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "train/calibration.h"
#include "train/sample_set.h"

namespace feedmill::train {

struct RankedAction {
  std::string action;
  std::string loss;         // the one that was chosen
  int rounds = 0;           // trees
  std::string twin_text;    // LightGBM text, v4: measured, and judged again beside the next night's
  std::string model_text;   // LightGBM text, v4: serves
  Calibration calibration;  // of the twin, on rows it was not fitted to
  double weight = 0;
};

struct RankResult {
  std::vector<RankedAction> actions;      // the one that is judged, then those with enough positives
  std::map<std::string, double> metrics;  // docs/formats/bundle.md; figures that cannot be measured are left out
  std::vector<std::string> notes;         // for people: which action has no model and why, which loss won
  std::string withheld;                   // why there are no models although they could be trained; "" when there are
};

// The live bundle's twin of the judged action, to be measured on the same rows.
struct LiveTwin {
  std::string model;  // "" when there is none
  // When it knows other features than the samples: its own values, as they were served, of the rows of the later slice
  // that it served. Else empty: it is measured on all rows of the slice.
  std::vector<std::string> feature_names;
  std::vector<float> features;  // rows x feature_names
  std::vector<size_t> rows;     // of the sample set, ascending
};

// Measures the live twin as "live_ndcg10", "live_auc"; where that is on some rows only, the new twin on the same rows
// as "ndcg10_beside_live", "auc_beside_live". The same samples and plan give byte-equal models. When the training slice
// is so much easier than the later one that a point-in-time leak or an overfit is likely, smaller trees are tried, and
// if that does not help the models are withheld. Too few positives of the judged action withhold them too.
// kInvalidArgument: rows that cannot be split by time.
Result<RankResult> TrainRank(const SampleSet& samples, const features::FeatureSet& set, const RankPlan& plan,
                             const LiveTwin& live, const std::function<void(double, std::string_view)>& on_progress);

}  // namespace feedmill::train
