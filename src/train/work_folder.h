// What the steps of one night hand on: <data>/tmp/training-<cut>/, one file each, a JSON summary written last.
#pragma once

#include <map>
#include <string>

#include "io/file_system.h"
#include "train/rank_trainer.h"
#include "train/recall_trainer.h"

namespace feedmill::train {

// Summary of a step, as the bundle step needs it.
struct StepSummary {
  std::map<std::string, double> metrics;
  std::map<std::string, double> action_weights;
  std::map<std::string, std::pair<double, double>> calibration;
  std::string feature_set_hash;
  std::string compared_to;
};

// "rank" and "als" are the parts. An older summary is removed first, so that a part is whole or absent.
Status WriteRankPart(io::FileSystem& files, const std::string& folder, const RankResult& result,
                     const features::FeatureSet& set, const std::string& compared_to);
Status WriteRecallPart(io::FileSystem& files, const std::string& folder, const RecallResult& result);

// kNotFound says which command makes the part.
Result<StepSummary> ReadSummary(io::FileSystem& files, const std::string& folder, const std::string& part);

inline constexpr const char* kSummaryFile = "summary.json";

}  // namespace feedmill::train
