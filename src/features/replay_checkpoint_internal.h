// Counters as of a cut with what they were made from, on disk between two nights.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "features/counter_table.h"
#include "io/file_system.h"

namespace feedmill::features {

// What the warehouse holds of one day: two runs over the same rows get the same.
struct DayDigest {
  int64_t day = 0;  // since epoch
  int64_t actions = 0;
  int64_t digest = 0;
  friend bool operator==(const DayDigest&, const DayDigest&) = default;
};

// Topics have no dense ids in the warehouse; handles are given in order of first sight.
class TopicNames {
 public:
  EntityHandle FindOrAdd(std::string_view name);
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, EntityHandle> handles_;
};

struct ReplayState {
  explicit ReplayState(const FeatureSet& set) : counters(set) {}
  CounterTable counters;
  TopicNames topics;
  Micros cut = 0;  // actions strictly earlier are in; 0: none
};

// Writes counters-<cut's day>.ckpt.new, which nobody loads before it is accepted.
Status WriteReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set,
                             const ReplayState& state, const std::vector<DayDigest>& days);
// The written ones take the place of all former ones: to be called when the samples that go with them are committed.
// A checkpoint says by being there that all samples before its cut are of its features.
Status AcceptReplayCheckpoints(io::FileSystem& files, const std::string& folder);
// Those that a run has left behind when it was stopped.
Status RemoveUnacceptedCheckpoints(io::FileSystem& files, const std::string& folder);

// The newest checkpoint of these features with cut <= `until` whose days are the given ones before its cut; else an
// empty state. A broken checkpoint is told in the log and passed over.
Result<ReplayState> LoadReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set,
                                         Micros until, const std::vector<DayDigest>& days);

}  // namespace feedmill::features
