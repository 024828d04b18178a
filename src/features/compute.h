// Feature vectors for one user and many candidates as of one instant: the only code that turns counters into features.
#pragma once

#include <array>
#include <span>

#include "base/clock.h"
#include "features/counter_table.h"
#include "features/feature_set.h"

namespace feedmill::features {

// By place in ItemKind::numbers; 0 where nothing was given.
using ItemNumbers = std::array<float, domain::kNumbersMax>;

struct CandidateInput {
  EntityHandle post = kNoEntity;
  EntityHandle author = kNoEntity;
  EntityHandle topic = kNoEntity;
  Micros created_at = 0;
  ItemNumbers numbers{};
  bool follows_author = false;
  std::array<uint16_t, kCategoryPropertiesMax> buckets{};  // by place in FeatureSet::categories; 0: not given
};

// Writes candidates.size() rows of set.features.size() floats into `out` (row-major). A missing value is NaN; a key
// never seen counts as one without actions. Reads actions strictly earlier than `as_of`, which must be later than
// counters.NewestTime() (see there). `counters` must have been made from `set`. Pure; the table must not change
// meanwhile. Any thread.
void ComputeFeatures(const FeatureSet& set, const CounterTable& counters, EntityHandle user, Micros as_of,
                     std::span<const CandidateInput> candidates, std::span<float> out);

}  // namespace feedmill::features
