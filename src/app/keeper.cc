#include "app/keeper.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "base/log.h"
#include "ingest/event_tables.h"
#include "jobs/run_store.h"
#include "lake/orphans.h"
#include "lake/run_tables.h"
#include "registry/forget_bundle.h"
#include "warehouse/interval_store.h"

namespace feedmill::app {
namespace {

namespace fs = std::filesystem;

constexpr Micros kHour = kMicrosPerHour;

// Of a file or folder, by the machine's own clock.
Micros AgeOf(const fs::path& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (error) return 0;
  return std::chrono::duration_cast<std::chrono::microseconds>(fs::file_time_type::clock::now() - written).count();
}

// Removes what `names` of the folder says and is older; a folder that is not there holds nothing.
Result<uint64_t> RemoveOld(io::FileSystem& files, const std::string& folder, Micros age_min,
                           const std::function<bool(const std::string&)>& names) {
  FEEDMILL_ASSIGN(const bool exists, files.Exists(folder));
  if (!exists) return 0;
  FEEDMILL_ASSIGN(const auto found, files.List(folder));
  uint64_t removed = 0;
  for (const std::string& name : found) {
    const std::string path = fmt::format("{}/{}", folder, name);
    if (!names(name) || AgeOf(path) < age_min) continue;
    FEEDMILL_TRY(files.RemoveAll(path));
    ++removed;
  }
  return removed;
}

std::vector<std::vector<std::optional<int64_t>>> HoursOf(const std::vector<lake::DataFile>& files, int64_t before) {
  std::set<int64_t> hours;
  for (const lake::DataFile& file : files) {
    if (file.partition.size() == 1 && file.partition[0] && *file.partition[0] < before)
      hours.insert(*file.partition[0]);
  }
  std::vector<std::vector<std::optional<int64_t>>> partitions;
  for (const int64_t hour : hours) partitions.push_back({hour});
  return partitions;
}

// Hours of the raw table that are too old, taken out in one commit.
Result<uint64_t> DropHours(lake::Catalog& catalog, const std::string& table, Micros before) {
  const auto described = catalog.Load(table);
  if (!described && described.error().kind() == ErrorKind::kNotFound) return 0;
  if (!described) return std::unexpected(described.error());
  if (described->partition_spec.size() != 1 || described->partition_spec[0].transform != lake::Transform::kHour)
    return 0;
  FEEDMILL_ASSIGN(const auto plan,
                  catalog.PlanScan(table, {{described->partition_spec[0].column, std::nullopt, before}}));
  lake::CommitRequest request;
  request.operation = lake::CommitRequest::Operation::kReplacePartitions;
  request.replaced_partitions = HoursOf(plan.files, before / kHour);
  if (request.replaced_partitions.empty()) return 0;
  request.summary = {{"feedmill.reason", "retention.raw"}};
  FEEDMILL_TRY(catalog.Commit(table, request));
  return request.replaced_partitions.size();
}

}  // namespace

Keeper::Keeper(const Config& config, DataFolder& folder, const Clock& clock, const Clock& system,
               MetricsRegistry& metrics)
    : config_(config), folder_(folder), clock_(clock), system_(system), metrics_(metrics), files_(*folder.files) {}

Status Keeper::Note(const std::string& part, const Result<uint64_t>& removed) {
  metrics_
      .GetCounter("feedmill_keeper_removed_total", "Files, folders or records whose retention was over.",
                  {{"part", part}})
      .Add(removed.value_or(0));
  if (!removed)
    metrics_.GetCounter("feedmill_keeper_failures_total", "Looks of the keeper that failed.", {{"part", part}}).Add();
  if (removed.value_or(0) > 0) log::Info("retention was over", {{"part", part}, {"removed", *removed}});
  const MutexLock lock(mutex_);
  KeeperPart& figures = parts_[part];
  figures.removed += removed.value_or(0);
  figures.looked_at = system_.Now();
  figures.error = removed ? "" : removed.error().message();
  return removed ? Ok() : Status(std::unexpected(removed.error()));
}

Status Keeper::ExpireSnapshots() {
  FEEDMILL_ASSIGN(const auto tables, folder_.catalog->ListTables());
  Status first = Ok();
  const Micros before = clock_.Now() - config_.retention.snapshots;
  for (const std::string& table : tables) {
    const Status expired = folder_.catalog->ExpireSnapshots(table, before, config_.retention.snapshots_min);
    if (!expired && first) first = std::unexpected(expired.error().WithContext(table));
  }
  return Note("snapshots", first ? Result<uint64_t>(0) : std::unexpected(first.error()));
}

Status Keeper::Sweep() {
  const std::pair<const char*, Result<uint64_t> (Keeper::*)()> parts[] = {
      {"bundles", &Keeper::Bundles}, {"training", &Keeper::Training},   {"temporary", &Keeper::Temporary},
      {"runs", &Keeper::Runs},       {"intervals", &Keeper::Intervals}, {"raw", &Keeper::Raw}};
  Status first = Ok();
  for (const auto& [name, look] : parts) {
    const Status noted = Note(name, (this->*look)());
    if (!noted && first) first = std::unexpected(noted.error().WithContext(name));
  }
  for (const auto& [part, bytes] : DiskByPart(config_.paths.data)) {
    metrics_.GetGauge("feedmill_disk_bytes", "Bytes of the data folder.", {{"part", part}})
        .Set(static_cast<double>(bytes));
  }
  return first;
}

// The newest stay, and the live one. A folder without a record is what a builder or a keeper that was killed has left.
Result<uint64_t> Keeper::Bundles() {
  FEEDMILL_ASSIGN(const auto bundles, folder_.registry->List());
  std::set<std::string> recorded;
  for (const registry::BundleRow& bundle : bundles) recorded.insert(bundle.id);
  FEEDMILL_ASSIGN(uint64_t removed, RemoveOld(files_, config_.paths.Bundles(), config_.retention.temporary,
                                              [&](const std::string& name) { return !recorded.contains(name); }));
  for (size_t i = static_cast<size_t>(config_.retention.bundles_min); i < bundles.size(); ++i) {
    const registry::BundleRow& bundle = bundles[i];
    if (bundle.state == "live" || bundle.created_at >= system_.Now() - config_.retention.bundles) continue;
    // The record first: nobody may go back to a bundle whose files are gone.
    FEEDMILL_TRY(registry::ForgetBundle(*folder_.store, bundle.id));
    FEEDMILL_TRY(files_.RemoveAll(config_.paths.Bundles() + "/" + bundle.id));
    ++removed;
  }
  return removed;
}

Result<uint64_t> Keeper::Training() {
  return RemoveOld(files_, config_.paths.Temporary(), config_.retention.training,
                   [](const std::string& name) { return name.starts_with("training-"); });
}

// Spilled rows of the SQL engine, and a live state whose making was cut short.
Result<uint64_t> Keeper::Temporary() {
  return RemoveOld(files_, config_.paths.Temporary(), config_.retention.temporary,
                   [](const std::string& name) { return name.starts_with("duckdb_temp") || name == "state"; });
}

Result<uint64_t> Keeper::Runs() {
  const Micros before = system_.Now() - config_.retention.runs;
  FEEDMILL_ASSIGN(const auto runs, jobs::ForgetRuns(*folder_.store, before, config_.retention.runs_min));
  for (const std::string& run : runs) {
    const std::string report = config_.paths.Runs() + "/" + run + ".json";
    FEEDMILL_ASSIGN(const bool exists, files_.Exists(report));
    if (exists) FEEDMILL_TRY(files_.Remove(report));
  }
  // What a run that did not succeed has pinned is kept as long as snapshots are.
  FEEDMILL_ASSIGN(const auto pinned, lake::RunsWithTables(*folder_.store));
  for (const std::string& run : pinned) {
    const auto record = jobs::LoadRun(*folder_.store, run);
    if (!record && record.error().kind() != ErrorKind::kNotFound) return std::unexpected(record.error());
    const bool over =
        record && record->state != "running" && record->started_at < system_.Now() - config_.retention.snapshots;
    if (over) FEEDMILL_TRY(lake::ForgetRun(*folder_.store, run));
  }
  return runs.size();
}

Result<uint64_t> Keeper::Intervals() {
  FEEDMILL_ASSIGN(const auto tables, folder_.catalog->ListTables());
  return warehouse::ForgetIntervalsOfOthers(*folder_.store, tables, system_.Now() - config_.retention.intervals);
}

Result<uint64_t> Keeper::Raw() {
  if (config_.retention.raw == 0) return 0;
  uint64_t removed = 0;
  for (const std::string_view table : ingest::kRawTables) {
    FEEDMILL_ASSIGN(const uint64_t hours,
                    DropHours(*folder_.catalog, std::string(table), clock_.Now() - config_.retention.raw));
    removed += hours;
  }
  return removed;
}

Status Keeper::RemoveOrphans() {
  std::vector<std::unique_ptr<lake::Catalog>> staged;
  std::vector<lake::Catalog*> catalogs = {folder_.catalog.get()};
  FEEDMILL_ASSIGN(const auto runs, lake::RunsWithTables(*folder_.store));
  for (const std::string& run : runs) {
    lake::CatalogOptions options;
    options.warehouse = config_.paths.Lake();
    FEEDMILL_ASSIGN(auto catalog, lake::OpenStagedCatalog(files_, *folder_.store, clock_, options, run));
    catalogs.push_back(catalog.get());
    staged.push_back(std::move(catalog));
  }
  const auto report =
      lake::ScanOrphans(files_, catalogs, {config_.retention.orphans, !config_.retention.orphans_dry_run});
  if (!report) return Note("orphans", std::unexpected(report.error()));
  if (report->files > 0) {
    log::Info(config_.retention.orphans_dry_run ? "files that nothing refers to were found"
                                                : "files that nothing refers to were removed",
              {{"files", report->files}, {"bytes", report->bytes}, {"first", report->paths.front()}});
  }
  metrics_.GetGauge("feedmill_lake_unknown_files", "Files below tables that are of no kind this program writes.")
      .Set(static_cast<double>(report->unknown));
  return Note("orphans", config_.retention.orphans_dry_run ? 0 : static_cast<uint64_t>(report->files));
}

std::map<std::string, KeeperPart> Keeper::Figures() const {
  const MutexLock lock(mutex_);
  return parts_;
}

std::map<std::string, uint64_t> DiskByPart(const std::string& data_folder) {
  static const std::set<std::string> kParts = {"log", "lake", "state", "features", "bundles", "runs", "tmp"};
  std::map<std::string, uint64_t> bytes;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(data_folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;  // files come and go meanwhile
    if (!entry->is_regular_file(gone)) continue;
    const std::string path = entry->path().string().substr(data_folder.size() + 1);
    const std::string first = path.substr(0, path.find('/'));
    const std::string part = kParts.contains(first) ? first : first.starts_with("meta.db") ? "meta" : "other";
    const auto size = entry->file_size(gone);
    if (!gone) bytes[part] += size;
  }
  return bytes;
}

}  // namespace feedmill::app
