// What a feature is, read from features/*.toml: which counters exist and which features are derived from them.
// One definition serves the nightly replay, the stream and the request path: all three call ComputeFeatures
// (features/compute.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/domain.h"
#include "io/file_system.h"

namespace feedmill::features {

// What a counter is kept for.
enum class CounterKey : uint8_t { kUser, kPost, kAuthor, kUserAuthor, kUserTopic };
inline constexpr int kCounterKeyCount = 5;

// An action that counters count: its place in Domain::actions.
enum class Action : uint8_t {};
inline const domain::Action& ActionOf(const domain::Domain& domain, Action action) {
  return domain.actions[static_cast<size_t>(action)];
}

// One exponentially decayed count: value(t) = sum over events e with e.time < t of weight(e) * 2^(-(t - e.time) /
// half_life).
struct CounterDefinition {
  CounterKey key;
  Action action;
  Micros half_life;  // 1 h, 1 d, 7 d or 30 d
  friend bool operator==(const CounterDefinition&, const CounterDefinition&) = default;
};

enum class FeatureKind : uint8_t {
  kLogCount,       // ln(1 + counter)
  kRate,           // (numerator + prior_rate * prior_weight) / (denominator + prior_weight)
  kAgeHours,       // ln(1 + hours since the item was made), missing when its creation is not known
  kLogNumber,      // ln(1 + a number of the item's creation, at least 0), missing likewise; 0 when it was not given
  kFollowsAuthor,  // 1 when the user follows the author now, else 0
  kHourOfDay,      // UTC hour of the request, 0 to 23
  kLastSeconds,    // ln(1 + seconds since the key's last action), missing when never
  kPosition,       // always 0 here; training may put the shown position in its place to take its effect out
  kCategory,       // BucketOf a text of the item, missing when it is not given; trees split on sets of buckets
};

// Texts as numbers that need no list of them, so that past and present agree: 0 for "", else 1 to kBuckets - 1. Of 100
// texts, two or so share a number with another.
inline constexpr uint16_t kBuckets = 4096;
uint16_t BucketOf(std::string_view text);
// Properties of an item that features of kind category are of: the place in CandidateInput::buckets.
inline constexpr size_t kCategoryPropertiesMax = 4;
struct CategoryProperty {
  std::string name;
  int field = -1;  // place in ItemKind::fields; -1: the item's category
  friend bool operator==(const CategoryProperty&, const CategoryProperty&) = default;
};

struct FeatureDefinition {
  std::string name;  // "post_click_rate_1d"
  FeatureKind kind = FeatureKind::kLogCount;
  int numerator = -1;  // index into FeatureSet::counters
  int denominator = -1;
  double prior_rate = 0;
  double prior_weight = 0;
  CounterKey key = CounterKey::kPost;  // for kLastSeconds
  int number = -1;                     // for kLogNumber: place in ItemKind::numbers
  int category = -1;                   // for kCategory: place in FeatureSet::categories
  std::string former_kind;             // as files of former releases call the kind; "" = FeatureKindName
};

// How long a pair (user and author, user and topic) is remembered after its last action.
inline constexpr int kPairMemoryDays = 90;
inline constexpr int kPairMemoryDaysMax = 3650;

struct FeatureSet {
  std::vector<CounterDefinition> counters;
  std::vector<FeatureDefinition> features;  // the order of a feature vector
  std::vector<CategoryProperty> categories;
  std::string hash;  // of the definitions (FormatFeatureSet); models carry it and refuse another
  int pair_memory_days = kPairMemoryDays;
  domain::DomainPtr domain;  // whose actions are counted; never null in a set that was loaded

  const domain::Action& Of(Action action) const { return ActionOf(*domain, action); }
};

// Reads every *.toml of the folder in order of their names (template/features shows what may stand there).
// Errors name file, line, field, what was found and what is allowed. Counters are those that some feature uses, ordered
// by key, half-life and action.
Result<FeatureSet> LoadFeatureSet(io::FileSystem& files, const std::string& folder, domain::DomainPtr domain);
// Of a project: its features/ in the words of its domain.toml.
Result<FeatureSet> LoadProjectFeatures(io::FileSystem& files, const std::string& project);
// The same from one text; `file` is its name in messages.
Result<FeatureSet> ParseFeatureSet(std::string_view file, std::string_view text, domain::DomainPtr domain);
// One TOML text with every feature spelled out; parsing it gives the same set and hash. What a bundle carries.
std::string FormatFeatureSet(const FeatureSet& set);

// "user", the kind's name, "author", "user_author", "user_" and the category's name.
std::string CounterKeyName(const domain::Domain& domain, CounterKey key);
std::string_view FeatureKindName(FeatureKind kind);  // "log_count", "rate", ...
// "1h", "7d"; the name of a counter is <key>_<action>_<half-life>: "post_click_1d".
std::string CounterName(const FeatureSet& set, const CounterDefinition& counter);
// -1 when the set has no such counter.
int FindCounter(const FeatureSet& set, CounterKey key, Action action, Micros half_life);

}  // namespace feedmill::features
