#include <algorithm>

#include "base/log.h"
#include "base/time_text.h"
#include "features/body_codec.h"
#include "features/checkpoint_file.h"
#include "features/replay_checkpoint_internal.h"

namespace feedmill::features {
namespace {

constexpr std::string_view kKind = "COUNTS02";
constexpr std::string_view kPrefix = "counters-";
constexpr std::string_view kSuffix = ".ckpt";
constexpr std::string_view kNewSuffix = ".ckpt.new";

std::vector<DayDigest> Before(const std::vector<DayDigest>& days, Micros cut) {
  std::vector<DayDigest> before = days;
  std::erase_if(before, [cut](const DayDigest& day) { return day.day * kMicrosPerDay >= cut; });
  return before;
}

// Names, newest cut first: the day in the name sorts as time.
Result<std::vector<std::string>> Names(io::FileSystem& files, const std::string& folder, std::string_view suffix) {
  FEEDMILL_TRY(files.CreateDirectories(folder));
  FEEDMILL_ASSIGN(std::vector<std::string> names, files.List(folder));
  std::erase_if(names,
                [suffix](const std::string& name) { return !name.starts_with(kPrefix) || !name.ends_with(suffix); });
  std::ranges::sort(names, std::greater());
  return names;
}

// True when the checkpoint is of the wanted past; the counters are read only then.
Result<bool> Read(std::string_view bytes, const FeatureSet& set, Micros until, const std::vector<DayDigest>& days,
                  ReplayState* state) {
  BodyReader body(bytes);
  std::string_view features;
  FEEDMILL_TRY(body.GetText(&features));
  if (features != set.hash) return false;
  Micros cut = 0;
  std::vector<DayDigest> made_from;
  FEEDMILL_TRY(body.Get(&cut));
  FEEDMILL_TRY(body.GetArray(&made_from));
  if (cut > until || made_from != Before(days, cut)) return false;
  uint32_t topics = 0;
  FEEDMILL_TRY(body.Get(&topics));
  for (uint32_t i = 0; i < topics; ++i) {
    std::string_view name;
    FEEDMILL_TRY(body.GetText(&name));
    state->topics.FindOrAdd(name);
  }
  FEEDMILL_TRY(state->counters.Deserialize(bytes.substr(body.at())));
  state->cut = cut;
  return true;
}

}  // namespace

EntityHandle TopicNames::FindOrAdd(std::string_view name) {
  const auto [entry, is_new] = handles_.try_emplace(std::string(name), static_cast<EntityHandle>(names_.size()));
  if (is_new) names_.emplace_back(name);
  return entry->second;
}

Status WriteReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set,
                             const ReplayState& state, const std::vector<DayDigest>& days) {
  FEEDMILL_TRY(files.CreateDirectories(folder));
  const std::string path = fmt::format("{}/{}{}{}", folder, kPrefix, FormatDay(DayOf(state.cut)), kNewSuffix);
  FEEDMILL_ASSIGN(auto file, CheckpointFileWriter::Create(files, path, kKind));
  BodyWriter body([&file](std::string_view bytes) { file.Append(bytes); });
  body.PutText(set.hash);
  body.Put(state.cut);
  body.PutArray(Before(days, state.cut));
  body.Put(static_cast<uint32_t>(state.topics.names().size()));
  for (const std::string& name : state.topics.names()) body.PutText(name);
  FEEDMILL_TRY(state.counters.Serialize([&file](std::string_view bytes) { file.Append(bytes); }));
  return file.Finish();
}

Status AcceptReplayCheckpoints(io::FileSystem& files, const std::string& folder) {
  FEEDMILL_ASSIGN(const std::vector<std::string> former, Names(files, folder, kSuffix));
  FEEDMILL_ASSIGN(const std::vector<std::string> written, Names(files, folder, kNewSuffix));
  for (const std::string& name : former) FEEDMILL_TRY(files.Remove(fmt::format("{}/{}", folder, name)));
  for (const std::string& name : written) {
    const std::string path = fmt::format("{}/{}", folder, name);
    FEEDMILL_TRY(files.Rename(path, path.substr(0, path.size() - kNewSuffix.size() + kSuffix.size())));
  }
  return files.SyncDirectory(folder);
}

Status RemoveUnacceptedCheckpoints(io::FileSystem& files, const std::string& folder) {
  FEEDMILL_ASSIGN(const std::vector<std::string> names, Names(files, folder, kNewSuffix));
  for (const std::string& name : names) FEEDMILL_TRY(files.Remove(fmt::format("{}/{}", folder, name)));
  return Ok();
}

Result<ReplayState> LoadReplayCheckpoint(io::FileSystem& files, const std::string& folder, const FeatureSet& set,
                                         Micros until, const std::vector<DayDigest>& days) {
  FEEDMILL_ASSIGN(std::vector<std::string> names, Names(files, folder, kSuffix));
  for (const std::string& name : names) {
    ReplayState state(set);
    auto file = OpenCheckpointFile(files, fmt::format("{}/{}", folder, name), kKind);
    auto fits = file ? Read(file->body, set, until, days, &state) : Result<bool>(std::unexpected(file.error()));
    if (fits && *fits) return state;
    log::Info(
        "checkpoint of the counters is passed over",
        {{"file", name},
         {"why", fits ? "it ends later, or the features or the actions before it changed" : fits.error().ToString()}});
  }
  return ReplayState(set);
}

}  // namespace feedmill::features
