#include "app/lake_healer.h"

#include <algorithm>

#include "app/offline_landing.h"
#include "warehouse/interval_store.h"

namespace feedmill::app {
namespace {

using warehouse::Materialization;

constexpr std::string_view kByRun = "the next `feedmill run` makes it again";

HealOutcome Undecided(std::string text) { return {false, std::move(text)}; }

}  // namespace

Result<HealOutcome> LakeHealer::Heal(const DamagedFile& file) {
  if (!file.current) return HealOutcome{true, "only former versions need it; it goes when they expire"};
  const warehouse::Model* model = project_.Find(file.table.substr(file.table.find('.') + 1));
  if (model == nullptr) return Undecided(fmt::format("no model makes {}; restore a backup", file.table));
  // Keys that were given stay with who has them, so that nothing is given again without everything that has them.
  if (model->materialization == Materialization::kAppend) return Rebuild("--dims");
  return file.path.empty() ? HealMetadata(file.table, *model) : HealData(file, *model);
}

Result<HealOutcome> LakeHealer::HealData(const DamagedFile& file, const warehouse::Model& model) const {
  if (model.materialization == Materialization::kExternal) return LandFileAgain(file);
  if (model.materialization == Materialization::kIncremental) return ForgetDay(file, model);
  if (model.materialization == Materialization::kNative) FEEDMILL_TRY(TakeOut(file));
  FEEDMILL_TRY(warehouse::ForgetIntervals(*folder_.store, model.name));
  return HealOutcome{true, std::string(kByRun)};
}

Result<HealOutcome> LakeHealer::HealMetadata(const std::string& table, const warehouse::Model& model) {
  if (!metadata_healed_.insert(table).second) return HealOutcome{true, "goes with the one before"};
  return model.materialization == Materialization::kExternal ? GoBackAndLand(table) : GoBackAndForget(table, model);
}

HealOutcome LakeHealer::Rebuild(std::string_view option) const {
  return Undecided(
      fmt::format("`feedmill rebuild --project {}{}{} --yes` makes it again, with the tables that follow "
                  "from it; or restore a backup",
                  config_.paths.project, option.empty() ? "" : " ", option));
}

HealOutcome LakeHealer::Recover() const {
  return Undecided(
      fmt::format("nothing of it is whole; with the server stopped, `feedmill lake recover --yes --project {}` makes "
                  "the catalog anew from what is whole and lands again what the log has; or restore a backup",
                  config_.paths.project));
}

// The log keeps records for some time after they landed.
Result<HealOutcome> LakeHealer::LandFileAgain(const DamagedFile& file) const {
  const auto lock = DataFolderLock::Take(config_.paths.data);
  if (!lock)
    return Undecided(lock.error().message() + "; with the server stopped it can be written again from the log");
  FEEDMILL_ASSIGN(const auto landing, OfflineLanding::Open(config_, folder_, clock_));
  const Status landed = landing->LandAgain(file.table, file.path);
  if (landed) return HealOutcome{true, "written again from the log"};
  if (!landing->HoldsFrom({})) return GiveUp(file, landed.error());
  HealOutcome outcome = Rebuild("--raw");
  outcome.text = fmt::format("{}; {}", landed.error().message(), outcome.text);
  return outcome;
}

// Nothing but a backup holds its rows as they came, so that going on without them is a person's decision.
Result<HealOutcome> LakeHealer::GiveUp(const DamagedFile& file, const Error& why) const {
  FEEDMILL_ASSIGN(const lake::ScanPlan plan, folder_.catalog->PlanScan(file.table, {}));
  const auto found = std::ranges::find(plan.files, file.path, &lake::DataFile::path);
  if (found == plan.files.end()) return HealOutcome{true, "no longer part of the table"};
  if (!give_up_) {
    return Undecided(
        fmt::format("{}; restore a backup of this file, or `feedmill verify --heal --give-up --project {}` goes on "
                    "without its {} rows and keeps it aside",
                    why.message(), config_.paths.project, found->record_count));
  }
  const std::string aside = config_.paths.Damaged() + file.path.substr(file.path.rfind('/'));
  const auto bytes = io::ReadWholeFile(*folder_.files, file.path);
  if (bytes) {
    FEEDMILL_TRY(folder_.files->CreateDirectories(config_.paths.Damaged()));
    FEEDMILL_TRY(io::WriteFileAtomically(*folder_.files, aside, *bytes));
  }
  FEEDMILL_TRY(TakeOut(file));
  return HealOutcome{true, fmt::format("given up: {} rows; {}", found->record_count,
                                       bytes ? "the file is kept as " + aside : "nothing of it could be read")};
}

// Without a pointer when nothing of the table is whole, its folder included.
Result<lake::FoundTable> LakeHealer::FindWhole(const std::string& table) const {
  auto found = lake::FindTable(*folder_.files, lake_, table);
  if (!found && found.error().kind() == ErrorKind::kNotFound) return lake::FoundTable{};
  return found;
}

Result<HealOutcome> LakeHealer::GoBackAndLand(const std::string& table) {
  const auto lock = DataFolderLock::Take(config_.paths.data);
  if (!lock) return Undecided(lock.error().message() + "; with the server stopped it can be landed again from the log");
  FEEDMILL_ASSIGN(const lake::FoundTable whole, FindWhole(table));
  if (whole.pointer.empty()) return Recover();
  FEEDMILL_ASSIGN(const auto landing, OfflineLanding::Open(config_, folder_, clock_));
  const auto landed = whole.landed.find(config_.landing.stream);
  const Status held = landing->HoldsFrom(landed == whole.landed.end() ? lake::Offsets() : landed->second);
  if (!held) return Undecided(held.error().message() + "; restore a backup");
  FEEDMILL_TRY(lake::GoBack(*folder_.files, *folder_.store, lake_, whole));
  went_back_.insert(table);
  FEEDMILL_TRY(landing->LandAll());
  return HealOutcome{true, fmt::format("went back to its newest whole version, of {} rows, and landed what came after "
                                       "again from the log",
                                       whole.rows)};
}

Result<HealOutcome> LakeHealer::GoBackAndForget(const std::string& table, const warehouse::Model& model) {
  FEEDMILL_ASSIGN(const lake::FoundTable whole, FindWhole(table));
  if (whole.pointer.empty()) return Recover();
  FEEDMILL_TRY(lake::GoBack(*folder_.files, *folder_.store, lake_, whole));
  went_back_.insert(table);
  FEEDMILL_TRY(warehouse::ForgetIntervals(*folder_.store, model.name));
  return HealOutcome{true, fmt::format("went back to its newest whole version, of {} rows; {}", whole.rows, kByRun)};
}

// Native steps make the days again whose rows are not those they should be, so a damaged file leaves the table.
Status LakeHealer::TakeOut(const DamagedFile& file) const {
  lake::CommitRequest request;
  request.operation = lake::CommitRequest::Operation::kReplaceFiles;
  request.replaced_files = {file.path};
  request.summary = {{"feedmill.reason", "damaged"}};
  const auto committed = folder_.catalog->Commit(file.table, request);
  if (committed || committed.error().kind() == ErrorKind::kConflict) return Ok();  // it is no part of it any more
  return std::unexpected(committed.error());
}

// Without the record that it was made, the day is made again; its new files replace the damaged one.
Result<HealOutcome> LakeHealer::ForgetDay(const DamagedFile& file, const warehouse::Model& model) const {
  FEEDMILL_ASSIGN(const lake::ScanPlan plan, folder_.catalog->PlanScan(file.table, {}));
  const auto found = std::ranges::find(plan.files, file.path, &lake::DataFile::path);
  if (found == plan.files.end()) return HealOutcome{true, "no longer part of the table"};
  const std::optional<int64_t> day = found->partition.empty() ? std::nullopt : found->partition[0];
  if (day) {
    FEEDMILL_TRY(
        warehouse::ForgetIntervals(*folder_.store, model.name, *day * kMicrosPerDay, (*day + 1) * kMicrosPerDay));
  } else {
    FEEDMILL_TRY(warehouse::ForgetIntervals(*folder_.store, model.name));
  }
  return HealOutcome{true, std::string(kByRun)};
}

}  // namespace feedmill::app
