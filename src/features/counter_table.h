// The one implementation of counters: a row of decayed sums per key, updated by actions in any order, read as of any
// later instant. Not synchronised: the owner (stream::LiveState, the nightly replay) says who may write.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "features/bounded_memory.h"
#include "features/feature_set.h"

namespace feedmill::features {

struct CounterRow;

// Dense handles given by the owner's interning (or dim_user / dim_post in the nightly).
using EntityHandle = uint32_t;
inline constexpr EntityHandle kNoEntity = 0xffffffff;

// One action as counters see it.
struct CountedAction {
  EntityHandle user = kNoEntity;
  EntityHandle post = kNoEntity;
  EntityHandle author = kNoEntity;
  EntityHandle topic = kNoEntity;
  Action action{};
  float weight = 1;  // domain::Action::Weight
  Micros time = 0;
};

// What "as of" means here. value(t) = sum over applied actions e with e.time < t of weight(e) * 2^(-(t - e.time) /
// half-life). Order of application does not matter but for rounding (1e-14 relative): an action older than the newest
// one counts fully. Reads are for instants later than every applied action: at `time` <= NewestTime() the answer is the
// one for NewestTime() + 1 us. So strictly-earlier is a discipline of the owner, and the same one everywhere:
// - the replay reads all impressions of one instant before it applies any action of that instant;
// - serving reads as of max(clock, NewestTime() + 1) (LiveState::AsOf) and logs that instant with the request.
//
// A pair (user and author, user and topic) whose last action is more than FeatureSet::pair_memory_days before the
// instant asked for reads as one never seen, and an action after such a pause starts it anew. So whether its row is
// still in memory shows nowhere, and Deserialize leaves it out: pairs are as many as that time makes, not as ever were.
class CounterTable {
 public:
  // Rows are in `memory`, which outlives the table, or, when it is null, in memory for good.
  explicit CounterTable(const FeatureSet& set, BoundedMemory* memory = nullptr);
  ~CounterTable();
  CounterTable(CounterTable&&) noexcept;
  CounterTable& operator=(CounterTable&&) noexcept;

  void Apply(const CountedAction& action);
  // Bring the memory that Apply of this action will touch nearer, for many actions: first where their rows are to be
  // found, then the rows.
  void PrefetchKeys(const CountedAction& action) const;
  void PrefetchRows(const CountedAction& action) const;
  // Time of the newest applied action, 0 before the first.
  Micros NewestTime() const;
  // Nothing counts as later than `time` any more: rows with a later action end there, whole as they are. Loses what was
  // in them before; for when the actions cannot be applied again.
  void EndAt(Micros time);

  // Value of counter `index` (of FeatureSet::counters) for the key as of `time`; 0 for a key never seen. Pair keys give
  // both handles, others kNoEntity as `second`.
  double Value(int index, EntityHandle first, EntityHandle second, Micros time) const;
  // All counters of `key`, in the set's order for that key, into `out`. False, and zeros, when the key was never seen.
  bool Row(CounterKey key, EntityHandle first, EntityHandle second, Micros time, std::span<double> out) const;
  // Time of the key's last action, 0 when never.
  Micros LastTime(CounterKey key, EntityHandle first, EntityHandle second, Micros time) const;
  size_t RowCount(CounterKey key) const;
  // What a table that counts the same is made from: counters and memory of pairs, no features.
  FeatureSet Definitions() const;
  uint64_t MemoryBytes() const;  // in a BoundedMemory: what it does not count

  // Reading many keys: prefetch the keys, find the rows, prefetch the rows, read them. A row is null when never seen,
  // and good until something is applied or its memory is trimmed.
  void PrefetchKey(CounterKey key, EntityHandle first, EntityHandle second) const;
  const CounterRow* FindRow(CounterKey key, EntityHandle first, EntityHandle second) const;
  void PrefetchRow(CounterKey key, const CounterRow* row) const;
  // As Row, and gives the time of the key's last action, 0 when never.
  Micros ReadRow(CounterKey key, const CounterRow* row, Micros time, std::span<double> out) const;

  // Checkpoint form (docs/formats/stream-checkpoint.md): definitions, then rows. Deserialize needs an empty table of
  // the same set and leaves out pairs that are forgotten, with a week to spare for events that come late; kCorrupt when
  // the bytes are cut or contradict themselves, kInvalidArgument when they are of other counters.
  // `reader` reads what is cold; null when nothing is.
  Status Serialize(const std::function<void(std::string_view)>& sink, ColdReader* reader = nullptr) const;
  Status Deserialize(std::string_view bytes);

  // The same form in several pieces: each row goes to the sink that `place_of` names by the row's kind and first
  // handle; each piece is the form of its rows. Rows of an empty sink are left out.
  using Sink = std::function<void(std::string_view)>;
  void SerializeParts(std::span<const Sink> sinks,
                      const std::function<size_t(CounterKey key, EntityHandle first)>& place_of) const;
  // Adds the rows of one form that `wanted` holds for to those that are here already. Errors as Deserialize's.
  Status Merge(std::string_view bytes, const std::function<bool(CounterKey key, EntityHandle first)>& wanted);

 private:
  struct Rows;
  std::unique_ptr<Rows> rows_;
};

}  // namespace feedmill::features
