#include "lake/catalog.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <utility>

#include "lake/catalog_internal.h"
#include "lake/expire.h"
#include "lake/inventory.h"
#include "lake/location_rewriter.h"
#include "lake/metadata_json.h"
#include "lake/run_tables.h"
#include "lake/scan_plan.h"
#include "lake/snapshot_builder.h"
#include "lake/staged_pointers_internal.h"

namespace feedmill::lake {
namespace {

constexpr size_t kTableNameMax = 128;
// What to do about a table that cannot be read.
constexpr std::string_view kWayOut =
    "way out: a backup, or, with the server stopped, `feedmill lake recover --yes` (keeps meta.db aside, makes the "
    "catalog anew from what is whole, and lands again what the log has)";

// "namespace.name", both of lower-case letters, digits and underscores: they become folders.
Status CheckTableName(const std::string& table) {
  const auto point = table.find('.');
  bool valid = table.size() <= kTableNameMax && point != std::string::npos && point > 0 && point + 1 < table.size();
  for (size_t i = 0; i < table.size(); ++i) {
    const char c = table[i];
    valid = valid && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || i == point);
  }
  if (valid) return Ok();
  return InvalidArgument("table name '{}': allowed is namespace.name of a-z, 0-9 and _, up to {} characters", table,
                         kTableNameMax);
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined.empty() ? "none" : joined;
}

Micros WholeMillis(Micros at) { return at / kMicrosPerMilli * kMicrosPerMilli; }

Status AppendColumns(const Schema& columns, TableMetadata* metadata, bool* changed) {
  TableSchema next = *metadata->FindSchema(metadata->current_schema_id);
  Schema added;
  for (const Column& column : columns) {
    const Column* existing = FindColumn(next.columns, column.name);
    if (existing == nullptr) {
      if (column.required)
        return InvalidArgument("column '{}': an added column must be optional, old rows have no value", column.name);
      added.push_back(column);
    } else if (existing->type != column.type) {
      return InvalidArgument("column '{}' is {}, found {}", column.name, ColumnTypeName(existing->type),
                             ColumnTypeName(column.type));
    }
  }
  *changed = !added.empty();
  if (added.empty()) return Ok();
  AssignColumnIds(&added, &metadata->last_column_id);
  next.columns.insert(next.columns.end(), added.begin(), added.end());
  for (const TableSchema& schema : metadata->schemas) next.id = std::max(next.id, schema.id + 1);
  metadata->current_schema_id = next.id;
  metadata->schemas.push_back(std::move(next));
  return Ok();
}

}  // namespace

FileCatalog::FileCatalog(io::FileSystem& files, std::unique_ptr<PointerStore> pointers, const Clock& clock,
                         CatalogOptions options, bool staged)
    : confined_(files, {options.warehouse}),
      files_(confined_),
      pointers_(std::move(pointers)),
      clock_(clock),
      options_(std::move(options)),
      staged_(staged),
      ids_(options_.id_seed) {}

Result<std::vector<std::string>> FileCatalog::ListTables() { return pointers_->List(); }

Result<FileCatalog::Current> FileCatalog::ReadCurrent(const std::string& table) {
  Current current;
  auto location = pointers_->Location(table);
  if (!location && location.error().kind() == ErrorKind::kNotFound) {
    FEEDMILL_ASSIGN(auto names, pointers_->List());
    return NotFound("table '{}' does not exist; there are: {}", table, JoinNames(names));
  }
  if (!location) return std::unexpected(location.error());
  FEEDMILL_ASSIGN(current.location, PathOf(table, *location));
  auto metadata = files_.ReadMetadata(current.location);
  if (!metadata) {
    // Somebody may have made the table at home meanwhile and removed the former files.
    const auto now = pointers_->Location(table);
    return now && *now != *location ? ReadCurrent(table) : Damaged(table, metadata.error());
  }
  current.metadata = std::move(*metadata);
  return current;
}

// The catalog has the table, so that what is not there is damage, and not a table that does not exist.
std::unexpected<Error> FileCatalog::Damaged(const std::string& table, const Error& error) const {
  if (error.kind() != ErrorKind::kNotFound && error.kind() != ErrorKind::kCorrupt) return std::unexpected(error);
  return Corrupt("table '{}' cannot be read: {}; {}", table, error.message(), kWayOut);
}

Result<std::string> FileCatalog::PathOf(const std::string& table, const std::string& pointer) const {
  const auto path = std::filesystem::path(pointer).lexically_normal();
  if (!path.is_relative() || path.empty() || *path.begin() == "..") {
    return Corrupt("table '{}': its pointer is '{}', allowed is a path below {}", table, pointer, options_.warehouse);
  }
  return options_.warehouse + "/" + path.string();
}

std::string FileCatalog::PointerOf(const std::string& path) const { return path.substr(options_.warehouse.size() + 1); }

Result<FileCatalog::Current> FileCatalog::ReadForChange(const std::string& table) {
  std::vector<std::string> replaced;
  FEEDMILL_TRY(Adopt(table, &replaced));
  RemoveReplaced(replaced);
  return ReadCurrent(table);
}

Result<int> FileCatalog::AdoptTables() {
  FEEDMILL_ASSIGN(const auto tables, pointers_->List());
  int adopted = 0;
  std::optional<Error> first;
  std::vector<std::string> replaced;
  for (const std::string& table : tables) {
    MutexLock lock(commit_mutex_);
    const Result<bool> changed = Adopt(table, &replaced);
    if (!changed && !first) first = changed.error();
    adopted += changed.value_or(false);
  }
  RemoveReplaced(replaced);
  if (first) return std::unexpected(*first);
  return adopted;
}

// Whoever loses the store's log of late changes has pointers that lead to the former files: these go once the new
// pointers stand in the store itself, and otherwise stay until they are old enough to be orphans.
void FileCatalog::RemoveReplaced(const std::vector<std::string>& paths) {
  if (!paths.empty() && pointers_->Settle().value_or(false)) files_.RemoveUnused(paths);
}

Result<bool> FileCatalog::Adopt(const std::string& table, std::vector<std::string>* replaced) {
  for (int attempt = 0; attempt < options_.commit_attempts_max; ++attempt) {
    FEEDMILL_ASSIGN(const Current base, ReadCurrent(table));
    if (!TableFiles::IsMoved(*base.metadata)) return false;
    LocationRewriter rewriter(files_, ids_, *base.metadata);
    auto next = rewriter.Rewrite();
    if (!next) {
      files_.RemoveUnused(rewriter.written());
      return Damaged(table, next.error().WithContext("made at home where it was moved to"));
    }
    PointerChange change;
    change.table = table;
    Current published;
    FEEDMILL_ASSIGN(const Attempt outcome, Publish(base, std::move(*next), std::move(change), &published));
    if (outcome == Attempt::kDone) {
      replaced->insert(replaced->end(), rewriter.replaced().begin(), rewriter.replaced().end());
      return true;
    }
    files_.RemoveUnused(rewriter.written());
  }
  return Conflict("table '{}': other commits came first {} times", table, options_.commit_attempts_max);
}

Result<TableDescription> FileCatalog::Describe(const std::string& table, const Current& current) const {
  const TableMetadata& metadata = *current.metadata;
  TableDescription description;
  description.name = table;
  description.location = metadata.location;
  description.uuid = metadata.uuid;
  description.schema = metadata.CurrentSchema();
  FEEDMILL_ASSIGN(description.partition_spec, UnbindSpec(metadata.DefaultSpec(), description.schema));
  description.snapshots = metadata.snapshots;
  description.current_snapshot_id = metadata.current_snapshot_id;
  description.properties = metadata.properties;
  description.metadata_location = current.location;
  return description;
}

Result<TableDescription> FileCatalog::Load(const std::string& table) {
  FEEDMILL_ASSIGN(Current current, ReadCurrent(table));
  return Describe(table, current);
}

std::string FileCatalog::NextLocation(const TableMetadata& metadata, const std::string& location) {
  const std::string name = std::filesystem::path(location).filename().string();
  int64_t version = -1;
  std::from_chars(name.data(), name.data() + name.size(), version);
  return fmt::format("{}/metadata/{:05d}-{}.metadata.json", metadata.location, version + 1, ids_.Uuid());
}

Result<TableDescription> FileCatalog::Create(const std::string& table, const Schema& schema,
                                             const PartitionSpec& partition_spec) {
  FEEDMILL_TRY(CheckTableName(table));
  FEEDMILL_TRY(CheckSchema(schema));
  TableMetadata metadata;
  metadata.uuid = ids_.Uuid();
  metadata.location = metadata.recorded_location = FolderOf(table);
  metadata.last_updated = WholeMillis(clock_.Now());
  TableSchema first{0, schema};
  AssignColumnIds(&first.columns, &metadata.last_column_id);
  FEEDMILL_ASSIGN(TableSpec spec, BindSpec(partition_spec, first.columns));
  metadata.last_partition_id += static_cast<int>(spec.fields.size());
  metadata.schemas.push_back(std::move(first));
  metadata.specs.push_back(std::move(spec));

  if (pointers_->Location(table)) return AlreadyExists("table '{}' exists", table);
  const std::string folder = metadata.location + "/metadata";
  FEEDMILL_TRY(files_.file_system().CreateDirectories(folder));
  Current created{NextLocation(metadata, ""), std::make_shared<const TableMetadata>(metadata)};
  FEEDMILL_TRY(files_.WriteNew(created.location, WriteMetadataJson(metadata)));
  FEEDMILL_TRY(files_.SyncFolder(folder));
  auto inserted = pointers_->Insert(table, PointerOf(created.location));
  if (!inserted) {
    if (inserted.error().kind() == ErrorKind::kAlreadyExists) files_.RemoveUnused({created.location});
    return std::unexpected(inserted.error());
  }
  return Describe(table, created);
}

std::string FileCatalog::FolderOf(const std::string& table) const {
  const auto point = table.find('.');
  return fmt::format("{}/{}/{}", options_.warehouse, table.substr(0, point), table.substr(point + 1));
}

Status FileCatalog::Drop(const std::string& table, bool purge) {
  // A table whose metadata cannot be read can be dropped too: its files stand where its name says.
  const Result<Current> current = ReadCurrent(table);
  if (!current && !pointers_->Location(table)) return std::unexpected(current.error());
  FEEDMILL_TRY(pointers_->Delete(table));
  // The folder of a staged table is that of the published one.
  if (!purge || staged_) return Ok();
  return files_.file_system().RemoveAll(current ? current->metadata->location : FolderOf(table));
}

Result<TableDescription> FileCatalog::AddColumns(const std::string& table, const Schema& columns) {
  FEEDMILL_TRY(CheckSchema(columns));
  FEEDMILL_ASSIGN(Current current, Update(table, [&](TableMetadata& metadata) -> Result<bool> {
                    bool changed = false;
                    FEEDMILL_TRY(AppendColumns(columns, &metadata, &changed));
                    return changed;
                  }));
  return Describe(table, current);
}

Result<FileCatalog::Current> FileCatalog::Update(const std::string& table, const Change& change) {
  MutexLock lock(commit_mutex_);
  for (int attempt = 0; attempt < options_.commit_attempts_max; ++attempt) {
    FEEDMILL_ASSIGN(Current base, ReadForChange(table));
    TableMetadata next = *base.metadata;
    FEEDMILL_ASSIGN(bool changed, change(next));
    if (!changed) return base;
    next.last_updated = std::max(WholeMillis(clock_.Now()), base.metadata->last_updated);
    PointerChange swap;
    swap.table = table;
    Current published;
    FEEDMILL_ASSIGN(Attempt outcome, Publish(base, std::move(next), std::move(swap), &published));
    if (outcome == Attempt::kDone) return published;
  }
  return Conflict("table '{}': other commits came first {} times", table, options_.commit_attempts_max);
}

Result<FileCatalog::Attempt> FileCatalog::Publish(const Current& base, TableMetadata next, PointerChange change,
                                                  Current* published) {
  next.metadata_log.push_back({base.metadata->last_updated, base.location});
  std::vector<std::string> outdated;
  while (static_cast<int64_t>(next.metadata_log.size()) > options_.metadata_versions_kept_max) {
    outdated.push_back(next.metadata_log.front().location);
    next.metadata_log.erase(next.metadata_log.begin());
  }
  const std::string location = NextLocation(next, base.location);
  change.expected_location = PointerOf(base.location);
  change.location = PointerOf(location);
  FEEDMILL_TRY(files_.WriteNew(location, WriteMetadataJson(next)));
  // One sync of the folder makes the names of metadata, manifest list and manifests durable before the pointer names
  // them.
  FEEDMILL_TRY(files_.SyncFolder(next.location + "/metadata"));
  auto outcome = pointers_->Swap(change);
  if (!outcome) {
    if (outcome.error().kind() == ErrorKind::kConflict) files_.RemoveUnused({location});
    return std::unexpected(outcome.error());
  }
  if (*outcome == SwapOutcome::kPointerMoved) {
    files_.RemoveUnused({location});
    return Attempt::kMoved;
  }
  files_.RemoveUnused(outdated);
  *published = {location, std::make_shared<const TableMetadata>(std::move(next))};
  files_.Remember(location, published->metadata);
  return Attempt::kDone;
}

Result<Snapshot> FileCatalog::Commit(const std::string& table, const CommitRequest& request) {
  FEEDMILL_ASSIGN(Current before, ReadCurrent(table));
  int64_t snapshot_id = ids_.SnapshotId();
  if (request.landing) {
    FEEDMILL_ASSIGN(PreparedBatch batch, pointers_->PrepareBatch(table, request.landing->batch_id, snapshot_id));
    snapshot_id = batch.snapshot_id;
    if (batch.committed) {
      FEEDMILL_ASSIGN(Current now, ReadCurrent(table));
      const Snapshot* committed = now.metadata->FindSnapshot(snapshot_id);
      if (committed != nullptr) return *committed;
      // Committed and expired since.
      Snapshot expired;
      expired.id = snapshot_id;
      return expired;
    }
  }
  FEEDMILL_TRY(files_.SyncDataFiles(request.files, before.metadata->location));
  MutexLock lock(commit_mutex_);
  for (int attempt = 0; attempt < options_.commit_attempts_max; ++attempt) {
    FEEDMILL_ASSIGN(auto snapshot, CommitOnce(table, request, snapshot_id));
    if (snapshot) return std::move(*snapshot);
  }
  return Conflict("table '{}': other commits came first {} times", table, options_.commit_attempts_max);
}

Result<std::optional<Snapshot>> FileCatalog::CommitOnce(const std::string& table, const CommitRequest& request,
                                                        int64_t snapshot_id) {
  FEEDMILL_ASSIGN(Current base, ReadForChange(table));
  // An earlier attempt whose outcome was not known has succeeded after all.
  if (const Snapshot* found = base.metadata->FindSnapshot(snapshot_id)) return *found;
  SnapshotBuilderOptions options;
  options.snapshot_id = snapshot_id;
  options.now = clock_.Now();
  options.small_manifests_max = options_.small_manifests_max;
  SnapshotBuilder builder(files_, ids_, *base.metadata, request, options);
  auto next = builder.Build();
  if (!next) {
    files_.RemoveUnused(builder.written());
    return Damaged(table, next.error());
  }
  Snapshot snapshot = next->snapshots.back();
  PointerChange change;
  change.table = table;
  change.snapshot_id = snapshot_id;
  change.landing = request.landing;
  const auto run = request.summary.find(kRunSummary);
  if (run != request.summary.end()) change.run_id = run->second;
  Current published;
  auto outcome = Publish(base, std::move(*next), std::move(change), &published);
  if (outcome && *outcome == Attempt::kDone) return snapshot;
  if (outcome || outcome.error().kind() == ErrorKind::kConflict) files_.RemoveUnused(builder.written());
  if (outcome) return std::nullopt;
  if (outcome.error().kind() == ErrorKind::kConflict) return std::unexpected(outcome.error());
  // The outcome is unknown: the pointer tells. What was written stays, for it may be what the pointer names.
  auto after = ReadCurrent(table);
  if (after && after->metadata->FindSnapshot(snapshot_id) != nullptr) return snapshot;
  return std::unexpected(outcome.error().WithContext(fmt::format("commit of snapshot {} to '{}'", snapshot_id, table)));
}

Result<ScanPlan> FileCatalog::PlanScan(const std::string& table, const std::vector<RangeFilter>& filters,
                                       std::optional<int64_t> snapshot_id) {
  FEEDMILL_ASSIGN(Current current, ReadCurrent(table));
  auto plan = PlanIn(current, table, filters, snapshot_id);
  if (plan) return plan;
  // Somebody may have written the table's files anew meanwhile and removed the former ones.
  FEEDMILL_ASSIGN(const Current now, ReadCurrent(table));
  return now.location == current.location ? plan : PlanIn(now, table, filters, snapshot_id);
}

Result<ScanPlan> FileCatalog::PlanIn(const Current& current, const std::string& table,
                                     const std::vector<RangeFilter>& filters, std::optional<int64_t> snapshot_id) {
  const Snapshot* snapshot = current.metadata->CurrentSnapshot();
  if (snapshot_id == 0) {
    snapshot = nullptr;
  } else if (snapshot_id) {
    snapshot = current.metadata->FindSnapshot(*snapshot_id);
    if (snapshot == nullptr) return NotFound("table '{}' has no snapshot {}; it may have expired", table, *snapshot_id);
  }
  auto plan = MakeScanPlan(files_, *current.metadata, snapshot, filters);
  if (!plan) return Damaged(table, plan.error());
  return plan;
}

Result<std::map<uint32_t, uint64_t>> FileCatalog::LandedOffsets(const std::string& table, const std::string& stream) {
  return pointers_->LandedOffsets(table, stream);
}

Result<int64_t> FileCatalog::AcquireWriterEpoch(const std::string& stream) {
  return pointers_->RaiseWriterEpoch(stream);
}

Result<int64_t> FileCatalog::CurrentWriterEpoch(const std::string& stream) { return pointers_->WriterEpoch(stream); }

Status FileCatalog::ExpireSnapshots(const std::string& table, Micros older_than, int keep_min) {
  std::vector<Snapshot> expired;
  FEEDMILL_ASSIGN(Current current, Update(table, [&](TableMetadata& metadata) -> Result<bool> {
                    FEEDMILL_ASSIGN(const std::set<int64_t> pinned, pointers_->PinnedSnapshots(table));
                    expired = RemoveExpired({older_than, keep_min, pinned, options_.snapshots_kept_max}, &metadata);
                    return !expired.empty();
                  }));
  if (expired.empty()) return Ok();
  FEEDMILL_ASSIGN(auto unused, FilesOnlyUsedBy(expired, *current.metadata, files_));
  files_.RemoveUnused(unused);
  return Ok();
}

Result<std::string> FileCatalog::DataFolder(const std::string& table) {
  FEEDMILL_ASSIGN(Current current, ReadCurrent(table));
  std::string folder = current.metadata->location + "/data";
  FEEDMILL_TRY(files_.file_system().CreateDirectories(folder));
  return folder;
}

Result<Inventory> FileCatalog::TakeInventory(const std::string& table) {
  FEEDMILL_ASSIGN(const std::string pointer, pointers_->Location(table));
  FEEDMILL_ASSIGN(const std::string path, PathOf(table, pointer));
  return lake::TakeInventory(confined_, path);
}

namespace {

CatalogOptions Absolute(CatalogOptions options) {
  options.warehouse = io::RealPath(options.warehouse);
  return options;
}

}  // namespace

Result<std::unique_ptr<Catalog>> OpenCatalog(io::FileSystem& files, meta::Store& store, const Clock& clock,
                                             const CatalogOptions& options) {
  return std::make_unique<FileCatalog>(files, MakeSqlPointerStore(store), clock, Absolute(options));
}

Result<std::unique_ptr<Catalog>> OpenStagedCatalog(io::FileSystem& files, meta::Store& store, const Clock& clock,
                                                   const CatalogOptions& options, const std::string& run_id) {
  FEEDMILL_ASSIGN(auto pointers, MakeStagedPointers(store, run_id));
  return std::make_unique<FileCatalog>(files, std::move(pointers), clock, Absolute(options), true);
}

}  // namespace feedmill::lake
