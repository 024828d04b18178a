#include "features/compute.h"
#include "features/legacy_actions_for_test.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill::features {
namespace {

constexpr Micros kStart = 1'790'000'000 * kMicrosPerSecond;
constexpr std::string_view kFolder = FEEDMILL_SOURCE_DIR "/template/features";

std::vector<CountedAction> RandomActions(size_t count) {
  Random random(3);
  std::vector<CountedAction> actions;
  for (size_t i = 0; i < count; ++i) {
    const auto post = static_cast<EntityHandle>(random.Below(60));
    actions.push_back({.user = static_cast<EntityHandle>(random.Below(9)),
                       .post = post,
                       .author = post % 7,
                       .topic = post % 4,
                       .action = static_cast<Action>(random.Below(legacy::kActionCount)),
                       .weight = 1.0F,
                       .time = kStart + static_cast<Micros>(random.Below(20 * kMicrosPerDay))});
  }
  return actions;
}

// One feature of one candidate, straight from the definitions with the library's exp2 and log.
class SlowTwin {
 public:
  SlowTwin(const FeatureSet& set, std::span<const CountedAction> actions) : set_(set), actions_(actions) {}

  double Feature(const FeatureDefinition& feature, EntityHandle user, const CandidateInput& c, Micros as_of) const {
    switch (feature.kind) {
      case FeatureKind::kLogCount:
        return std::log(1 + Counter(feature.numerator, user, c, as_of));
      case FeatureKind::kRate:
        return (Counter(feature.numerator, user, c, as_of) + feature.prior_rate * feature.prior_weight) /
               (Counter(feature.denominator, user, c, as_of) + feature.prior_weight);
      case FeatureKind::kAgeHours:
        return c.created_at == 0 ? NAN : std::log(1 + static_cast<double>(as_of - c.created_at) / 3.6e9);
      case FeatureKind::kLogNumber:
        return c.created_at == 0 ? NAN : std::log(1.0 + c.numbers[0]);
      case FeatureKind::kFollowsAuthor:
        return c.follows_author;
      case FeatureKind::kHourOfDay:
        return static_cast<double>(as_of / kMicrosPerHour % 24);
      case FeatureKind::kLastSeconds:
        return Last(feature.key, user, c, as_of);
      case FeatureKind::kPosition:
        return 0;
      case FeatureKind::kCategory:
        return c.buckets[feature.category] == 0 ? NAN : c.buckets[feature.category];
    }
    return NAN;
  }

 private:
  static bool Matches(CounterKey key, EntityHandle user, const CandidateInput& c, const CountedAction& action) {
    switch (key) {
      case CounterKey::kUser:
        return action.user == user;
      case CounterKey::kPost:
        return action.post == c.post;
      case CounterKey::kAuthor:
        return action.author == c.author;
      case CounterKey::kUserAuthor:
        return action.user == user && action.author == c.author;
      case CounterKey::kUserTopic:
        return action.user == user && action.topic == c.topic;
    }
    return false;
  }
  double Counter(int index, EntityHandle user, const CandidateInput& c, Micros as_of) const {
    const CounterDefinition& counter = set_.counters[index];
    double sum = 0;
    for (const CountedAction& action : actions_) {
      if (action.action != counter.action || action.time >= as_of || !Matches(counter.key, user, c, action)) continue;
      sum +=
          action.weight * std::exp2(-static_cast<double>(as_of - action.time) / static_cast<double>(counter.half_life));
    }
    return sum;
  }
  double Last(CounterKey key, EntityHandle user, const CandidateInput& c, Micros as_of) const {
    Micros last = 0;
    for (const CountedAction& action : actions_) {
      if (Matches(key, user, c, action)) last = std::max(last, action.time);
    }
    return last == 0 ? NAN : std::log(1 + static_cast<double>(as_of - last) / 1e6);
  }

  const FeatureSet& set_;
  std::span<const CountedAction> actions_;
};

TEST(ComputeFeatures, EqualsTheDefinitionsOnTheTemplatesFeatures) {
  const FeatureSet set = LoadFeatureSet(io::PosixFileSystem(), std::string(kFolder), domain::LegacyDomain()).value();
  const auto actions = RandomActions(4'000);
  CounterTable counters(set);
  for (const CountedAction& action : actions) counters.Apply(action);
  const SlowTwin twin(set, actions);
  const Micros as_of = kStart + 21 * kMicrosPerDay;
  std::vector<CandidateInput> candidates;
  for (EntityHandle post = 0; post < 75; ++post) {  // two blocks and a rest; from 60 on never seen
    candidates.push_back({post,
                          post % 9,
                          post % 5,
                          post % 6 == 0 ? 0 : as_of - post * kMicrosPerHour,
                          {40.0F * static_cast<float>(post)},
                          post % 2 == 0});
  }
  candidates.push_back({});  // nothing is known
  for (const EntityHandle user : {EntityHandle{2}, EntityHandle{8}, EntityHandle{1000}, kNoEntity}) {
    std::vector<float> out(candidates.size() * set.features.size(), -1);
    ComputeFeatures(set, counters, user, as_of, candidates, out);
    for (size_t i = 0; i < candidates.size(); ++i) {
      for (size_t f = 0; f < set.features.size(); ++f) {
        // The twin of a key that is not there must not match actions that lack it: none in this test does.
        const auto expected = static_cast<float>(twin.Feature(set.features[f], user, candidates[i], as_of));
        const float found = out[i * set.features.size() + f];
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(found)) << set.features[f].name;
        } else {
          ASSERT_FLOAT_EQ(found, expected) << set.features[f].name << " candidate " << i;
        }
      }
    }
  }
}

TEST(ComputeFeatures, ACandidatesFeaturesDoNotDependOnItsNeighbours) {
  const FeatureSet set = LoadFeatureSet(io::PosixFileSystem(), std::string(kFolder), domain::LegacyDomain()).value();
  CounterTable counters(set);
  for (const CountedAction& action : RandomActions(1'000)) counters.Apply(action);
  std::vector<CandidateInput> candidates;
  for (EntityHandle post = 0; post < 50; ++post) candidates.push_back({post, post % 7, post % 4, kStart, 10, false});
  std::vector<float> together(candidates.size() * set.features.size());
  ComputeFeatures(set, counters, 4, kStart + 30 * kMicrosPerDay, candidates, together);
  for (size_t i = 0; i < candidates.size(); ++i) {
    std::vector<float> alone(set.features.size());
    ComputeFeatures(set, counters, 4, kStart + 30 * kMicrosPerDay, std::span(candidates).subspan(i, 1), alone);
    for (size_t f = 0; f < alone.size(); ++f) ASSERT_EQ(alone[f], together[i * alone.size() + f]);
  }
}

TEST(ComputeFeatures, NoCandidatesIsFine) {
  const FeatureSet set = LoadFeatureSet(io::PosixFileSystem(), std::string(kFolder), domain::LegacyDomain()).value();
  ComputeFeatures(set, CounterTable(set), 1, kStart, {}, {});
}

}  // namespace
}  // namespace feedmill::features
