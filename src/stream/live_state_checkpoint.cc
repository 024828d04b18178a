// Body of a checkpoint, in this order: partitions and offsets; times of partitions; names of users, posts, topics;
// posts; users; fresh posts; recent ids; counters. docs/formats/stream-checkpoint.md.
#include <algorithm>

#include "features/checkpoint_file.h"
#include "io/forked_work.h"
#include "stream/live_state_internal.h"

namespace feedmill::stream {
namespace {

constexpr std::string_view kKind = "STREAM03";
constexpr std::string_view kFormerKind = "STREAM02";  // without times

Status CheckHandles(const std::vector<EntityHandle>& handles, size_t count, std::string_view what) {
  if (std::ranges::all_of(handles, [count](EntityHandle handle) { return handle < count; })) return Ok();
  return Corrupt("body: {} name one of {} that is not there", what, count);
}

struct FreshPost {
  Micros created_at;
  EntityHandle post;
  uint32_t unused;
};

// Without the padding of PostInfo, whose bytes mean nothing.
struct PackedPost {
  EntityHandle author;
  EntityHandle topic;
  Micros created_at;
  float text_length;
  uint32_t unused;
};
static_assert(sizeof(PackedPost) == 24);

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

void LiveState::Parts::Write(const std::map<uint32_t, uint64_t>& next_offsets, BodyWriter* writer) const {
  std::vector<PartitionOffset> offsets;
  for (const auto& [partition, next] : next_offsets) offsets.push_back({partition, 0, next});
  writer->PutArray(offsets);
  std::vector<PackedTimes> packed_times;
  for (const auto& [partition, of] : times) packed_times.push_back({partition, 0, of});
  writer->PutArray(packed_times);
  for (const Interner* names : {&users, &posts, &topics}) names->Write(writer);
  std::vector<PackedPost> packed;
  packed.reserve(post_infos.size());
  for (const PostInfo& info : post_infos)
    packed.push_back({info.author, info.topic, info.created_at, info.text_length, 0});
  writer->PutArray(packed);
  for (const UserState& state : user_states) {
    state.follows.Write(writer);
    writer->PutArray(state.seen.InOrder());
    state.actions.Write(writer);
    writer->PutArray(state.hidden_posts);
    writer->PutArray(state.hidden_authors);
    writer->PutArray(state.recent_posts);
    writer->PutArray(state.told_topics);
    writer->Put(state.told_at);
  }
  std::vector<FreshPost> fresh_posts;
  for (const auto& [created_at, post] : fresh) fresh_posts.push_back({created_at, post, 0});
  writer->PutArray(fresh_posts);
  recent_ids.Write(writer);
}

Status LiveState::Parts::ReadPosts(BodyReader* body) {
  std::vector<PackedPost> packed;
  FEEDMILL_TRY(body->GetArray(&packed));
  for (const PackedPost& post : packed)
    post_infos.push_back({post.author, post.topic, post.created_at, post.text_length});
  if (post_infos.size() != posts.size())
    return Corrupt("body: {} posts; {} names of posts", post_infos.size(), posts.size());
  for (const PostInfo& info : post_infos) {
    if ((info.author != kNoEntity && info.author >= users.size()) ||
        (info.topic != kNoEntity && info.topic >= topics.size())) {
      return Corrupt("body: a post names an author or a topic that is not there");
    }
  }
  return Ok();
}

Status LiveState::Parts::ReadUsers(BodyReader* body) {
  user_states.resize(users.size());
  std::vector<EntityHandle> seen;
  for (UserState& state : user_states) {
    FEEDMILL_TRY(state.follows.Read(body, users.size()));
    FEEDMILL_TRY(body->GetArray(&seen));
    FEEDMILL_TRY(CheckHandles(seen, posts.size(), "seen posts"));
    for (const EntityHandle post : seen) state.seen.Add(post, options.seen_max);
    FEEDMILL_TRY(state.actions.Read(body, options.last_actions_max));
    FEEDMILL_TRY(body->GetArray(&state.hidden_posts));
    FEEDMILL_TRY(CheckHandles(state.hidden_posts, posts.size(), "hidden posts"));
    FEEDMILL_TRY(body->GetArray(&state.hidden_authors));
    FEEDMILL_TRY(CheckHandles(state.hidden_authors, users.size(), "hidden authors"));
    FEEDMILL_TRY(body->GetArray(&state.recent_posts));
    FEEDMILL_TRY(CheckHandles(state.recent_posts, posts.size(), "recent posts"));
    FEEDMILL_TRY(body->GetArray(&state.told_topics));
    FEEDMILL_TRY(CheckHandles(state.told_topics, topics.size(), "told topics"));
    FEEDMILL_TRY(body->Get(&state.told_at));
  }
  return Ok();
}

Status LiveState::Parts::Read(BodyReader* body, bool has_times) {
  std::vector<PartitionOffset> offsets;
  FEEDMILL_TRY(body->GetArray(&offsets));
  std::vector<PackedTimes> packed_times;
  if (has_times) FEEDMILL_TRY(body->GetArray(&packed_times));
  for (const PackedTimes& packed : packed_times) times[packed.partition] = packed.times;
  for (Interner* names : {&users, &posts, &topics}) FEEDMILL_TRY(names->Read(body));
  FEEDMILL_TRY(ReadPosts(body));
  FEEDMILL_TRY(ReadUsers(body));
  std::vector<FreshPost> fresh_posts;
  FEEDMILL_TRY(body->GetArray(&fresh_posts));
  for (const FreshPost& entry : fresh_posts) {
    if (entry.post >= posts.size()) return Corrupt("body: fresh posts name one of {} that is not there", posts.size());
    fresh.insert({entry.created_at, entry.post});
  }
  FEEDMILL_TRY(recent_ids.Read(body));
  const std::scoped_lock guard(applied_lock);
  for (const PartitionOffset& offset : offsets) applied[offset.partition] = offset.next;
  return Ok();
}

Status LiveState::Parts::WriteFile(io::FileSystem& files, const std::string& path,
                                   const std::map<uint32_t, uint64_t>& next_offsets) const {
  FEEDMILL_ASSIGN(auto file, features::CheckpointFileWriter::Create(files, path, kKind));
  BodyWriter writer([&file](std::string_view bytes) { file.Append(bytes); });
  Write(next_offsets, &writer);
  counters.Serialize([&file](std::string_view bytes) { file.Append(bytes); });
  return file.Finish();
}

Status LiveState::WriteCheckpoint(io::FileSystem& files, const std::string& path) const {
  const ReadGuard guard = Read();
  return parts_->WriteFile(files, path, AppliedOffsets());
}

Status LiveState::WriteCheckpointInCopy(io::FileSystem& files, const std::string& path) const {
  ReadGuard guard = Read();
  const std::map<uint32_t, uint64_t> offsets = AppliedOffsets();  // the copy must not ask for a lock
  FEEDMILL_ASSIGN(auto copy, io::ForkedWork::Start([&] { return parts_->WriteFile(files, path, offsets); }));
  guard.unlock();
  return copy.Wait();
}

Status LiveState::LoadCheckpoint(io::FileSystem& files, const std::string& path) {
  auto opened = features::OpenCheckpointFile(files, path, kKind);
  const bool has_times = opened.has_value();
  if (!opened) opened = features::OpenCheckpointFile(files, path, kFormerKind);
  if (!opened) return std::unexpected(opened.error());
  const features::CheckpointFile& file = *opened;
  const std::unique_lock guard(parts_->lock);
  if (parts_->users.size() != 0 || parts_->posts.size() != 0)
    return InvalidArgument("{}: the live state is not empty", path);
  BodyReader body(file.body);
  auto status = parts_->Read(&body, has_times);
  if (status) status = parts_->counters.Deserialize(file.body.substr(body.at()));
  if (!status) return std::unexpected(status.error().WithContext(path));
  const Micros newest = parts_->counters.NewestTime();
  for (const auto& [partition, next] : parts_->applied) {
    if (!has_times) parts_->times[partition] = {.newest_receipt = newest, .newest_event = newest};
  }
  parts_->applied_changed.notify_all();
  return Ok();
}

}  // namespace feedmill::stream
