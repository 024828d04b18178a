// Body of a checkpoint, in this order: partitions and offsets; times of partitions; names of actions, numbers, fields,
// relations, users, posts, topics, lists; posts and their fields; users; fresh posts; early removals; withdrawals;
// recent ids; counters. docs/formats/stream-checkpoint.md.
#include <algorithm>
#include <cstring>
#include <span>

#include "base/thread_priority.h"
#include "features/checkpoint_file.h"
#include "io/forked_work.h"
#include "stream/live_state_internal.h"

namespace feedmill::stream {
namespace {

// The kind is this and the version's two digits. What came with which version:
constexpr std::string_view kKindPrefix = "STREAM";
constexpr int kFirstVersion = 2;
constexpr int kWithTimes = 3;          // of partitions
constexpr int kWithActions = 4;        // their names; before: those of the legacy domain, by place
constexpr int kWithNumbers = 5;        // of items, and their removal; before: the legacy domain's one number
constexpr int kWithEarlyRemovals = 6;  // and the time of an item's newest version
constexpr int kWithFields = 7;         // of items and users
constexpr int kWithRelations = 8;      // several, and edges of those that hide; withdrawals
constexpr int kVersion = kWithRelations;
std::string KindOf(int version) { return fmt::format("{}{:02}", kKindPrefix, version); }
constexpr uint64_t kLegacyStride = 8;

struct FreshPost {
  Micros created_at;
  EntityHandle post;
  uint32_t unused;
};

struct PackedPost {
  EntityHandle author;
  EntityHandle topic;
  Micros created_at;
  features::ItemNumbers numbers;
  Micros removed_at;
  Micros version_at;
};
static_assert(sizeof(PackedPost) == 48);

struct PackedRemoval {
  EntityHandle post;
  EntityHandle user;
  Micros time;
};

// Of former versions, which had the same beginning.
struct PackedPostOfOneNumber {
  EntityHandle author;
  EntityHandle topic;
  Micros created_at;
  float number;
  uint32_t unused;
};
static_assert(sizeof(PackedPostOfOneNumber) == 24);

size_t PostBytes(int version) {
  if (version < kWithNumbers) return sizeof(PackedPostOfOneNumber);
  return version < kWithEarlyRemovals ? offsetof(PackedPost, version_at) : sizeof(PackedPost);
}

struct PartitionOffset {
  uint32_t partition;
  uint32_t unused;
  uint64_t next;
};

struct PackedTimes {
  uint32_t partition;
  uint32_t unused;
  PartitionTimes times;
};
static_assert(sizeof(PackedTimes) == 48);

}  // namespace

Status LiveState::Parts::Write(const std::map<uint32_t, uint64_t>& next_offsets, features::ColdReader* cold,
                               BodyWriter* writer) const {
  std::vector<PartitionOffset> offsets;
  for (const auto& [partition, next] : next_offsets) offsets.push_back({partition, 0, next});
  writer->PutArray(offsets);
  std::vector<PackedTimes> packed_times;
  for (const auto& [partition, of] : times) packed_times.push_back({partition, 0, of});
  writer->PutArray(packed_times);
  writer->Put(static_cast<uint32_t>(domain->actions.size()));
  for (const domain::Action& action : domain->actions) writer->PutText(action.name);
  const auto& numbers = domain->Shown().numbers;
  writer->Put(static_cast<uint32_t>(numbers.size()));
  for (const std::string& name : numbers) writer->PutText(name);
  writer->Put(static_cast<uint32_t>(knows_history));
  WriteFieldNames(domain->Shown(), writer);
  WriteFieldNames(domain->Users(), writer);
  WriteRelationNames(writer);
  for (const Interner* names : {&users, &posts, &topics, &lists}) FEEDMILL_TRY(names->Write(cold, writer));
  writer->Put(static_cast<uint32_t>(post_infos.size()));
  FEEDMILL_TRY(post_infos.ForEach(cold, [writer](const PostInfo* infos, size_t count) {
    for (const PostInfo& info : std::span(infos, count))
      writer->Put(PackedPost{info.author, info.topic, info.created_at, info.numbers, info.removed_at, info.version_at});
  }));
  writer->Put(static_cast<uint32_t>(post_fields.size()));
  FEEDMILL_TRY(post_fields.ForEach(cold, [writer](const FieldWords* words, size_t count) {
    for (const FieldWords& of : std::span(words, count)) writer->Put(of);
  }));
  FEEDMILL_TRY(user_states->Write(cold, writer));
  std::vector<FreshPost> fresh_posts;
  for (const auto& [created_at, post] : fresh) fresh_posts.push_back({created_at, post, 0});
  writer->PutArray(fresh_posts);
  std::vector<PackedRemoval> removals;
  for (const auto& [of, time] : early_removals) removals.push_back({of.first, of.second, time});
  writer->PutArray(removals);
  WriteWithdrawals(writer);
  recent_ids.Write(writer);
  return Ok();
}

// The names of an item's numbers when the checkpoint was made.
Result<std::vector<std::string>> LiveState::Parts::ReadNumbers(BodyReader* body) {
  uint32_t count = 0;
  FEEDMILL_TRY(body->Get(&count));
  if (count > domain::kNumbersMax) return Corrupt("body: {} numbers; allowed: {}", count, domain::kNumbersMax);
  std::vector<std::string> names;
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    FEEDMILL_TRY(body->GetText(&name));
    names.emplace_back(name);
  }
  return names;
}

Status LiveState::Parts::ReadPosts(BodyReader* body, int version, const std::vector<std::string>& stored) {
  // Place in the file of each of today's numbers; one that is not there is 0 until it is learned.
  const auto& numbers = domain->Shown().numbers;
  std::vector<size_t> places;
  for (const std::string& name : numbers) {
    places.push_back(static_cast<size_t>(std::ranges::find(stored, name) - stored.begin()));
    if (places.back() == stored.size()) knows_history = false;
  }
  const size_t width = PostBytes(version);
  std::string_view bytes;
  FEEDMILL_TRY(body->GetArrayBytes(width, &bytes));
  const size_t count = bytes.size() / width;
  if (count != posts.size()) return Corrupt("body: {} posts; {} names of posts", count, posts.size());
  for (size_t i = 0; i < count; ++i) {
    PackedPost post{};
    std::memcpy(&post, bytes.data() + i * width, width);
    if (version < kWithNumbers) std::ranges::fill(post.numbers.begin() + 1, post.numbers.end(), 0.0F);
    if (version < kWithEarlyRemovals) post.version_at = post.created_at;
    if ((post.author != kNoEntity && post.author >= users.size()) ||
        (post.topic != kNoEntity && post.topic >= topics.size())) {
      return Corrupt("body: a post names an author or a topic that is not there");
    }
    PostInfo info{post.author, post.topic, post.created_at, post.removed_at, post.version_at, {}};
    for (size_t n = 0; n < places.size(); ++n)
      info.numbers[n] = places[n] < stored.size() ? post.numbers[places[n]] : 0;
    post_infos.Add(info);
    if (i % kReadBetweenTrims == 0) Trim();
  }
  return Ok();
}

Result<StoredActions> LiveState::Parts::ReadActions(BodyReader* body) const {
  uint32_t count = 0;
  FEEDMILL_TRY(body->Get(&count));
  if (count > domain::kActionsMax) return Corrupt("body: {} actions; allowed: {}", count, domain::kActionsMax);
  StoredActions stored;
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    FEEDMILL_TRY(body->GetText(&name));
    stored.places.push_back(PlaceOf(name));
  }
  return stored;
}

StoredActions LiveState::Parts::LegacyActions() const {
  StoredActions stored{kLegacyStride, {}};
  for (size_t i = 0; i < kLegacyStride; ++i) stored.places.push_back(PlaceOf(domain::LegacyDomain()->actions[i].name));
  return stored;
}

int LiveState::Parts::PlaceOf(std::string_view action) const {
  const domain::Action* found = domain->FindAction(action);
  return found == nullptr ? -1 : static_cast<int>(found - domain->actions.data());
}

Status LiveState::Parts::ReadUsers(BodyReader* body, const StoredNames& stored) {
  user_states->Resize(users.size());
  for (size_t user = 0; user < users.size(); ++user) {
    UserState state;
    FEEDMILL_TRY(state.Read(body, Limits(), &stored, options));
    if (!state.IsEmpty()) user_states->Mutable(static_cast<EntityHandle>(user)) = std::move(state);
    if (user % kReadBetweenTrims == 0) Trim();
  }
  Trim();
  return Ok();
}

Status LiveState::Parts::ReadFresh(BodyReader* body) {
  std::vector<FreshPost> fresh_posts;
  FEEDMILL_TRY(body->GetArray(&fresh_posts));
  for (const FreshPost& entry : fresh_posts) {
    if (entry.post >= posts.size()) return Corrupt("body: fresh posts name one of {} that is not there", posts.size());
    fresh.insert({entry.created_at, entry.post});
  }
  return Ok();
}

Status LiveState::Parts::ReadEarlyRemovals(BodyReader* body) {
  std::vector<PackedRemoval> removals;
  FEEDMILL_TRY(body->GetArray(&removals));
  for (const PackedRemoval& removal : removals) {
    if (removal.post >= posts.size() || removal.user >= users.size())
      return Corrupt("body: an early removal names an item or a user that is not there");
    KeepEarlyRemoval(removal.post, removal.user, removal.time);
  }
  return Ok();
}

Status LiveState::Parts::Read(BodyReader* body, int version) {
  std::vector<PartitionOffset> offsets;
  FEEDMILL_TRY(body->GetArray(&offsets));
  std::vector<PackedTimes> packed_times;
  if (version >= kWithTimes) FEEDMILL_TRY(body->GetArray(&packed_times));
  for (const PackedTimes& packed : packed_times) times[packed.partition] = packed.times;
  StoredNames stored{LegacyActions(), {.stored = false}, {}};
  if (version >= kWithActions) {
    FEEDMILL_ASSIGN(stored.actions, ReadActions(body));
  }
  std::vector<std::string> numbers = domain::LegacyDomain()->Shown().numbers;
  if (version >= kWithNumbers) {
    FEEDMILL_ASSIGN(numbers, ReadNumbers(body));
  }
  StoredFields item_fields{.stored = false};
  if (version >= kWithFields) {
    uint32_t known = 0;
    FEEDMILL_TRY(body->Get(&known));
    knows_history = known != 0;
    FEEDMILL_ASSIGN(item_fields, ReadFieldNames(domain->Shown(), body));
    FEEDMILL_ASSIGN(stored.fields, ReadFieldNames(domain->Users(), body));
  }
  if (version >= kWithRelations) {
    FEEDMILL_ASSIGN(stored.relations, ReadRelationNames(body));
  } else {
    stored.relations = RelationsOfBefore();
  }
  for (Interner* names : {&users, &posts, &topics}) FEEDMILL_TRY(names->Read(body));
  if (version >= kWithFields) FEEDMILL_TRY(lists.Read(body));
  FEEDMILL_TRY(ReadPosts(body, version, numbers));
  FEEDMILL_TRY(ReadPostFields(body, item_fields));
  for (size_t field = 0; field < domain->Users().fields.size(); ++field) {
    const auto& places = stored.fields.places;
    if (std::ranges::find(places, static_cast<int>(field)) == places.end()) knows_history = false;
  }
  FEEDMILL_TRY(ReadUsers(body, stored));
  FEEDMILL_TRY(ReadFresh(body));
  if (version >= kWithEarlyRemovals) FEEDMILL_TRY(ReadEarlyRemovals(body));
  if (version >= kWithRelations) FEEDMILL_TRY(ReadWithdrawals(body));
  FEEDMILL_TRY(recent_ids.Read(body));
  const MutexLock guard(applied_lock);
  for (const PartitionOffset& offset : offsets) applied[offset.partition] = offset.next;
  return Ok();
}

Status LiveState::Parts::WriteFile(io::FileSystem& files, const std::string& path,
                                   const std::map<uint32_t, uint64_t>& next_offsets) const {
  FEEDMILL_ASSIGN(auto file, features::CheckpointFileWriter::Create(files, path, KindOf(kVersion)));
  BodyWriter writer([&file](std::string_view bytes) { file.Append(bytes); });
  const auto cold = memory->NewReader();
  FEEDMILL_TRY(Write(next_offsets, cold.get(), &writer));
  FEEDMILL_TRY(counters.Serialize([&file](std::string_view bytes) { file.Append(bytes); }, cold.get()));
  return file.Finish();
}

Status LiveState::WriteCheckpoint(io::FileSystem& files, const std::string& path) const {
  const ReadGuard guard = Read();
  parts_->lock.AssertShared();
  return parts_->WriteFile(files, path, AppliedOffsets());
}

Status LiveState::WriteCheckpointInCopy(io::FileSystem& files, const std::string& path) const {
  ReadGuard guard = Read();
  parts_->lock.AssertShared();
  const std::map<uint32_t, uint64_t> offsets = AppliedOffsets();           // the copy must not ask for a lock
  const std::shared_ptr<features::BoundedMemory> memory = parts_->memory;  // Become may give the state another
  memory->HoldFiles(true);
  auto copy = io::ForkedWork::Start([&]() FEEDMILL_REQUIRES_SHARED(parts_->lock) {
    LowerThreadPriority(kBackgroundNiceness);  // of the copy alone: it holds nobody up, and feeds go before it
    return parts_->WriteFile(files, path, offsets);
  });
  guard.unlock();
  const Status written = copy ? copy->Wait() : std::unexpected(copy.error());
  memory->HoldFiles(false);
  return written;
}

Status LiveState::LoadCheckpoint(io::FileSystem& files, const std::string& path) {
  int version = kVersion;
  auto opened = features::OpenCheckpointFile(files, path, KindOf(version));
  while (!opened && version > kFirstVersion) opened = features::OpenCheckpointFile(files, path, KindOf(--version));
  if (!opened) return std::unexpected(opened.error());
  const features::CheckpointFile& file = *opened;
  const WriterLock guard(parts_->lock);
  if (parts_->users.size() != 0 || parts_->posts.size() != 0)
    return InvalidArgument("{}: the live state is not empty", path);
  BodyReader body(file.body);
  auto status = parts_->Read(&body, version);
  if (status) status = parts_->counters.Deserialize(file.body.substr(body.at()));
  if (!status) return std::unexpected(status.error().WithContext(path));
  const Micros newest = parts_->counters.NewestTime();
  for (const auto& [partition, next] : AppliedOffsets()) {
    if (version < kWithTimes) parts_->times[partition] = {.newest_receipt = newest, .newest_event = newest};
  }
  parts_->applied_changed.NotifyAll();
  return Ok();
}

}  // namespace feedmill::stream
