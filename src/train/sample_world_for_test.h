// Samples with a known truth, for tests of the trainer: clicks follow a taste that the features tell about, and the
// place shown.
#pragma once

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "train/sample_set.h"

namespace feedmill::train {

struct WorldOptions {
  uint64_t seed = 1;
  size_t requests = 3000;
  size_t rows_per_request = 12;
  double position_effect = 0;     // log odds lost from the top to the bottom place
  double policy_skill = 0;        // how far the shown order followed the true preference
  bool position_feature = false;  // appends a feature of kind position
  bool leak = false;              // a feature that holds the label in the earlier part of time only
};

struct World {
  features::FeatureSet set;
  SampleSet samples;
  std::vector<double> preference;  // log odds of a click at the top place
};

inline World MakeSampleWorld(const WorldOptions& options) {
  Random random(options.seed);
  World world;
  world.samples.feature_names = {"post_click_rate_1d", "match", "noise"};
  if (options.leak) world.samples.feature_names.push_back("leak");
  if (options.position_feature) world.samples.feature_names.push_back("position");
  for (const std::string& name : world.samples.feature_names) {
    features::FeatureDefinition definition;
    definition.name = name;
    definition.kind = name == "position" ? features::FeatureKind::kPosition : features::FeatureKind::kRate;
    world.set.features.push_back(definition);
  }
  world.set.hash = "test";
  for (size_t request = 0; request < options.requests; ++request) {
    struct Shown {
      double popular, match, noise, preference, order;
    };
    std::vector<Shown> shown(options.rows_per_request);
    for (Shown& row : shown) {
      row = {random.Uniform(), random.Uniform(), random.Normal(), 0, 0};
      row.preference = -3.0 + 1.2 * row.popular + 3 * (row.match > 0.5 ? row.match : 0);
      row.order = options.policy_skill * row.preference + random.Normal();
    }
    std::ranges::sort(shown, std::ranges::greater{}, &Shown::order);
    for (size_t place = 0; place < shown.size(); ++place) {
      const double down = options.position_effect * static_cast<double>(place) / static_cast<double>(shown.size());
      const bool click = random.Chance(1 / (1 + std::exp(down - shown[place].preference)));
      const bool early = request < options.requests * 3 / 4;
      SampleSet& samples = world.samples;
      const float missing = std::numeric_limits<float>::quiet_NaN();
      samples.features.insert(samples.features.end(),
                              {static_cast<float>(shown[place].popular),
                               random.Chance(0.02) ? missing : static_cast<float>(shown[place].match),
                               static_cast<float>(shown[place].noise)});
      if (options.leak) samples.features.push_back(early && click ? 1.0f : 0.0f);
      if (options.position_feature) samples.features.push_back(0);
      samples.times.push_back(static_cast<Micros>(request) * kMicrosPerMinute);
      samples.requests.push_back(static_cast<uint32_t>(request));
      samples.users.push_back(static_cast<uint32_t>(request % 200));
      samples.positions.push_back(static_cast<float>(place));
      for (const char* action : {"click", "like", "comment", "share", "follow", "hide"})
        samples.labels[action].push_back(0);
      samples.labels["click"].back() = click ? 1 : 0;
      samples.labels["like"].back() = click && random.Chance(0.4) ? 1 : 0;
      world.preference.push_back(shown[place].preference);
    }
  }
  return world;
}

}  // namespace feedmill::train
