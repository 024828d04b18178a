// The insides of LiveState, shared by its three files: reading, applying, checkpoints.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "stream/interner_internal.h"
#include "stream/live_state.h"
#include "stream/recent_ids_internal.h"
#include "stream/stream_event_internal.h"
#include "stream/user_states_internal.h"

namespace feedmill::stream {

struct LiveState::Parts {
  Parts(const features::FeatureSet& set, const LiveStateOptions& limits);

  const LiveStateOptions options;

  // Guarded by `lock`: written by the applying thread under the exclusive side.
  std::shared_ptr<features::BoundedMemory> memory;  // of most of what follows; a checkpoint being written holds it too
  Interner users;
  Interner posts;
  Interner topics;
  std::unique_ptr<UserStates> user_states;
  features::PagedArray<PostInfo> post_infos;        // by handle
  std::set<std::pair<Micros, EntityHandle>> fresh;  // newest posts by time of creation
  features::CounterTable counters;
  RecentIds recent_ids;
  std::map<uint32_t, PartitionTimes> times;        // by partition
  std::map<uint32_t, ReceiptTimes> receipt_times;  // of records to come
  uint64_t generation = 0;

  // Readers hold `lock` shared. Who wants it passes `gate` first, so a writer that has waited too long can shut the
  // gate.
  mutable std::shared_mutex lock;
  mutable std::mutex gate;
  mutable std::atomic<int> readers_waiting{0};

  // Next offset by partition; guarded by `applied_lock`, taken after `lock` where both are held.
  std::map<uint32_t, uint64_t> applied;
  mutable std::mutex applied_lock;
  mutable std::condition_variable applied_changed;

  // Applying thread only.
  StreamEventReader reader;
  std::vector<StreamEvent> events;

  void LockForWriting();
  // The event's time for all that is kept of it, and what its receipt says about the clock.
  void NoteTimes(StreamEvent* event);
  uint64_t AppliedBefore(LogPosition position) const;  // records of all partitions
  void Apply(const StreamEvent& event);
  void ApplyPostCreate(const StreamEvent& event);
  void ApplyFollow(const StreamEvent& event);
  void ApplyIdentify(const StreamEvent& event);
  void ApplyCounted(const StreamEvent& event);
  void AddRecent(EntityHandle author, EntityHandle post);
  void RemoveRecent(EntityHandle author, EntityHandle post);
  EntityHandle InternUser(std::string_view id);  // kNoEntity for ""
  EntityHandle InternPost(std::string_view id);
  void Prefetch(const StreamEvent& event) const;
  void MarkApplied(std::span<const Positioned> records);
  uint64_t FixedBytes() const;  // what is held beside `memory`
  void Trim();

  // Without locks: the caller holds `lock` shared, or is alone.
  Status WriteFile(io::FileSystem& files, const std::string& path,
                   const std::map<uint32_t, uint64_t>& next_offsets) const;
  Status Write(const std::map<uint32_t, uint64_t>& next_offsets, features::ColdReader* cold, BodyWriter* writer) const;
  Status Read(BodyReader* reader, bool has_times);
  Status ReadUsers(BodyReader* reader);
  Status ReadPosts(BodyReader* reader);
};

}  // namespace feedmill::stream
