#include "app/verb_log.h"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/lake_records.h"
#include "base/log.h"
#include "features/feature_set.h"
#include "stream/log_tailer.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

struct LogArguments {
  std::string project = ".";
  Overrides overrides;
  bool after_landed = false;
};

struct OpenedFolder {
  Config config;
  SystemClock clock;
  std::unique_ptr<DataFolderLock> lock;
  DataFolder folder;
};

Status OpenFolder(const LogArguments& arguments, OpenedFolder* opened) {
  FEEDMILL_ASSIGN(opened->config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, opened->config.logging.format);
  FEEDMILL_ASSIGN(DataFolderLock lock, DataFolderLock::Take(opened->config.paths.data));
  opened->lock = std::make_unique<DataFolderLock>(std::move(lock));
  FEEDMILL_ASSIGN(opened->folder, OpenDataFolder(opened->config.paths, opened->clock));
  return Ok();
}

Json DamageJson(const std::vector<ingest::LogDamage>& damage) {
  Json list = Json::array();
  for (const ingest::LogDamage& one : damage) {
    Json lost = Json::array();
    for (const ingest::OffsetRange& range : one.lost) lost.push_back({range.from, range.to - 1});
    list.push_back({{"partition", one.partition}, {"file", one.file}, {"lost", lost}, {"in_lake", one.in_lake}});
  }
  return list;
}

// Reads the log from its first record to its last, so that all damage is met.
Status ReadThrough(const ingest::EventLog& log, uint32_t partition, uint64_t* records) {
  constexpr size_t kReadBytes = 4 << 20;
  uint64_t offset = log.BeginOffset(partition);
  while (true) {
    FEEDMILL_ASSIGN(const auto read, log.Read(partition, offset, kReadBytes));
    if (read.empty()) return Ok();
    for (const auto& record : read) *records += record.lost > 0 ? 0 : 1;
    offset = read.back().offset + 1;
  }
}

Status RunRepair(const LogArguments& arguments) {
  OpenedFolder opened;
  FEEDMILL_TRY(OpenFolder(arguments, &opened));
  LakeRecords lake(opened.config, opened.folder);
  FEEDMILL_ASSIGN(const auto log, OpenLogBesideLake(opened.config, opened.folder, opened.clock, lake, true));
  Json partitions = Json::array();
  for (uint32_t partition = 0; partition < log->partitions(); ++partition) {
    uint64_t records = 0;
    FEEDMILL_TRY(ReadThrough(*log, partition, &records));
    partitions.push_back({{"partition", partition},
                          {"begin", log->BeginOffset(partition)},
                          {"end", log->EndOffset(partition)},
                          {"readable", records}});
  }
  cli::PrintResult(Json{{"partitions", partitions}, {"set_aside", DamageJson(log->damage())}}.dump());
  return Ok();
}

// A partition of the log beside what was made of it.
struct Gap {
  uint64_t begin = 0;
  uint64_t end = 0;
  ingest::OffsetRange wanted;
  bool Open() const { return begin > wanted.from || end < wanted.to; }
};

Result<Gap> FindGap(const OpenedFolder& opened, const ingest::EventLog& log, const stream::LiveState& state,
                    uint32_t partition) {
  FEEDMILL_ASSIGN(const LandedSpan landed, LandedOf(*opened.folder.catalog, opened.config.landing.stream, partition));
  Gap gap{log.BeginOffset(partition), log.EndOffset(partition), {}};
  gap.wanted.to = std::max(landed.most, state.AppliedOffset(partition));
  gap.wanted.from = landed.started > 0 ? landed.started : gap.wanted.to;
  if (gap.begin < gap.end && gap.begin <= gap.wanted.from) gap.wanted.from = gap.begin;
  return gap;
}

// What is known elsewhere goes on being known: the new part of the log begins above all of it. The list of known
// messages goes, as it may hold some that were lost before they landed and must be accepted when they are sent again;
// it is made anew from log and lake.
Status RunReset(const LogArguments& arguments) {
  if (!arguments.after_landed) {
    return InvalidArgument(
        "found no --after-landed: say that records which are in neither the log nor the lake may be given up");
  }
  OpenedFolder opened;
  FEEDMILL_TRY(OpenFolder(arguments, &opened));
  const Config& config = opened.config;
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(const auto set, features::LoadProjectFeatures(files, config.paths.project));
  FEEDMILL_ASSIGN(const auto state, stream::RecoverLiveState(files, config.paths.State(), set, config.stream.state));
  std::vector<Gap> gaps;
  {
    FEEDMILL_ASSIGN(const auto log, ingest::OpenEventLog(files, opened.clock, config.event_log));
    for (uint32_t partition = 0; partition < log->partitions(); ++partition) {
      FEEDMILL_ASSIGN(gaps.emplace_back(), FindGap(opened, *log, *state, partition));
    }
  }
  for (const std::string& path : {config.collect.dedupe_checkpoint, config.collect.dedupe_checkpoint + ".journal"}) {
    FEEDMILL_ASSIGN(const bool exists, files.Exists(path));
    if (exists) FEEDMILL_TRY(files.Remove(path));
  }
  FEEDMILL_TRY(files.SyncDirectory(config.paths.State()));
  Json partitions = Json::array();
  for (uint32_t partition = 0; partition < gaps.size(); ++partition) {
    const Gap& gap = gaps[partition];
    if (gap.Open()) FEEDMILL_TRY(ingest::SkipLogRecords(files, opened.clock, config.event_log, partition, gap.wanted));
    partitions.push_back({{"partition", partition},
                          {"held", {gap.begin, gap.end}},
                          {"next", std::max(gap.end, gap.wanted.to)},
                          {"changed", gap.Open()}});
  }
  cli::PrintResult(Json{{"partitions", partitions}}.dump());
  return Ok();
}

}  // namespace

void AddLogVerb(CLI::App& app) {
  auto arguments = std::make_shared<LogArguments>();
  CLI::App* verb = app.add_subcommand("log", "the event log: go on after it was damaged, cut or deleted");
  verb->require_subcommand(1);
  CLI::App* repair = verb->add_subcommand(
      "repair", "read all of it; damaged files are kept aside, records that cannot be read are given up and named");
  CLI::App* reset =
      verb->add_subcommand("reset", "after the log was cut or deleted: go on above what has landed in the lake");
  reset->add_flag("--after-landed", arguments->after_landed,
                  "records that are in neither the log nor the lake are given up");
  for (CLI::App* sub : {repair, reset}) {
    sub->add_option("--project", arguments->project, "project folder")->capture_default_str();
    sub->add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  }
  verb->footer(
      "No server may run. Examples:\n  feedmill log repair --project myapp\n  feedmill log reset --after-landed "
      "--project myapp");
  repair->callback([arguments] { cli::Finish(RunRepair(*arguments)); });
  reset->callback([arguments] { cli::Finish(RunReset(*arguments)); });
}

}  // namespace feedmill::app
