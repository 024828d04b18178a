// Counters as of a cut with what they were made from, on disk between two nights: a folder counters-<day> with a file
// of what posts and authors have and one for each bucket of users, so that a run of any number of parts reads what it
// needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "features/counter_table.h"
#include "features/replay.h"
#include "io/file_system.h"

namespace feedmill::features {

// The users that one pass of a replay keeps: those whose handle leaves `part` when divided by `parts`, a power of two.
struct UserPart {
  int parts = 1;
  int part = 0;
  // Nobody belongs to the first part.
  bool Has(EntityHandle user) const {
    return user == kNoEntity ? part == 0 : user % static_cast<EntityHandle>(parts) == static_cast<EntityHandle>(part);
  }
};
inline constexpr int kUserBuckets = 16;  // files of a checkpoint
static_assert(kReplayPartsMax <= kUserBuckets);

// What the warehouse holds of one day: two runs over the same rows get the same.
struct DayDigest {
  int64_t day = 0;  // since epoch
  int64_t actions = 0;
  int64_t digest = 0;
  friend bool operator==(const DayDigest&, const DayDigest&) = default;
};

// Topics have no dense ids in the warehouse; handles are given in order of first sight in the actions, which every part
// of a replay sees alike.
class TopicNames {
 public:
  EntityHandle FindOrAdd(std::string_view name);
  EntityHandle Find(std::string_view name) const;  // kNoEntity when never seen
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

// Writes the part's users, and with the first part what posts and authors have, into counters-<cut's day>.new, which
// nobody loads before it is accepted.
Status WriteReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set, UserPart part,
                             const ReplayState& state, const std::vector<DayDigest>& days);
// The written ones take the place of all former ones: to be called when the samples that go with them are committed.
// A checkpoint says by being there that all samples before its cut are of its features.
Status AcceptReplayCheckpoints(io::FileSystem& files, const std::string& folder);
// Those that a run has left behind when it was stopped.
Status RemoveUnacceptedCheckpoints(io::FileSystem& files, const std::string& folder);

// A checkpoint that a run may begin with.
struct ReplayCheckpoint {
  std::string folder;  // "" = none: begin with nothing
  Micros cut = 0;
  uint64_t user_bytes = 0;  // size of what is kept of users
  uint64_t item_bytes = 0;  // and of posts and authors
};
// The newest checkpoint of these features with cut <= `until` whose days are the given ones before its cut. A broken
// one is told in the log and passed over.
Result<ReplayCheckpoint> FindReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set,
                                              Micros until, const std::vector<DayDigest>& days);
// What it holds of posts, authors and the part's users. The files have been checked by FindReplayCheckpoint.
Result<ReplayState> LoadReplayCheckpoint(io::FileSystem& files, const ReplayCheckpoint& checkpoint,
                                         const FeatureSet& set, UserPart part);

}  // namespace feedmill::features
