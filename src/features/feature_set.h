// What a feature is, read from features/*.toml: which counters exist and which features are derived from them.
// One definition serves the nightly replay, the stream and the request path: all three call ComputeFeatures (features/compute.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::features {

// What a counter is kept for.
enum class CounterKey : uint8_t { kUser, kPost, kAuthor, kUserAuthor, kUserTopic };
inline constexpr int kCounterKeyCount = 5;

// Actions that counters count; dwell counts seconds.
enum class Action : uint8_t { kImpression, kClick, kLike, kComment, kShare, kFollow, kHide, kDwellSeconds };
inline constexpr int kActionCount = 8;
std::string_view ActionName(Action action);

// One exponentially decayed count: value(t) = sum over events e with e.time < t of weight(e) * 2^(-(t - e.time) / half_life).
struct CounterDefinition {
  CounterKey key;
  Action action;
  Micros half_life;  // 1 h, 1 d, 7 d or 30 d
};

enum class FeatureKind : uint8_t {
  kLogCount,       // ln(1 + counter)
  kRate,           // (numerator + prior_rate * prior_weight) / (denominator + prior_weight)
  kPostAgeHours,   // ln(1 + hours since the post was made)
  kTextLength,     // ln(1 + characters)
  kFollowsAuthor,  // 1 when the user follows the author now
  kHourOfDay,      // UTC hour of the request
  kLastSeconds,    // ln(1 + seconds since the key's last action), missing when never
  kPosition,       // reserved for debiasing in training; constant at serving
};

struct FeatureDefinition {
  std::string name;      // "post_click_rate_1d"
  FeatureKind kind = FeatureKind::kLogCount;
  int numerator = -1;    // index into FeatureSet::counters
  int denominator = -1;
  double prior_rate = 0;
  double prior_weight = 0;
  CounterKey key = CounterKey::kPost;  // for kLastSeconds
};

struct FeatureSet {
  std::vector<CounterDefinition> counters;
  std::vector<FeatureDefinition> features;  // the order of a feature vector
  std::string hash;                         // of the definitions; models carry it and refuse another
};

// Reads every *.toml of the folder. Errors name file, line, field, found, allowed.
Result<FeatureSet> LoadFeatureSet(const std::string& folder);

}  // namespace feedmill::features
