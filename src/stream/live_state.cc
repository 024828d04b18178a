#include "stream/live_state.h"

#include <algorithm>
#include <limits>

#include <unistd.h>

#include "stream/live_state_internal.h"

namespace feedmill::stream {

namespace {

// Of this process and this state alone: others may be at work beside.
std::string OwnFolder(const std::string& folder) {
  static std::atomic<uint64_t> made{0};
  return fmt::format("{}/{}-{}", folder, getpid(), made.fetch_add(1));
}

}  // namespace

LiveState::Parts::Parts(const features::FeatureSet& set, const LiveStateOptions& limits)
    : options(limits),
      domain(set.domain),
      memory(std::make_shared<features::BoundedMemory>(io::PosixFileSystem(), OwnFolder(limits.cold_folder),
                                                       limits.cold_folder.empty() ? 0 : limits.memory_bytes_max)),
      users(memory.get()),
      posts(memory.get()),
      topics(memory.get()),
      lists(memory.get()),
      user_states(std::make_unique<UserStates>(memory.get(), limits)),
      post_infos(memory.get()),
      post_fields(memory.get()),
      counters(set, memory.get()),
      reader(set.domain) {}

LiveState::LiveState(const features::FeatureSet& set, const LiveStateOptions& options)
    : parts_(std::make_unique<Parts>(set, options)) {}
LiveState::~LiveState() = default;

LiveState::ReadGuard LiveState::Read() const {
  parts_->readers_waiting.fetch_add(1, std::memory_order_relaxed);
  MutexLock gate(parts_->gate);
  ReadGuard guard = parts_->lock.LockShared();
  gate.Unlock();
  parts_->readers_waiting.fetch_sub(1, std::memory_order_relaxed);
  return guard;
}

Micros LiveState::AsOf(Micros now) const {
  parts_->lock.AssertShared();
  return std::max(now, parts_->counters.NewestTime() + 1);
}

EntityHandle LiveState::FindUser(std::string_view id) const {
  parts_->lock.AssertShared();
  return parts_->users.Find(id);
}
EntityHandle LiveState::FindPost(std::string_view id) const {
  parts_->lock.AssertShared();
  return parts_->posts.Find(id);
}
EntityHandle LiveState::FindTopic(std::string_view name) const {
  parts_->lock.AssertShared();
  return parts_->topics.Find(name);
}
std::string_view LiveState::UserId(EntityHandle user) const {
  parts_->lock.AssertShared();
  return parts_->users.Text(user);
}
std::string_view LiveState::PostId(EntityHandle post) const {
  parts_->lock.AssertShared();
  return parts_->posts.Text(post);
}
std::string_view LiveState::TopicName(EntityHandle topic) const {
  parts_->lock.AssertShared();
  return parts_->topics.Text(topic);
}

const PostInfo& LiveState::Post(EntityHandle post) const {
  parts_->lock.AssertShared();
  static const PostInfo kUnknown;
  return post < parts_->post_infos.size() ? parts_->post_infos[post] : kUnknown;
}

Micros LiveState::WithdrawnAt(EntityHandle post) const {
  parts_->lock.AssertShared();
  if (parts_->withdrawals.empty()) return 0;
  const auto found = parts_->withdrawals.find(post);
  return found == parts_->withdrawals.end() || !found->second.stands ? 0 : found->second.changed_at;
}
bool LiveState::IsGone(EntityHandle post) const { return Post(post).removed_at != 0 || WithdrawnAt(post) != 0; }

std::span<const EntityHandle> LiveState::Followees(EntityHandle user) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).follows.ends();
}
bool LiveState::Follows(EntityHandle user, EntityHandle author) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).follows.Has(author);
}
bool LiveState::Seen(EntityHandle user, EntityHandle post) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).seen.Contains(post);
}
bool LiveState::HiddenPost(EntityHandle user, EntityHandle post) const {
  parts_->lock.AssertShared();
  return std::ranges::binary_search(parts_->user_states->Of(user).hidden_posts, post);
}
bool LiveState::HiddenAuthor(EntityHandle user, EntityHandle author) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).HidesAuthor(author);
}
std::vector<LastAction> LiveState::LastActions(EntityHandle user) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).actions.NewestFirst();
}

size_t LiveState::ActionCount(EntityHandle user) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).actions.size();
}

std::span<const EntityHandle> LiveState::ToldTopics(EntityHandle user) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).told_topics;
}

std::vector<EntityHandle> LiveState::RecentPostsOf(EntityHandle author) const {
  parts_->lock.AssertShared();
  const auto& recent = parts_->user_states->Of(author).recent_posts;
  return {recent.rbegin(), recent.rend()};
}

EntityHandle LiveState::NewestPostOf(EntityHandle author) const {
  parts_->lock.AssertShared();
  const auto& recent = parts_->user_states->Of(author).recent_posts;
  return recent.empty() ? kNoEntity : recent.back();
}

std::vector<EntityHandle> LiveState::FreshPosts(int count) const {
  parts_->lock.AssertShared();
  std::vector<EntityHandle> posts;
  for (auto entry = parts_->fresh.rbegin(); entry != parts_->fresh.rend() && static_cast<int>(posts.size()) < count;
       ++entry) {
    posts.push_back(entry->second);
  }
  return posts;
}

std::vector<EntityHandle> LiveState::UserIds(size_t offset, size_t count) const {
  parts_->lock.AssertShared();
  std::vector<EntityHandle> users;
  for (size_t user = offset; user < parts_->users.size() && users.size() < count; ++user)
    users.push_back(static_cast<EntityHandle>(user));
  return users;
}

const LiveStateOptions& LiveState::options() const { return parts_->options; }
const domain::DomainPtr& LiveState::domain() const { return parts_->domain; }
const features::CounterTable& LiveState::counters() const {
  const features::CounterTable* counters = &parts_->counters;  // read under the caller's guard, not here
  return *counters;
}
size_t LiveState::UserCount() const {
  parts_->lock.AssertShared();
  return parts_->users.size();
}
size_t LiveState::PostCount() const {
  parts_->lock.AssertShared();
  return parts_->posts.size();
}

uint64_t LiveState::AppliedRecords() const {
  const MutexLock guard(parts_->applied_lock);
  uint64_t records = 0;
  for (const auto& [partition, next] : parts_->applied) records += next;
  return records;
}

uint64_t LiveState::AppliedOffset(uint32_t partition) const {
  const MutexLock guard(parts_->applied_lock);
  const auto found = parts_->applied.find(partition);
  return found == parts_->applied.end() ? 0 : found->second;
}

std::map<uint32_t, uint64_t> LiveState::AppliedOffsets() const {
  const MutexLock guard(parts_->applied_lock);
  return parts_->applied;
}

PartitionTimes LiveState::TimesOf(uint32_t partition) const {
  parts_->lock.AssertShared();
  const auto found = parts_->times.find(partition);
  return found == parts_->times.end() ? PartitionTimes() : found->second;
}

uint64_t LiveState::Generation() const {
  parts_->lock.AssertShared();
  return parts_->generation;
}

bool LiveState::WaitApplied(LogPosition position, Deadline deadline) const {
  constexpr Micros kWaitMax = kMicrosPerDay;  // keeps the end of the wait inside the clock's range
  const auto is_applied = [&]() FEEDMILL_REQUIRES(parts_->applied_lock) {
    const auto found = parts_->applied.find(position.partition);
    return found != parts_->applied.end() && found->second > position.offset;
  };
  MutexLock guard(parts_->applied_lock);
  return parts_->applied_changed.WaitFor(parts_->applied_lock, std::min(deadline.Left(), kWaitMax), is_applied);
}

uint64_t LiveState::Parts::FixedBytes() const {
  constexpr uint64_t kFreshBytes = 64;       // a node of the tree
  constexpr uint64_t kWithdrawalBytes = 48;  // likewise
  return users.MemoryBytes() + posts.MemoryBytes() + topics.MemoryBytes() + lists.MemoryBytes() +
         user_states->MemoryBytes() + post_infos.MemoryBytes() + post_fields.MemoryBytes() + counters.MemoryBytes() +
         topic_buckets.capacity() * sizeof(uint16_t) + recent_ids.MemoryBytes() + fresh.size() * kFreshBytes +
         withdrawals.size() * kWithdrawalBytes;
}

bool LiveState::Parts::IsOverBudget() const {
  lock.AssertShared();
  return memory->IsOver(FixedBytes());
}

void LiveState::Parts::Trim() {
  KeepBuckets();
  user_states->Account();
  if (memory->budget() != 0) memory->Trim(FixedBytes());
}

uint64_t LiveState::MemoryBytes() const {
  parts_->lock.AssertShared();
  return parts_->memory->held() + parts_->FixedBytes();
}
uint64_t LiveState::ColdBytes() const {
  parts_->lock.AssertShared();
  return parts_->memory->cold_bytes();
}

}  // namespace feedmill::stream
