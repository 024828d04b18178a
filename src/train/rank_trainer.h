// The ranking models of one night: one ensemble per action, its calibration, and figures on the later slice.
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
  std::string loss;        // the one that was chosen
  std::string model_text;  // LightGBM text, v4
  Calibration calibration;
  double weight = 0;
};

struct RankResult {
  std::vector<RankedAction> actions;      // click, then those with enough positives
  std::map<std::string, double> metrics;  // docs/formats/bundle.md; figures that cannot be measured are left out
  std::vector<std::string> notes;         // for people: which action has no model and why, which loss won
};

// `live_click_model`: text of the live bundle's click model over the same features, "" when there is none; it is
// measured on the same later slice ("live_ndcg10", "live_auc"). The same samples and plan give byte-equal models.
// kInvalidArgument: too few positives, or the training slice is so much easier than the later one that a point-in-time
// leak is likely.
Result<RankResult> TrainRank(const SampleSet& samples, const features::FeatureSet& set, const RankPlan& plan,
                             const std::string& live_click_model,
                             const std::function<void(double, std::string_view)>& on_progress);

}  // namespace feedmill::train
