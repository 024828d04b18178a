// Logged feature values against the same definitions over the raw events of the lake: what serving computed, computed
// again.
#pragma once

#include <cstdint>
#include <string>

#include "app/config.h"
#include "app/data_folder.h"

namespace feedmill::app {

struct FeatureComparison {
  uint64_t requests = 0;
  uint64_t items = 0;  // shown ones and sampled ones
  uint64_t values = 0;
  uint64_t different = 0;                // values that are not equal to the last bit; two missing ones are equal
  uint64_t requests_other_features = 0;  // of other definitions than the project's; not compared
  double difference_max = 0;             // infinite when one of two is missing
  std::string first_difference;          // names request, post, feature and both values
};

// Replays the events in the order of the log and stops at every feed request of [from, to), at the position that its
// state had applied (the row's `applied`), to compute the features of its items as of its `as_of`. Over
// several partitions, whose events come in order of receipt, differences up to 1e-6 count as none.
Result<FeatureComparison> CompareFeatures(const Config& config, const DataFolder& folder, Micros from, Micros to);

}  // namespace feedmill::app
