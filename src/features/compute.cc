#include "features/compute.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "features/decay_internal.h"

namespace feedmill::features {
namespace {

// Candidates computed together: their counters (8 bytes each) stay in the first-level cache.
constexpr size_t kBlock = 32;
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
using Lanes = std::array<double, kBlock>;

std::pair<EntityHandle, EntityHandle> HandlesOf(CounterKey key, EntityHandle user, const CandidateInput& candidate) {
  switch (key) {
    case CounterKey::kUser:
      return {user, kNoEntity};
    case CounterKey::kPost:
      return {candidate.post, kNoEntity};
    case CounterKey::kAuthor:
      return {candidate.author, kNoEntity};
    case CounterKey::kUserAuthor:
      return {user, candidate.author};
    case CounterKey::kUserTopic:
      return {user, candidate.topic};
  }
  return {kNoEntity, kNoEntity};
}

Four Load(const Lanes& lanes, size_t at) {
  Four four;
  std::memcpy(&four, &lanes[at], sizeof four);
  return four;
}

// ln(1 + x) of every lane, in place.
void LogOnePlus(Lanes* lanes) {
  for (size_t i = 0; i < kBlock; i += 4) {
    const Four value = Log(Load(*lanes, i) + 1.0);
    std::memcpy(&(*lanes)[i], &value, sizeof value);
  }
}

double HourOfDay(Micros time) {
  const Micros rest = time % kMicrosPerDay;
  return static_cast<double>((rest < 0 ? rest + kMicrosPerDay : rest) / kMicrosPerHour);
}

class Computation {
 public:
  Computation(const FeatureSet& set, const CounterTable& counters, EntityHandle user, Micros as_of)
      : set_(set), counters_(counters), user_(user), as_of_(as_of), values_(set.counters.size()) {
    for (size_t i = 0; i < set.counters.size(); ++i) of_key_[static_cast<size_t>(set.counters[i].key)].push_back(i);
    std::vector<double> row(set.counters.size());
    for (size_t i = 0; i < values_.size(); ++i) values_[i].fill(0);
    // The user's row is the same for all candidates.
    const CounterRow* found = counters_.FindRow(CounterKey::kUser, user_, kNoEntity);
    last_[static_cast<size_t>(CounterKey::kUser)].fill(counters_.ReadRow(CounterKey::kUser, found, as_of_, row));
    const auto& of_user = of_key_[static_cast<size_t>(CounterKey::kUser)];
    for (size_t i = 0; i < of_user.size(); ++i) values_[of_user[i]].fill(row[i]);
    row_ = std::move(row);
  }

  void Block(std::span<const CandidateInput> block, float* out) {
    FindRows(block);
    ReadRows(block.size());
    for (size_t f = 0; f < set_.features.size(); ++f) {
      Lanes lanes;
      Evaluate(set_.features[f], block, &lanes);
      for (size_t i = 0; i < block.size(); ++i) out[i * set_.features.size() + f] = static_cast<float>(lanes[i]);
    }
  }

 private:
  void FindRows(std::span<const CandidateInput> block) {
    for (const CounterKey key : kPerCandidate) {
      for (const CandidateInput& candidate : block) {
        const auto [first, second] = HandlesOf(key, user_, candidate);
        if (first != kNoEntity) counters_.PrefetchKey(key, first, second);
      }
    }
    for (const CounterKey key : kPerCandidate) {
      auto& rows = rows_[static_cast<size_t>(key)];
      for (size_t i = 0; i < block.size(); ++i) {
        const auto [first, second] = HandlesOf(key, user_, block[i]);
        rows[i] = counters_.FindRow(key, first, second);
        counters_.PrefetchRow(key, rows[i]);
      }
    }
  }

  void ReadRows(size_t count) {
    for (const CounterKey key : kPerCandidate) {
      const auto& places = of_key_[static_cast<size_t>(key)];
      for (size_t i = 0; i < count; ++i) {
        last_[static_cast<size_t>(key)][i] = counters_.ReadRow(key, rows_[static_cast<size_t>(key)][i], as_of_, row_);
        for (size_t c = 0; c < places.size(); ++c) values_[places[c]][i] = row_[c];
      }
    }
  }

  void Evaluate(const FeatureDefinition& feature, std::span<const CandidateInput> block, Lanes* lanes) const {
    const auto each = [&](auto value_of) {
      lanes->fill(0);
      for (size_t i = 0; i < block.size(); ++i) (*lanes)[i] = value_of(block[i]);
    };
    switch (feature.kind) {
      case FeatureKind::kLogCount:
        *lanes = values_[feature.numerator];
        return LogOnePlus(lanes);
      case FeatureKind::kRate:
        return Rate(feature, lanes);
      case FeatureKind::kAgeHours:
        each([this](const CandidateInput& c) {
          return static_cast<double>(std::max<Micros>(0, as_of_ - c.created_at)) / static_cast<double>(kMicrosPerHour);
        });
        return LogUnlessMissing(block, [](const CandidateInput& c) { return c.created_at == 0; }, lanes);
      case FeatureKind::kLogNumber:
        each([place = static_cast<size_t>(feature.number)](const CandidateInput& c) {
          return static_cast<double>(std::max(0.0F, c.numbers[place]));
        });
        return LogUnlessMissing(block, [](const CandidateInput& c) { return c.created_at == 0; }, lanes);
      case FeatureKind::kFollowsAuthor:
        return each([](const CandidateInput& c) { return c.follows_author ? 1.0 : 0.0; });
      case FeatureKind::kHourOfDay:
        return lanes->fill(HourOfDay(as_of_));
      case FeatureKind::kLastSeconds:
        return LastSeconds(feature.key, block, lanes);
      case FeatureKind::kPosition:
        return lanes->fill(0);
      case FeatureKind::kCategory:
        return each([place = static_cast<size_t>(feature.category)](const CandidateInput& c) {
          return c.buckets[place] == 0 ? static_cast<double>(kMissing) : static_cast<double>(c.buckets[place]);
        });
    }
  }

  void Rate(const FeatureDefinition& feature, Lanes* lanes) const {
    const double prior = feature.prior_rate * feature.prior_weight;
    const Lanes& numerator = values_[feature.numerator];
    const Lanes& denominator = values_[feature.denominator];
    for (size_t i = 0; i < kBlock; i += 4) {
      const Four rate = (Load(numerator, i) + prior) / (Load(denominator, i) + feature.prior_weight);
      std::memcpy(&(*lanes)[i], &rate, sizeof rate);
    }
  }

  template <typename IsMissing>
  void LogUnlessMissing(std::span<const CandidateInput> block, IsMissing is_missing, Lanes* lanes) const {
    LogOnePlus(lanes);
    for (size_t i = 0; i < block.size(); ++i) {
      if (is_missing(block[i])) (*lanes)[i] = kMissing;
    }
  }

  void LastSeconds(CounterKey key, std::span<const CandidateInput> block, Lanes* lanes) const {
    lanes->fill(0);
    const auto& last = last_[static_cast<size_t>(key)];
    for (size_t i = 0; i < block.size(); ++i) {
      (*lanes)[i] = static_cast<double>(std::max<Micros>(0, as_of_ - last[i])) / static_cast<double>(kMicrosPerSecond);
    }
    LogOnePlus(lanes);
    for (size_t i = 0; i < block.size(); ++i) {
      if (last[i] == 0) (*lanes)[i] = kMissing;
    }
  }

  static constexpr CounterKey kPerCandidate[] = {CounterKey::kPost, CounterKey::kAuthor, CounterKey::kUserAuthor,
                                                 CounterKey::kUserTopic};

  const FeatureSet& set_;
  const CounterTable& counters_;
  EntityHandle user_;
  Micros as_of_;
  std::vector<Lanes> values_;  // per counter of the set
  std::vector<double> row_;
  std::array<std::vector<size_t>, kCounterKeyCount> of_key_;  // counters of each key, in the set's order
  std::array<std::array<const CounterRow*, kBlock>, kCounterKeyCount> rows_{};  // of the block's candidates
  std::array<std::array<Micros, kBlock>, kCounterKeyCount> last_{};             // of their last actions
};

}  // namespace

void ComputeFeatures(const FeatureSet& set, const CounterTable& counters, EntityHandle user, Micros as_of,
                     std::span<const CandidateInput> candidates, std::span<float> out) {
  Computation computation(set, counters, user, as_of);
  for (size_t done = 0; done < candidates.size(); done += kBlock) {
    const auto block = candidates.subspan(done, std::min(kBlock, candidates.size() - done));
    computation.Block(block, out.data() + done * set.features.size());
  }
}

}  // namespace feedmill::features
