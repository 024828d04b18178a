#include "app/verb_verify_lake.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/data_folder.h"
#include "app/lake_check.h"
#include "app/lake_healer.h"
#include "app/work_lock.h"
#include "base/log.h"
#include "base/progress.h"
#include "query/whole_parquet.h"
#include "warehouse/project.h"

namespace feedmill::app {
namespace {

struct VerifyLakeArguments {
  std::string project = ".";
  Overrides overrides;
  bool heal = false;
  bool give_up = false;
};

Result<LakeCheck> Check(const Config& config, const DataFolder& folder) {
  std::optional<Progress> progress;
  LakeCheckHooks hooks;
  hooks.on_bytes = [&](uint64_t done, uint64_t total) {
    if (!progress) progress.emplace("verify", total, "B");
    progress->Set(done);
  };
  hooks.read_whole = [&](const std::string& path) { return query::ReadWholeParquet({path}, config.paths.Temporary()); };
  return CheckLake(*folder.catalog, *folder.files, hooks);
}

uint64_t CountFormer(const LakeCheck& check) {
  return static_cast<uint64_t>(std::ranges::count(check.damaged, false, &DamagedFile::current));
}

void Print(const DamagedFile& file) { fmt::print(stderr, "{}: {}\n", file.table, file.why); }

// What only former versions need is said and is no failure.
Status Report(const LakeCheck& check) {
  for (const DamagedFile& file : check.damaged) {
    Print(file);
    if (!file.current) fmt::print(stderr, "  only former versions need it; it goes when they expire\n");
  }
  const uint64_t current = check.damaged.size() - CountFormer(check);
  if (current == 0) return Ok();
  return Corrupt("{} of {} files are damaged; `feedmill verify --heal` has what can be made again", current,
                 check.files);
}

// How many need a command.
Result<uint64_t> HealAll(const std::vector<DamagedFile>& damaged, LakeHealer* healer) {
  uint64_t undecided = 0;
  for (const DamagedFile& file : damaged) {
    Print(file);
    FEEDMILL_ASSIGN(const HealOutcome outcome, healer->Heal(file));
    fmt::print(stderr, "  {}\n", outcome.text);
    undecided += !outcome.decided;
  }
  return undecided;
}

Status Heal(const Config& config, const DataFolder& folder, const LakeCheck& check, bool give_up) {
  FEEDMILL_ASSIGN(const WorkLock lock,
                  WorkLock::Take(config.paths.data, "feedmill verify --heal", SystemClock().Now()));
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  FEEDMILL_ASSIGN(const auto project, warehouse::LoadProject(*folder.files, config.paths.project, *session));
  LakeHealer healer(config, folder, project, give_up);
  FEEDMILL_ASSIGN(uint64_t undecided, HealAll(check.damaged, &healer));
  if (!healer.went_back().empty()) {
    FEEDMILL_ASSIGN(LakeCheck again, Check(config, folder));
    std::erase_if(again.damaged, [&](const DamagedFile& file) {
      return !file.current || file.path.empty() || !healer.went_back().contains(file.table);
    });
    FEEDMILL_ASSIGN(const uint64_t more, HealAll(again.damaged, &healer));
    undecided += more;
  }
  if (undecided == 0) return Ok();
  return Corrupt("{} damaged files need a command of yours; it stands below each", undecided);
}

Status RunVerifyLake(const VerifyLakeArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const LakeCheck check, Check(config, folder));
  const uint64_t former = CountFormer(check);
  const nlohmann::json json = {{"files", check.files},
                               {"bytes", check.bytes},
                               {"without_checksum", check.unchecked},
                               {"damaged", check.damaged.size() - former},
                               {"damaged_former", former}};
  const Status outcome =
      arguments.heal && !check.damaged.empty() ? Heal(config, folder, check, arguments.give_up) : Report(check);
  cli::PrintResult(json.dump());
  return outcome;
}

}  // namespace

void AddVerifyLakeVerb(CLI::App& app) {
  auto arguments = std::make_shared<VerifyLakeArguments>();
  CLI::App* verb = app.add_subcommand(
      "verify",
      "read every file of the lake and compare it with its checksum; fails when the tables, as they are now, need one "
      "that is damaged");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb->add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  CLI::Option* heal =
      verb->add_flag("--heal", arguments->heal, "have what is damaged made again where that needs no decision");
  verb->add_flag("--give-up", arguments->give_up,
                 "with --heal: raw files that nothing holds a second time leave their table and are kept in "
                 "data/damaged")
      ->needs(heal);
  verb->footer(
      "Exit code 0: the tables are whole (a damaged file that only former versions need is named, and goes with them); "
      "with --heal: they are, or the next run makes them so. 1: they are not; with --heal: a command of yours is "
      "needed, which is named.\nExample:\n  feedmill verify --project myapp --heal && feedmill run --project myapp");
  verb->callback([arguments] { cli::Finish(RunVerifyLake(*arguments)); });
}

}  // namespace feedmill::app
