// Training rows of the ranking models: ads_sample_ctr in memory, whole requests in the order of time.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "features/feature_set.h"
#include "query/engine.h"
#include "train/train_plan.h"

namespace feedmill::train {

// Rows [begin, end) of a SampleSet.
struct Slice {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

struct SampleSet {
  std::vector<std::string> feature_names;
  std::vector<float> features;                         // rows x feature_names, NaN = missing
  std::vector<Micros> times;                           // of the request's first row: not falling
  std::vector<uint32_t> requests;                      // 0, 1, 2, ... in the order of rows
  std::vector<uint32_t> users;                         // numbers for grouping only
  std::vector<uint64_t> shown;                         // ShownKey of request and post
  std::vector<float> positions;                        // place in the feed, 0 is the top
  std::map<std::string, std::vector<uint8_t>> labels;  // by action
  uint64_t rows_in_table = 0;                          // before thinning

  size_t row_count() const { return times.size(); }
  std::span<const float> Features(const Slice& slice) const;
  // Rows of each request of the slice.
  std::vector<int32_t> GroupSizes(const Slice& slice) const;
};

struct Split {
  Slice training;
  Slice validation;
  Slice later;
};

// Names an item of a request among the rows of `ods_feed_request`.
uint64_t ShownKey(std::string_view request_id, std::string_view post_id);

// The session must know `ads_sample_ctr`. Reads impressions of the plan's window that are earlier than `cut`. Features
// are its columns f_<name> in the set's order. kInvalidArgument names a missing column or too few rows.
Result<SampleSet> ReadSamples(query::Session& session, const features::FeatureSet& set, const RankPlan& plan,
                              Micros cut);

// Why there cannot be ranking models yet: no impression before `cut`, or fewer samples in the window than the plan
// wants; "" when there are enough. The session must know `ads_sample_ctr`.
Result<std::string> TooFewSamples(query::Session& session, const RankPlan& plan, Micros cut);

// Brings rows (in any order) into the promised order; `request_keys` and `event_keys` are hashes, equal for equal ids.
void ArrangeSamples(std::span<const uint64_t> request_keys, std::span<const uint64_t> event_keys, SampleSet* samples);

// By time, at borders of requests: the last `later` of time is the later slice, made longer until it has `rows_min`
// rows and shorter until it is at most `later_share` of all.
Result<Split> SplitByTime(const SampleSet& samples, const RankPlan& plan);

}  // namespace feedmill::train
