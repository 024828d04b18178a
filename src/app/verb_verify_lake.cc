#include "app/verb_verify_lake.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/data_folder.h"
#include "app/lake_check.h"
#include "app/offline_landing.h"
#include "app/project.h"
#include "base/log.h"
#include "base/progress.h"
#include "warehouse/interval_store.h"
#include "warehouse/project.h"

namespace feedmill::app {
namespace {

struct VerifyLakeArguments {
  std::string project = ".";
  Overrides overrides;
  bool heal = false;
};

constexpr std::string_view kHealedByRun = "the next `feedmill run` makes it again";

// What is to be done about one damaged file, and the part of it that needs no hand.
class Healer {
 public:
  Healer(const Config& config, const DataFolder& folder, const warehouse::Project& project)
      : config_(config), folder_(folder), project_(project) {}

  Result<std::string> Heal(const DamagedFile& file) const {
    if (!file.current) return std::string("only former versions need it; it goes when they expire");
    const std::string name = file.table.substr(file.table.find('.') + 1);
    const warehouse::Model* model = project_.Find(name);
    if (model == nullptr) return fmt::format("no model makes {}; restore a backup", file.table);
    switch (model->materialization) {
      case warehouse::Materialization::kExternal:
        return LandAgain(file);
      case warehouse::Materialization::kAppend:
        return RebuildAdvice("--dims", "with the tables that follow from it");
      case warehouse::Materialization::kIncremental:
        return ForgetDay(*model, file);
      case warehouse::Materialization::kFull:
      case warehouse::Materialization::kNative:
        break;
    }
    if (file.path.empty()) return RebuildAdvice("", "with the tables that follow from it");
    FEEDMILL_TRY(warehouse::ForgetIntervals(*folder_.store, model->name));
    if (model->materialization == warehouse::Materialization::kFull) return std::string(kHealedByRun);
    return fmt::format(
        "the next `feedmill run` makes what is new again; days before: `feedmill backfill --project {} "
        "--start <day> --select {}`",
        config_.paths.project, model->name);
  }

 private:
  std::string RebuildAdvice(std::string_view option, std::string_view how) const {
    return fmt::format("`feedmill rebuild --project {}{}{}` makes it again, {}; or restore a backup",
                       config_.paths.project, option.empty() ? "" : " ", option, how);
  }

  // The log keeps records for some time after they landed.
  Result<std::string> LandAgain(const DamagedFile& file) const {
    const auto lock = DataFolderLock::Take(config_.paths.data);
    if (!lock)
      return fmt::format("{}; with the server stopped it can be written again from the log", lock.error().message());
    FEEDMILL_ASSIGN(const auto landing, OfflineLanding::Open(config_, folder_, clock_));
    const Status landed = file.path.empty() ? Status(NotFound("the log cannot tell its rows"))
                                            : landing->LandAgain(file.table, file.path);
    if (landed) return std::string("written again from the log");
    return fmt::format("{}; {}", landed.error().message(),
                       RebuildAdvice("--raw", "from the log, which must have everything from record 0 on"));
  }

  // Without the record that it was made, the day is made again; its new files replace the damaged one.
  Result<std::string> ForgetDay(const warehouse::Model& model, const DamagedFile& file) const {
    if (file.path.empty()) return RebuildAdvice("", "with the tables that follow from it");
    FEEDMILL_ASSIGN(const lake::ScanPlan plan, folder_.catalog->PlanScan(file.table, {}));
    const auto found = std::ranges::find(plan.files, file.path, &lake::DataFile::path);
    if (found == plan.files.end()) return std::string("no longer part of the table");
    const std::optional<int64_t> day = found->partition.empty() ? std::nullopt : found->partition[0];
    if (day) {
      FEEDMILL_TRY(
          warehouse::ForgetIntervals(*folder_.store, model.name, *day * kMicrosPerDay, (*day + 1) * kMicrosPerDay));
    } else {
      FEEDMILL_TRY(warehouse::ForgetIntervals(*folder_.store, model.name));
    }
    return std::string(kHealedByRun);
  }

  const Config& config_;
  const DataFolder& folder_;
  const warehouse::Project& project_;
  SystemClock clock_;
};

Result<LakeCheck> Check(const DataFolder& folder) {
  std::optional<Progress> progress;
  auto check = CheckLake(*folder.catalog, *folder.files, [&](uint64_t done, uint64_t total) {
    if (!progress) progress.emplace("verify", total, "B");
    progress->Set(done);
  });
  return check;
}

Status Report(const VerifyLakeArguments& arguments, const Config& config, const DataFolder& folder,
              const LakeCheck& check) {
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  FEEDMILL_ASSIGN(const auto project, warehouse::LoadProject(*folder.files, config.paths.project, *session));
  const Healer healer(config, folder, project);
  for (const DamagedFile& file : check.damaged) {
    fmt::print(stderr, "{}: {}\n", file.table, file.why);
    if (!arguments.heal) continue;
    FEEDMILL_ASSIGN(const std::string done, healer.Heal(file));
    fmt::print(stderr, "  {}\n", done);
  }
  return Corrupt("{} of {} files are damaged{}", check.damaged.size(), check.files,
                 arguments.heal ? "" : "; `feedmill verify --heal` has what can be made again");
}

Status RunVerifyLake(const VerifyLakeArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const LakeCheck check, Check(folder));
  const nlohmann::json json = {{"files", check.files},
                               {"bytes", check.bytes},
                               {"without_checksum", check.unchecked},
                               {"damaged", check.damaged.size()}};
  const Status outcome = check.damaged.empty() ? Ok() : Report(arguments, config, folder, check);
  cli::PrintResult(json.dump());
  return outcome;
}

}  // namespace

void AddVerifyLakeVerb(CLI::App& app) {
  auto arguments = std::make_shared<VerifyLakeArguments>();
  CLI::App* verb = app.add_subcommand(
      "verify", "read every file of the lake and compare it with its checksum; fails when one is damaged");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb->add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  verb->add_flag("--heal", arguments->heal, "have what is damaged made again where that needs no decision");
  verb->footer("Example:\n  feedmill verify --project myapp --heal && feedmill run --project myapp");
  verb->callback([arguments] { cli::Finish(RunVerifyLake(*arguments)); });
}

}  // namespace feedmill::app
