// What the app knows right now: follows, hides, last actions, fresh posts and counters, kept by applying the log's tail.
// One thread applies; readers hold a ReadGuard, under which all they see is one state. Rebuilt from a checkpoint and the log, or from the lake.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/result.h"
#include "data/event.h"
#include "features/counter_table.h"

namespace feedmill::stream {

using features::EntityHandle;
using features::kNoEntity;

struct LiveStateOptions {
  int last_actions_max = 64;         // per user
  int seen_max = 5000;               // per user, newest kept
  int recent_posts_per_author_max = 64;
  int fresh_posts_max = 20'000;      // newest posts overall
};

struct PostInfo {
  EntityHandle author = kNoEntity;
  EntityHandle topic = kNoEntity;
  Micros created_at = 0;             // 0: only heard of through actions
  float text_length = 0;
};

struct LastAction {
  EntityHandle post = kNoEntity;
  EntityHandle author = kNoEntity;
  features::Action action = features::Action::kClick;
  Micros time = 0;
};

class LiveState {
 public:
  LiveState(const features::FeatureSet& set, const LiveStateOptions& options);
  ~LiveState();

  // Applies one record; unknown names are ignored. Applying thread only. Idempotence is the caller's: each position once.
  void Apply(const LogRecord& record, LogPosition position);

  // While alive, the state does not change. Keep it short (one feed request): the applying thread waits.
  using ReadGuard = std::shared_lock<std::shared_mutex>;
  ReadGuard Read() const;

  // Under a ReadGuard, any thread:
  EntityHandle FindUser(std::string_view id) const;     // kNoEntity when never seen; authors are users
  EntityHandle FindPost(std::string_view id) const;
  std::string_view UserId(EntityHandle user) const;
  std::string_view PostId(EntityHandle post) const;
  std::string_view TopicName(EntityHandle topic) const;
  const PostInfo& Post(EntityHandle post) const;
  std::span<const EntityHandle> Followees(EntityHandle user) const;   // sorted by handle
  bool Follows(EntityHandle user, EntityHandle author) const;
  bool Seen(EntityHandle user, EntityHandle post) const;
  bool HiddenPost(EntityHandle user, EntityHandle post) const;
  bool HiddenAuthor(EntityHandle user, EntityHandle author) const;
  std::vector<LastAction> LastActions(EntityHandle user) const;        // newest first
  std::vector<EntityHandle> RecentPostsOf(EntityHandle author) const;  // newest first
  std::vector<EntityHandle> FreshPosts(int count) const;               // newest first
  std::vector<EntityHandle> UserIds(size_t offset, size_t count) const; // for the console's user picker: most active first is not promised
  const features::CounterTable& counters() const;
  size_t UserCount() const;
  size_t PostCount() const;

  // Where each partition's application stands (next offset to apply).
  uint64_t AppliedOffset(uint32_t partition) const;
  // Waits until the record at `position` has been applied or the deadline ends. Any thread, no guard held.
  bool WaitApplied(LogPosition position, Deadline deadline) const;

  Status WriteCheckpoint(const std::string& path) const;
  Status LoadCheckpoint(const std::string& path);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace feedmill::stream
