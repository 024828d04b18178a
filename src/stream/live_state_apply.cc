#include <algorithm>
#include <chrono>
#include <thread>

#include "stream/live_state_internal.h"

namespace feedmill::stream {
namespace {

constexpr Micros kGiveWayMax = 2 * kMicrosPerMilli;   // to readers that wait, before the next hold
constexpr Micros kPatienceMax = 5 * kMicrosPerMilli;  // for readers to leave, before the gate is shut
constexpr Micros kGapMin = kMicrosPerHour;            // a shorter pause between two receipts is nothing
constexpr Micros kGapKept = 7 * kMicrosPerDay;        // of receipts behind a gap
constexpr auto kPause = std::chrono::microseconds(20);

}  // namespace

// Readers overlap, so a writer that only asked for the lock might wait for ever; one that took it at every chance would
// let nobody in.
void LiveState::Parts::LockForWriting() {
  const Micros asked = MonotonicMicros();
  while (readers_waiting.load(std::memory_order_relaxed) > 0 && MonotonicMicros() - asked < kGiveWayMax)
    std::this_thread::sleep_for(kPause);
  while (MonotonicMicros() - asked < kPatienceMax) {
    if (lock.TryLock()) return;
    std::this_thread::sleep_for(kPause);
  }
  const MutexLock shut(gate);
  lock.Lock();
}

void LiveState::ApplyBatch(std::span<const Positioned> records) {
  for (size_t done = 0; done < records.size(); done += kLockedRecordsMax) {
    const auto some = records.subspan(done, std::min(kLockedRecordsMax, records.size() - done));
    parts_->events.resize(kLockedRecordsMax);
    for (size_t i = 0; i < some.size(); ++i) parts_->reader.Read(some[i].record, some[i].position, &parts_->events[i]);
    parts_->Prefetch(std::span(parts_->events).first(some.size()));
    parts_->LockForWriting();
    for (size_t i = 0; i < some.size(); ++i) {
      parts_->NoteTimes(&parts_->events[i]);
      parts_->Apply(parts_->events[i]);
    }
    parts_->Trim();
    parts_->MarkApplied(some);  // under the lock: a checkpoint holds a state and the offsets that made it
    parts_->lock.Unlock();
    parts_->applied_changed.NotifyAll();
  }
}

void LiveState::Apply(const LogRecord& record, LogPosition position) {
  const Positioned one{position, record};
  ApplyBatch({&one, 1});
}

void LiveState::SetApplied(uint32_t partition, uint64_t next) {
  const MutexLock guard(parts_->applied_lock);
  uint64_t& offset = parts_->applied[partition];
  offset = std::max(offset, next);
  parts_->applied_changed.NotifyAll();
}

uint64_t LiveState::Parts::AppliedBefore(LogPosition position) const {
  const MutexLock guard(applied_lock);
  uint64_t records = position.offset;
  for (const auto& [partition, next] : applied) records += partition == position.partition ? 0 : next;
  return records;
}

void LiveState::SetReceiptTimes(uint32_t partition, ReceiptTimes times) {
  parts_->receipt_times[partition] = std::move(times);
}

void LiveState::Parts::NoteTimes(StreamEvent* event) {
  PartitionTimes& of = times[event->position.partition];
  if (const auto known = receipt_times.find(event->position.partition); known != receipt_times.end()) {
    event->time = known->second.Clamp(event->position.offset, event->time);
    event->received = known->second.Clamp(event->position.offset, event->received);
  }
  if (event->kind != StreamEvent::Kind::kIgnored) of.newest_event = std::max(of.newest_event, event->time);
  if (event->received == 0) return;
  const Micros pause = of.newest_receipt == 0 ? 0 : event->received - of.newest_receipt;
  if (pause < -kReceiptSkewMax) {  // a step back that needed no healing
    of.newest_receipt = event->received;
    of.newest_event = std::min(of.newest_event, event->received);
    return;
  }
  const bool is_old = of.newest_receipt - of.gap_end > kGapKept;
  if (pause > kGapMin && (is_old || pause >= of.gap_end - of.gap_begin)) {
    of.gap_begin = of.newest_receipt;
    of.gap_end = event->received;
    of.gap_at = AppliedBefore(event->position);
  }
  of.newest_receipt = std::max(of.newest_receipt, event->received);
}

void LiveState::Become(LiveState&& other) {
  Parts& from = *other.parts_;
  parts_->LockForWriting();
  from.lock.Lock();
  std::swap(parts_->memory, from.memory);
  std::swap(parts_->users, from.users);
  std::swap(parts_->posts, from.posts);
  std::swap(parts_->topics, from.topics);
  std::swap(parts_->topic_buckets, from.topic_buckets);
  std::swap(parts_->lists, from.lists);
  std::swap(parts_->user_states, from.user_states);
  std::swap(parts_->post_infos, from.post_infos);
  std::swap(parts_->post_fields, from.post_fields);
  std::swap(parts_->fresh, from.fresh);
  std::swap(parts_->early_removals, from.early_removals);
  std::swap(parts_->withdrawals, from.withdrawals);
  std::swap(parts_->counters, from.counters);
  std::swap(parts_->recent_ids, from.recent_ids);
  std::swap(parts_->times, from.times);
  std::swap(parts_->receipt_times, from.receipt_times);
  std::swap(parts_->knows_history, from.knows_history);
  std::swap(parts_->made_since, from.made_since);
  std::swap(parts_->told_since, from.told_since);
  std::swap(parts_->changed_since, from.changed_since);
  std::swap(parts_->withdrawn_since, from.withdrawn_since);
  ++parts_->generation;
  {
    const MutexLock guard(parts_->applied_lock);
    const MutexLock other_guard(from.applied_lock);
    std::swap(parts_->applied, from.applied);
  }
  from.lock.Unlock();
  parts_->lock.Unlock();
  parts_->applied_changed.NotifyAll();
}

void LiveState::TrimMemory() {
  if (!parts_->IsOverBudget()) return;
  parts_->LockForWriting();
  parts_->Trim();
  parts_->lock.Unlock();
}

void LiveState::EndCountersAt(Micros time) {
  parts_->LockForWriting();
  parts_->counters.EndAt(time);
  for (auto& [partition, times] : parts_->times) times.newest_event = std::min(times.newest_event, time);
  parts_->lock.Unlock();
}

void LiveState::Parts::MarkApplied(std::span<const Positioned> records) {
  const MutexLock guard(applied_lock);
  for (const Positioned& record : records) {
    uint64_t& next = applied[record.position.partition];
    next = std::max(next, record.position.offset + 1);
  }
}

// Four passes, as each looks up where the next one's memory is; within a pass nothing waits for anything.
void LiveState::Parts::Prefetch(std::span<StreamEvent> some) {
  lock.AssertShared();
  for (StreamEvent& event : some) {
    if (event.kind == StreamEvent::Kind::kIgnored) continue;
    recent_ids.Prefetch(event.id_hash);
    users.Prefetch(event.user_id);
    posts.Prefetch(event.post_id);
  }
  coming.clear();
  for (StreamEvent& event : some) {
    if (event.kind != StreamEvent::Kind::kActed) continue;
    features::CountedAction& next = coming.emplace_back();
    next.user = event.user = users.Find(event.user_id);
    next.post = event.post = posts.Find(event.post_id);
    if (next.user != kNoEntity) user_states->Prefetch(next.user);
    if (next.post != kNoEntity) post_infos.Prefetch(next.post);
  }
  for (features::CountedAction& next : coming) {
    if (next.post != kNoEntity) {
      next.author = post_infos[next.post].author;
      next.topic = post_infos[next.post].topic;
    }
    counters.PrefetchKeys(next);
    if (next.user != kNoEntity) user_states->PrefetchActed(next.user, next.post);
  }
  for (const features::CountedAction& next : coming) counters.PrefetchRows(next);
}

EntityHandle LiveState::Parts::InternUser(std::string_view id) {
  if (id.empty()) return kNoEntity;
  const EntityHandle user = users.FindOrAdd(id);
  user_states->Resize(users.size());
  return user;
}

EntityHandle LiveState::Parts::InternPost(std::string_view id) {
  if (id.empty()) return kNoEntity;
  const EntityHandle post = posts.FindOrAdd(id);
  while (post_infos.size() < posts.size()) post_infos.Add(PostInfo());
  if (!domain->Shown().fields.empty()) post_fields.Resize(posts.size());
  return post;
}

void LiveState::Parts::Apply(const StreamEvent& event) {
  using Kind = StreamEvent::Kind;
  if (event.kind == Kind::kIgnored || !recent_ids.Add(event.id_hash)) return;
  switch (event.kind) {
    case Kind::kIgnored:
      return;
    case Kind::kPostCreate:
      return ApplyPostCreate(event);
    case Kind::kPostRemove:
      return ApplyPostRemove(event);
    case Kind::kPostWithdraw:
    case Kind::kPostRestore:
      return ApplyWithdrawal(event);
    case Kind::kRelated:
      return ApplyRelated(event);
    case Kind::kIdentify:
      return ApplyIdentify(event);
    case Kind::kActed:
      return ApplyActed(event);
  }
}

// A post may be created again by its author: that is a new version. The time of creation is of the earliest, the rest
// of the latest. What others say of it changes nothing.
void LiveState::Parts::ApplyPostCreate(const StreamEvent& event) {
  const EntityHandle author = InternUser(event.user_id);
  const EntityHandle post = InternPost(event.post_id);
  if (author == kNoEntity || post == kNoEntity) return;
  PostInfo& info = post_infos.Mutable(post);
  const bool is_known = info.created_at != 0;
  if (is_known && info.author != author) return;
  if (is_known && info.removed_at == 0) WithdrawAsNew(post);
  if (!is_known) {
    info.author = author;
    info.removed_at = TakeEarlyRemoval(post, author);
  }
  if (event.time >= info.removed_at) info.removed_at = 0;  // it is back; of one instant, what came later counts
  if (!knows_history && event.time >= info.version_at) made_since.insert(post);
  TakeVersion(post, event);
  if (!is_known || event.time < info.created_at) info.created_at = event.time;
  if (info.removed_at == 0) OfferAsNew(post);
}

void LiveState::Parts::TakeVersion(EntityHandle post, const StreamEvent& event) {
  PostInfo& info = post_infos.Mutable(post);
  if (event.time < info.version_at) return;
  info.topic = event.topic.empty() ? kNoEntity : topics.FindOrAdd(event.topic);
  info.numbers = event.numbers;
  info.version_at = event.time;
  SetPostFields(post, event);
}

// Nobody but its author takes a post away.
void LiveState::Parts::ApplyPostRemove(const StreamEvent& event) {
  const EntityHandle user = InternUser(event.user_id);
  const EntityHandle post = InternPost(event.post_id);
  if (user == kNoEntity || post == kNoEntity) return;
  if (post_infos[post].created_at == 0) return KeepEarlyRemoval(post, user, event.time);
  PostInfo& info = post_infos.Mutable(post);
  if (info.author != user || event.time < info.version_at) return;  // what it took away was made again since
  if (info.removed_at == 0) WithdrawAsNew(post);
  info.removed_at = std::max(info.removed_at, event.time);
}

// The newest counts, whether the post is known or not; its author cannot change it.
void LiveState::Parts::ApplyWithdrawal(const StreamEvent& event) {
  const EntityHandle post = InternPost(event.post_id);
  if (post == kNoEntity) return;
  Withdrawal& withdrawal = withdrawals[post];
  if (event.time < withdrawal.changed_at) return;
  if (!knows_history) withdrawn_since.insert(post);
  withdrawal = {event.time, event.kind == StreamEvent::Kind::kPostWithdraw};
}

void LiveState::Parts::KeepEarlyRemoval(EntityHandle post, EntityHandle user, Micros time) {
  Micros& kept = early_removals[{post, user}];
  kept = std::max(kept, time);
  if (early_removals.size() > options.early_removals_max) early_removals.erase(early_removals.begin());
}

Micros LiveState::Parts::TakeEarlyRemoval(EntityHandle post, EntityHandle user) {
  const auto begin = early_removals.lower_bound({post, 0});
  Micros time = 0;
  auto end = begin;
  for (; end != early_removals.end() && end->first.first == post; ++end) {
    if (end->first.second == user) time = end->second;
  }
  early_removals.erase(begin, end);
  return time;
}

void LiveState::Parts::OfferAsNew(EntityHandle post) {
  const PostInfo& info = post_infos[post];
  AddRecent(info.author, post);
  fresh.insert({info.created_at, post});
  while (fresh.size() > static_cast<size_t>(options.fresh_posts_max)) fresh.erase(fresh.begin());
}

void LiveState::Parts::WithdrawAsNew(EntityHandle post) {
  const PostInfo& info = post_infos[post];
  fresh.erase({info.created_at, post});
  RemoveRecent(info.author, post);
}

void LiveState::Parts::AddRecent(EntityHandle author, EntityHandle post) {
  auto& recent = user_states->Mutable(author).recent_posts;
  const auto created = [this](EntityHandle other)
                           FEEDMILL_REQUIRES(lock) { return std::pair(post_infos[other].created_at, other); };
  recent.insert(std::ranges::upper_bound(recent, created(post), {}, created), post);
  if (recent.size() > static_cast<size_t>(options.recent_posts_per_author_max)) recent.erase(recent.begin());
}

void LiveState::Parts::RemoveRecent(EntityHandle author, EntityHandle post) {
  std::erase(user_states->Mutable(author).recent_posts, post);
}

void LiveState::Parts::ApplyIdentify(const StreamEvent& event) {
  const EntityHandle user = InternUser(event.user_id);
  if (user == kNoEntity) return;
  TellFields(user, event);
  if (!knows_history && event.topics && event.time >= user_states->Of(user).told_at)
    told_since.insert({user, domain::kFieldsMax});
  TakeTopics(user, event);
}

void LiveState::Parts::TakeTopics(EntityHandle user, const StreamEvent& event) {
  if (!event.topics || event.time < user_states->Of(user).told_at) return;
  UserState& state = user_states->Mutable(user);
  state.told_at = event.time;
  state.told_topics.clear();
  for (const std::string& name : *event.topics) {
    if (std::ssize(state.told_topics) >= options.told_topics_max) break;
    const EntityHandle topic = name.empty() ? kNoEntity : topics.FindOrAdd(name);
    const bool is_new = std::ranges::find(state.told_topics, topic) == state.told_topics.end();
    if (topic != kNoEntity && is_new) state.told_topics.push_back(topic);
  }
}

// Whom an action is about is what the warehouse's dwd_user_action says: the post's author, else the one stated, else
// the target.
void LiveState::Parts::ApplyActed(const StreamEvent& event) {
  const EntityHandle user = event.user != kNoEntity ? event.user : InternUser(event.user_id);
  const EntityHandle post = event.post != kNoEntity ? event.post : InternPost(event.post_id);
  const bool counts = std::ranges::any_of(event.deeds, [this](const auto& deed) { return Of(deed.action).counted; });
  const EntityHandle stated = counts ? InternUser(event.author_id) : kNoEntity;
  const EntityHandle target = counts ? InternUser(event.target_user_id) : kNoEntity;
  features::CountedAction counted;
  counted.user = user;
  counted.post = post;
  counted.author = stated != kNoEntity ? stated : target;
  if (counts && !event.topic.empty()) counted.topic = topics.FindOrAdd(event.topic);
  if (counts && post != kNoEntity) {
    const PostInfo& info = post_infos[post];
    if (info.created_at != 0) {
      counted.author = info.author;
      if (counted.topic == kNoEntity) counted.topic = info.topic;
    } else if (stated != kNoEntity && info.author != stated) {
      post_infos.Mutable(post).author = stated;
    }
  }
  counted.time = event.time;
  for (const StreamEvent::Deed& deed : event.deeds) {
    const domain::Action& action = Of(deed.action);
    counted.action = deed.action;
    counted.weight = deed.weight;
    if (user != kNoEntity) Remember(action, counted, target);
    if (action.counted) counters.Apply(counted);
  }
}

// What is kept of the user who did it.
void LiveState::Parts::Remember(const domain::Action& action, const features::CountedAction& deed,
                                EntityHandle target) {
  UserState& state = user_states->Mutable(deed.user);
  // Who acts on a post has seen it, wherever that was.
  if (action.seen && deed.post != kNoEntity) state.seen.Add(deed.post, static_cast<size_t>(options.seen_max));
  if (action.IsOutcome()) {
    state.actions.Add({deed.post, deed.author, deed.action, deed.time}, static_cast<size_t>(options.last_actions_max));
  }
  if (action.hides_item && deed.post != kNoEntity) InsertSorted(deed.post, &state.hidden_posts);
  if (action.hides_author && target != kNoEntity) InsertSorted(target, &state.hidden_authors);
}

}  // namespace feedmill::stream
