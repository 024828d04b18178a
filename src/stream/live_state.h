// What the app knows right now: follows, hides, last actions, fresh posts and counters, kept by applying the log's
// tail. One thread applies; readers hold a ReadGuard, under which all they see is one state. Rebuilt from a checkpoint
// and the log, or from the lake.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "base/result.h"
#include "data/event.h"
#include "data/receipt_times.h"
#include "features/compute.h"
#include "features/counter_table.h"
#include "io/file_system.h"
#include "stream/field_word.h"
#include "stream/live_facts.h"
#include "stream/live_state_options.h"

namespace feedmill::stream {

class LiveState {
 public:
  LiveState(const features::FeatureSet& set, const LiveStateOptions& options);
  ~LiveState();

  // Applies records in their order; unknown names are ignored. Applying thread only. Each position once, rising in each
  // partition. Copies of one messageId among the last 500,000 to 1,000,000 events are applied once. The lock is taken
  // for a few dozen records at a time and readers that wait go first, so a long batch stops nobody.
  struct Positioned {
    LogPosition position;
    LogRecord record;
  };
  void ApplyBatch(std::span<const Positioned> records);
  void Apply(const LogRecord& record, LogPosition position);
  // Says that everything before `next` is applied, when the records between had nothing to apply.
  void SetApplied(uint32_t partition, uint64_t next);
  // Of records still to be applied: events before a step back count as received at its time. Applying thread only.
  void SetReceiptTimes(uint32_t partition, ReceiptTimes times);
  // False when the domain has numbers, fields or relations that the checkpoint has not. Under a ReadGuard.
  bool KnowsHistory() const;
  // Takes from what was applied before, in the order of the log, what it says of numbers, fields, topics and edges; it
  // counts as nothing else. When all was given, SetKnowsHistory. Applying thread only.
  void Learn(std::span<const Positioned> records);
  void SetKnowsHistory();
  // Takes the other's place in one moment, as when records were applied again under other times. Applying thread only.
  void Become(LiveState&& other);
  // For when they cannot be applied again: no counter counts anything later than `time` any more; what was counted
  // later counts as of then, and what those keys had before is lost. Applying thread only.
  void EndCountersAt(Micros time);

  // Under a ReadGuard, or on the applying thread.
  PartitionTimes TimesOf(uint32_t partition) const;
  // Changes when handles may have got other meanings (Become). Under a ReadGuard.
  uint64_t Generation() const;

  // While alive, the state does not change. Keep it short (one feed request): the applying thread waits. Never take a
  // second one on the same thread while holding the first.
  using ReadGuard = SharedMutex::ReadGuard;
  ReadGuard Read() const;

  // Under a ReadGuard, any thread:
  // The instant as of which a request at clock time `now` reads features: `now`, or just after the newest applied
  // action when that is later, so that every applied action is strictly earlier. Log it with the request.
  Micros AsOf(Micros now) const;
  EntityHandle FindUser(std::string_view id) const;  // kNoEntity when never seen; authors are users
  EntityHandle FindPost(std::string_view id) const;
  EntityHandle FindTopic(std::string_view name) const;
  std::string_view UserId(EntityHandle user) const;
  std::string_view PostId(EntityHandle post) const;
  std::string_view TopicName(EntityHandle topic) const;
  const PostInfo& Post(EntityHandle post) const;
  // When whoever watches over the app withdrew it; 0: it stands, or did not come in.
  Micros WithdrawnAt(EntityHandle post) const;
  bool IsGone(EntityHandle post) const;                              // removed or withdrawn: shown to nobody
  std::span<const EntityHandle> Followees(EntityHandle user) const;  // sorted by handle
  bool Follows(EntityHandle user, EntityHandle author) const;
  bool Seen(EntityHandle user, EntityHandle post) const;
  bool HiddenPost(EntityHandle user, EntityHandle post) const;
  bool HiddenAuthor(EntityHandle user, EntityHandle author) const;  // by an action, or by a relation that hides
  std::vector<LastAction> LastActions(EntityHandle user) const;     // newest first; all counted actions but impressions
  size_t ActionCount(EntityHandle user) const;                      // of LastActions
  // Fields that the domain declares, by their place in it.
  FieldWord PostField(EntityHandle post, size_t field) const;
  void PrefetchFields(EntityHandle post) const;
  FieldWord UserField(EntityHandle user, size_t field) const;
  std::vector<EntityHandle> TextsOf(FieldWord list) const;  // as topics
  // The buckets of the texts that features of the set are of; `candidate` has its post and topic.
  void FillBuckets(const features::FeatureSet& set, features::CandidateInput* candidate) const;
  bool ListHas(FieldWord list, EntityHandle text) const;
  std::span<const EntityHandle> ToldTopics(EntityHandle user) const;   // of the newest identify that has traits.topics
  std::vector<EntityHandle> RecentPostsOf(EntityHandle author) const;  // newest first
  EntityHandle NewestPostOf(EntityHandle author) const;                // kNoEntity when none is known
  std::vector<EntityHandle> FreshPosts(int count) const;               // newest first
  std::vector<EntityHandle> UserIds(size_t offset, size_t count) const;  // for the console's user picker, in no order
  const features::CounterTable& counters() const;
  size_t UserCount() const;
  size_t PostCount() const;

  // Where each partition's application stands (next offset to apply).
  uint64_t AppliedOffset(uint32_t partition) const;
  // The same of every partition that was applied from. Under a ReadGuard: what made the very state that is read.
  std::map<uint32_t, uint64_t> AppliedOffsets() const;
  uint64_t AppliedRecords() const;  // of all partitions
  // Waits until the record at `position` has been applied or the deadline ends. Any thread, no guard held.
  bool WaitApplied(LogPosition position, Deadline deadline) const;

  const LiveStateOptions& options() const;
  const domain::DomainPtr& domain() const;  // whose actions it counts
  uint64_t MemoryBytes() const;
  uint64_t ColdBytes() const;  // in files
  // Gives memory up that readers brought back, as ApplyBatch does. Applying thread only.
  void TrimMemory();

  // Writes the state as of one log position, atomically (docs/formats/stream-checkpoint.md). Holds a read lock while
  // the bytes go to the page cache: applying waits, and so do new readers once the applying thread has run out of
  // patience.
  Status WriteCheckpoint(io::FileSystem& files, const std::string& path) const;
  // The same from a copy of this process, so that applying and reading go on meanwhile. Only with files of the
  // operating system.
  Status WriteCheckpointInCopy(io::FileSystem& files, const std::string& path) const;
  // Into a state that nothing was applied to. kCorrupt: broken bytes; kInvalidArgument: of other counters. After an
  // error the state must be thrown away.
  Status LoadCheckpoint(io::FileSystem& files, const std::string& path);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace feedmill::stream
