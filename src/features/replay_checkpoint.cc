#include <algorithm>

#include "base/log.h"
#include "base/time_text.h"
#include "features/body_codec.h"
#include "features/checkpoint_file.h"
#include "features/replay_checkpoint_internal.h"

namespace feedmill::features {
namespace {

constexpr std::string_view kKind = "COUNTS03";
constexpr std::string_view kPrefix = "counters-";
constexpr std::string_view kNewSuffix = ".new";
constexpr size_t kFiles = 1 + kUserBuckets;

std::string PathOf(const std::string& checkpoint, size_t file) {
  return file == 0 ? checkpoint + "/items.ckpt" : fmt::format("{}/users-{:02}.ckpt", checkpoint, file - 1);
}

std::vector<DayDigest> Before(const std::vector<DayDigest>& days, Micros cut) {
  std::vector<DayDigest> before = days;
  std::erase_if(before, [cut](const DayDigest& day) { return day.day * kMicrosPerDay >= cut; });
  return before;
}

// Names, newest cut first: the day in the name sorts as time.
Result<std::vector<std::string>> Names(io::FileSystem& files, const std::string& folder, bool accepted) {
  FEEDMILL_TRY(files.CreateDirectories(folder));
  FEEDMILL_ASSIGN(std::vector<std::string> names, files.List(folder));
  std::erase_if(names, [accepted](const std::string& name) {
    return !name.starts_with(kPrefix) || name.ends_with(kNewSuffix) == accepted;
  });
  std::ranges::sort(names, std::greater());
  return names;
}

// What stands before the counters in every file.
struct Head {
  std::string features;
  Micros cut = 0;
  std::vector<DayDigest> made_from;
  std::vector<std::string> topics;
  friend bool operator==(const Head&, const Head&) = default;
};

void WriteHead(const Head& head, BodyWriter* body) {
  body->PutText(head.features);
  body->Put(head.cut);
  body->PutArray(head.made_from);
  body->Put(static_cast<uint32_t>(head.topics.size()));
  for (const std::string& name : head.topics) body->PutText(name);
}

Result<Head> ReadHead(BodyReader* body) {
  Head head;
  std::string_view features;
  FEEDMILL_TRY(body->GetText(&features));
  head.features = features;
  FEEDMILL_TRY(body->Get(&head.cut));
  FEEDMILL_TRY(body->GetArray(&head.made_from));
  uint32_t topics = 0;
  FEEDMILL_TRY(body->Get(&topics));
  for (uint32_t i = 0; i < topics; ++i) {
    std::string_view name;
    FEEDMILL_TRY(body->GetText(&name));
    head.topics.emplace_back(name);
  }
  return head;
}

bool IsOfUser(CounterKey key) { return key != CounterKey::kPost && key != CounterKey::kAuthor; }

size_t FileOf(CounterKey key, EntityHandle first) { return IsOfUser(key) ? 1 + first % kUserBuckets : 0; }

// Whether the bucket's users are of the part: both are remainders by powers of two, and there are no more parts than
// buckets.
bool IsOf(size_t bucket, UserPart part) { return part.Has(static_cast<EntityHandle>(bucket)); }

// Opens every file once, which checks every byte. A reason when it is not of the wanted past.
Result<std::string> WhyNot(io::FileSystem& files, const FeatureSet& set, Micros until,
                           const std::vector<DayDigest>& days, ReplayCheckpoint* checkpoint) {
  Head first;
  for (size_t i = 0; i < kFiles; ++i) {
    FEEDMILL_ASSIGN(const CheckpointFile file, OpenCheckpointFile(files, PathOf(checkpoint->folder, i), kKind));
    BodyReader body(file.body);
    FEEDMILL_ASSIGN(Head head, ReadHead(&body));
    if (head.features != set.hash) return std::string("it is of other features");
    if (head.cut > until) return std::string("it ends later");
    if (head.made_from != Before(days, head.cut)) return std::string("the actions before its end changed");
    if (i > 0 && head != first) return std::string("its files are not of one run");
    first = std::move(head);
    (i > 0 ? checkpoint->user_bytes : checkpoint->item_bytes) += file.body.size();
  }
  checkpoint->cut = first.cut;
  return std::string();
}

}  // namespace

EntityHandle TopicNames::FindOrAdd(std::string_view name) {
  const auto [entry, is_new] = handles_.try_emplace(std::string(name), static_cast<EntityHandle>(names_.size()));
  if (is_new) names_.emplace_back(name);
  return entry->second;
}

EntityHandle TopicNames::Find(std::string_view name) const {
  const auto found = handles_.find(std::string(name));
  return found == handles_.end() ? kNoEntity : found->second;
}

Status WriteReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set, UserPart part,
                             const ReplayState& state, const std::vector<DayDigest>& days) {
  const std::string path = fmt::format("{}/{}{}{}", folder, kPrefix, FormatDay(DayOf(state.cut)), kNewSuffix);
  FEEDMILL_TRY(files.CreateDirectories(path));
  const Head head{set.hash, state.cut, Before(days, state.cut), state.topics.names()};
  std::vector<std::unique_ptr<CheckpointFileWriter>> writers(kFiles);
  std::vector<CounterTable::Sink> sinks(kFiles);
  for (size_t i = 0; i < kFiles; ++i) {
    const bool is_ours = i == 0 ? part.part == 0 : IsOf(i - 1, part);
    if (!is_ours) continue;
    FEEDMILL_ASSIGN(auto writer, CheckpointFileWriter::Create(files, PathOf(path, i), kKind));
    writers[i] = std::make_unique<CheckpointFileWriter>(std::move(writer));
    sinks[i] = [file = writers[i].get()](std::string_view bytes) { file->Append(bytes); };
    BodyWriter body(sinks[i]);
    WriteHead(head, &body);
  }
  state.counters.SerializeParts(sinks, FileOf);
  for (const auto& writer : writers) {
    if (writer != nullptr) FEEDMILL_TRY(writer->Finish());
  }
  return Ok();
}

Status AcceptReplayCheckpoints(io::FileSystem& files, const std::string& folder) {
  FEEDMILL_ASSIGN(const std::vector<std::string> former, Names(files, folder, true));
  FEEDMILL_ASSIGN(const std::vector<std::string> written, Names(files, folder, false));
  for (const std::string& name : former) FEEDMILL_TRY(files.RemoveAll(fmt::format("{}/{}", folder, name)));
  for (const std::string& name : written) {
    const std::string path = fmt::format("{}/{}", folder, name);
    FEEDMILL_TRY(files.Rename(path, path.substr(0, path.size() - kNewSuffix.size())));
  }
  return files.SyncDirectory(folder);
}

Status RemoveUnacceptedCheckpoints(io::FileSystem& files, const std::string& folder) {
  FEEDMILL_ASSIGN(const std::vector<std::string> names, Names(files, folder, false));
  for (const std::string& name : names) FEEDMILL_TRY(files.RemoveAll(fmt::format("{}/{}", folder, name)));
  return Ok();
}

Result<ReplayCheckpoint> FindReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set,
                                              Micros until, const std::vector<DayDigest>& days) {
  FEEDMILL_ASSIGN(const std::vector<std::string> names, Names(files, folder, true));
  for (const std::string& name : names) {
    ReplayCheckpoint checkpoint;
    checkpoint.folder = fmt::format("{}/{}", folder, name);
    const auto why = WhyNot(files, set, until, days, &checkpoint);
    if (why && why->empty()) return checkpoint;
    log::Info("checkpoint of the counters is passed over",
              {{"file", name}, {"why", why ? *why : why.error().ToString()}});
  }
  return ReplayCheckpoint{};
}

Result<ReplayState> LoadReplayCheckpoint(io::FileSystem& files, const ReplayCheckpoint& checkpoint,
                                         const FeatureSet& set, UserPart part) {
  ReplayState state(set);
  if (checkpoint.folder.empty()) return state;
  for (size_t i = 0; i < kFiles; ++i) {
    if (i > 0 && !IsOf(i - 1, part)) continue;
    FEEDMILL_ASSIGN(const CheckpointFile file, OpenCheckpointFile(files, PathOf(checkpoint.folder, i), kKind));
    BodyReader body(file.body);
    FEEDMILL_ASSIGN(const Head head, ReadHead(&body));
    if (i == 0) {
      for (const std::string& name : head.topics) state.topics.FindOrAdd(name);
    }
    FEEDMILL_TRY(state.counters.Merge(file.body.substr(body.at()), [part](CounterKey key, EntityHandle first) {
      return !IsOfUser(key) || part.Has(first);
    }));
  }
  state.cut = checkpoint.cut;
  return state;
}

}  // namespace feedmill::features
