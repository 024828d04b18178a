// The measured twin of the bundle that serves now, made ready to be judged beside the new one
// (docs/decisions/model-gate.md).
#pragma once

#include <string>
#include <vector>

#include "features/feature_set.h"
#include "io/file_system.h"
#include "registry/registry.h"
#include "train/rank_trainer.h"

namespace feedmill::train {

struct LiveBundle {
  std::string id;            // "" when none is live
  std::string model;         // its twin; of bundles without twins what serves; "" when there is none to be measured
  features::FeatureSet set;  // what the model was trained on
};

// `data`: the data folder; `judged`: the action that bundles are judged by. A note says why a live bundle is not
// measured.
Result<LiveBundle> ReadLiveBundle(io::FileSystem& files, const std::string& data, domain::DomainPtr domain,
                                  std::string_view judged, registry::Registry& registry,
                                  std::vector<std::string>* notes);

// With the features of `set` the twin is scored on the samples' own columns. With others, on the values it served with:
// the session must then know `ods_feed_request`, and only rows of `later` that it served count.
Result<LiveTwin> MakeLiveTwin(query::Session& session, const LiveBundle& live, const features::FeatureSet& set,
                              const SampleSet& samples, const Slice& later, std::vector<std::string>* notes);

}  // namespace feedmill::train
