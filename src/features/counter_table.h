// The one implementation of counters: a row of decayed sums per key, updated by actions in any order, read as of any later instant.
// Not synchronised: the owner (stream::LiveState, the nightly replay) says who may write.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "features/feature_set.h"

namespace feedmill::features {

// Dense handles given by the owner's interning (or dim_user / dim_post in the nightly).
using EntityHandle = uint32_t;
inline constexpr EntityHandle kNoEntity = 0xffffffff;

// One action as counters see it.
struct CountedAction {
  EntityHandle user = kNoEntity;
  EntityHandle post = kNoEntity;
  EntityHandle author = kNoEntity;
  EntityHandle topic = kNoEntity;
  Action action = Action::kImpression;
  float weight = 1;     // seconds for dwell
  Micros time = 0;
};

class CounterTable {
 public:
  explicit CounterTable(const FeatureSet& set);
  ~CounterTable();
  CounterTable(CounterTable&&) noexcept;
  CounterTable& operator=(CounterTable&&) noexcept;

  void Apply(const CountedAction& action);

  // Value of counter `index` (of FeatureSet::counters) for the key as of `time`; 0 for a key never seen. Pair keys give both handles.
  double Value(int index, EntityHandle first, EntityHandle second, Micros time) const;
  // All counters of `key`, in the set's order for that key, into `out`. False when the key was never seen.
  bool Row(CounterKey key, EntityHandle first, EntityHandle second, Micros time, std::span<double> out) const;
  // Time of the key's last action, 0 when never.
  Micros LastTime(CounterKey key, EntityHandle first, EntityHandle second) const;
  size_t RowCount(CounterKey key) const;
  uint64_t MemoryBytes() const;
  // Drops pair rows whose every counter has decayed below `floor` as of `time`.
  void Forget(Micros time, double floor);

  // Checkpoint form (part of docs/formats/stream-checkpoint.md).
  void Serialize(const std::function<void(std::string_view)>& sink) const;
  Status Deserialize(std::string_view bytes);

 private:
  struct Rows;
  std::unique_ptr<Rows> rows_;
};

}  // namespace feedmill::features
