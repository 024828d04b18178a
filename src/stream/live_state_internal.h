// The insides of LiveState, shared by its files: reading, applying, fields, relations, checkpoints.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "stream/interner_internal.h"
#include "stream/live_state.h"
#include "stream/recent_ids_internal.h"
#include "stream/stream_event_internal.h"
#include "stream/user_states_internal.h"

namespace feedmill::stream {

inline constexpr size_t kLockedRecordsMax = 64;   // applied under one hold of the lock: about 0.1 ms
inline constexpr size_t kReadBetweenTrims = 256;  // when a checkpoint is read

struct LiveState::Parts {
  Parts(const features::FeatureSet& set, const LiveStateOptions& limits);

  const LiveStateOptions options;
  const domain::DomainPtr domain;

  // Readers hold `lock` shared. Who wants it passes `gate` first, so a writer that has waited too long can shut the
  // gate.
  mutable SharedMutex lock;
  mutable Mutex gate;
  mutable std::atomic<int> readers_waiting{0};

  // Taken after `lock` where both are held.
  mutable Mutex applied_lock;
  std::map<uint32_t, uint64_t> applied FEEDMILL_GUARDED_BY(applied_lock);  // next offset by partition
  mutable CondVar applied_changed;

  // Written by the applying thread alone, which may read them without the lock: it says so with AssertShared(), as does
  // who reads under a ReadGuard.
  // `memory` is that of most of what follows; a checkpoint being written holds it too.
  std::shared_ptr<features::BoundedMemory> memory FEEDMILL_GUARDED_BY(lock);
  Interner users FEEDMILL_GUARDED_BY(lock);
  Interner posts FEEDMILL_GUARDED_BY(lock);
  Interner topics FEEDMILL_GUARDED_BY(lock);
  std::vector<uint16_t> topic_buckets FEEDMILL_GUARDED_BY(lock);  // features::BucketOf, by handle
  Interner lists FEEDMILL_GUARDED_BY(lock);  // of texts: bytes of their handles behind their number
  std::unique_ptr<UserStates> user_states FEEDMILL_GUARDED_BY(lock);
  features::PagedArray<PostInfo> post_infos FEEDMILL_GUARDED_BY(lock);        // by handle
  features::PagedArray<FieldWords> post_fields FEEDMILL_GUARDED_BY(lock);     // likewise; empty when none is declared
  std::set<std::pair<Micros, EntityHandle>> fresh FEEDMILL_GUARDED_BY(lock);  // newest posts by time of creation
  // Of items whose creation did not come yet: by item and by who says so, its time.
  std::map<std::pair<EntityHandle, EntityHandle>, Micros> early_removals FEEDMILL_GUARDED_BY(lock);
  // Of the items that whoever watches over the app ever withdrew.
  struct Withdrawal {
    Micros changed_at = 0;
    bool stands = false;
  };
  std::unordered_map<EntityHandle, Withdrawal> withdrawals FEEDMILL_GUARDED_BY(lock);
  features::CounterTable counters FEEDMILL_GUARDED_BY(lock);
  RecentIds recent_ids FEEDMILL_GUARDED_BY(lock);
  std::map<uint32_t, PartitionTimes> times FEEDMILL_GUARDED_BY(lock);  // by partition
  uint64_t generation FEEDMILL_GUARDED_BY(lock) = 0;
  bool knows_history FEEDMILL_GUARDED_BY(lock) = true;
  // While it is not: what was applied since the checkpoint, which what is learned of the same instant does not undo.
  std::unordered_set<EntityHandle> made_since FEEDMILL_GUARDED_BY(lock);
  std::set<std::pair<EntityHandle, size_t>> told_since
      FEEDMILL_GUARDED_BY(lock);  // by user and field; kFieldsMax: topics
  std::set<std::tuple<size_t, EntityHandle, EntityHandle>> changed_since
      FEEDMILL_GUARDED_BY(lock);  // edges: relation, near end, far end
  std::unordered_set<EntityHandle> withdrawn_since FEEDMILL_GUARDED_BY(lock);

  // Applying thread only.
  std::map<uint32_t, ReceiptTimes> receipt_times;  // of records to come
  StreamEventReader reader;
  std::vector<StreamEvent> events;
  std::vector<features::CountedAction> coming;

  void LockForWriting() FEEDMILL_ACQUIRE(lock);
  // The event's time for all that is kept of it, and what its receipt says about the clock.
  void NoteTimes(StreamEvent* event) FEEDMILL_REQUIRES(lock);
  uint64_t AppliedBefore(LogPosition position) const;  // records of all partitions
  void Apply(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void ApplyPostCreate(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  // What the newest version of an item says.
  void TakeVersion(EntityHandle post, const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void TakeTopics(EntityHandle user, const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void LearnTold(EntityHandle user, const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void Learn(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void ApplyPostRemove(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void ApplyWithdrawal(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void LearnWithdrawal(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void WriteWithdrawals(BodyWriter* writer) const FEEDMILL_REQUIRES_SHARED(lock);
  std::string MeaningOfWithdrawals() const;
  Status ReadWithdrawals(BodyReader* body) FEEDMILL_REQUIRES(lock);
  void KeepEarlyRemoval(EntityHandle post, EntityHandle user, Micros time) FEEDMILL_REQUIRES(lock);
  // When this user took the item away before it was known, 0 for never; forgets what others said.
  Micros TakeEarlyRemoval(EntityHandle post, EntityHandle user) FEEDMILL_REQUIRES(lock);
  // Among the newest of its author and of all.
  void OfferAsNew(EntityHandle post) FEEDMILL_REQUIRES(lock);
  void WithdrawAsNew(EntityHandle post) FEEDMILL_REQUIRES(lock);
  void ApplyRelated(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void LearnRelated(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  Micros ChangedAt(size_t relation, EntityHandle near, EntityHandle far) const FEEDMILL_REQUIRES_SHARED(lock);
  void ChangeEdge(const StreamEvent::Edge& edge, EntityHandle near, EntityHandle far, Micros time)
      FEEDMILL_REQUIRES(lock);
  void ApplyIdentify(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  FieldWord WordOf(const StreamEvent::Said& said) FEEDMILL_REQUIRES(lock);
  EntityHandle InternValue(Interner* values, std::string_view text) FEEDMILL_REQUIRES(lock);
  void SetPostFields(EntityHandle post, const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void TellFields(EntityHandle user, const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void ApplyActed(const StreamEvent& event) FEEDMILL_REQUIRES(lock);
  void Remember(const domain::Action& action, const features::CountedAction& deed, EntityHandle target)
      FEEDMILL_REQUIRES(lock);
  const domain::Action& Of(features::Action action) const { return features::ActionOf(*domain, action); }
  void AddRecent(EntityHandle author, EntityHandle post) FEEDMILL_REQUIRES(lock);
  void RemoveRecent(EntityHandle author, EntityHandle post) FEEDMILL_REQUIRES(lock);
  EntityHandle InternUser(std::string_view id) FEEDMILL_REQUIRES(lock);  // kNoEntity for ""
  EntityHandle InternPost(std::string_view id) FEEDMILL_REQUIRES(lock);
  void Prefetch(std::span<StreamEvent> some);
  void MarkApplied(std::span<const Positioned> records);
  uint64_t FixedBytes() const FEEDMILL_REQUIRES_SHARED(lock);  // what is held beside `memory`
  bool IsOverBudget() const;
  void KeepBuckets() FEEDMILL_REQUIRES(lock);  // of topics that are new
  void Trim() FEEDMILL_REQUIRES(lock);         // what every change ends with

  Status WriteFile(io::FileSystem& files, const std::string& path,
                   const std::map<uint32_t, uint64_t>& next_offsets) const FEEDMILL_REQUIRES_SHARED(lock);
  Status Write(const std::map<uint32_t, uint64_t>& next_offsets, features::ColdReader* cold, BodyWriter* writer) const
      FEEDMILL_REQUIRES_SHARED(lock);
  Status Read(BodyReader* reader, int version) FEEDMILL_REQUIRES(lock);
  Status ReadFresh(BodyReader* body) FEEDMILL_REQUIRES(lock);
  Status ReadEarlyRemovals(BodyReader* body) FEEDMILL_REQUIRES(lock);
  Result<StoredActions> ReadActions(BodyReader* reader) const;
  StoredActions LegacyActions() const;
  int PlaceOf(std::string_view action) const;  // -1: the domain has none of that name
  Status ReadUsers(BodyReader* reader, const StoredNames& stored) FEEDMILL_REQUIRES(lock);
  HandleLimits Limits() const FEEDMILL_REQUIRES_SHARED(lock) {
    return {users.size(), posts.size(), topics.size(), lists.size()};
  }
  static void WriteFieldNames(const domain::ItemKind& kind, BodyWriter* writer);
  static Result<StoredFields> ReadFieldNames(const domain::ItemKind& kind, BodyReader* body);
  void WriteRelationNames(BodyWriter* writer) const;
  // Of a relation that the file does not know, the past is to be learned.
  Result<StoredRelations> ReadRelationNames(BodyReader* body) FEEDMILL_REQUIRES(lock);
  StoredRelations RelationsOfBefore() FEEDMILL_REQUIRES(lock);
  Status ReadPostFields(BodyReader* body, const StoredFields& stored) FEEDMILL_REQUIRES(lock);
  static Result<std::vector<std::string>> ReadNumbers(BodyReader* body);
  Status ReadPosts(BodyReader* reader, int version, const std::vector<std::string>& stored) FEEDMILL_REQUIRES(lock);
};

}  // namespace feedmill::stream
