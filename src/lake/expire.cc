#include "lake/expire.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace feedmill::lake {

std::vector<Snapshot> RemoveExpired(const ExpiryRule& rule, TableMetadata* metadata) {
  std::vector<Snapshot> expired;
  std::vector<Snapshot> kept;
  const size_t count = metadata->snapshots.size();
  for (size_t i = 0; i < count; ++i) {
    Snapshot& snapshot = metadata->snapshots[i];
    const bool newest = i + static_cast<size_t>(std::max(rule.keep_min, 0)) >= count;
    const bool within_max = i + static_cast<size_t>(std::max(rule.keep_max, 1)) >= count;
    const bool young = within_max && snapshot.committed_at >= rule.older_than;
    const bool keep =
        newest || young || snapshot.id == metadata->current_snapshot_id || rule.pinned.contains(snapshot.id);
    (keep ? kept : expired).push_back(std::move(snapshot));
  }
  metadata->snapshots = std::move(kept);
  // The log must name existing snapshots only, and tells nothing of the time before the first gap.
  auto& log = metadata->snapshot_log;
  auto gap = std::find_if(log.rbegin(), log.rend(), [&](const SnapshotLogEntry& entry) {
    return metadata->FindSnapshot(entry.snapshot_id) == nullptr;
  });
  log.erase(log.begin(), gap.base());
  return expired;
}

namespace {

using Manifests = std::map<std::string, ManifestFile>;

// Each snapshot is the child of the one before it. A parent that is not there was let go earlier.
bool IsOneLine(const std::vector<Snapshot>& snapshots) {
  std::set<int64_t> ids;
  for (const Snapshot& snapshot : snapshots) ids.insert(snapshot.id);
  for (size_t i = 1; i < snapshots.size(); ++i) {
    const Snapshot& snapshot = snapshots[i];
    if (snapshot.sequence_number <= snapshots[i - 1].sequence_number || !snapshot.parent_id) return false;
    if (*snapshot.parent_id != snapshots[i - 1].id && ids.contains(*snapshot.parent_id)) return false;
  }
  return true;
}

struct Witnesses {
  std::vector<const Snapshot*> snapshots;  // kept ones that may still use what an expired one does
  bool one_line = false;
};

Witnesses FindWitnesses(const std::vector<Snapshot>& expired, const TableMetadata& metadata) {
  std::vector<Snapshot> all = expired;
  all.insert(all.end(), metadata.snapshots.begin(), metadata.snapshots.end());
  std::ranges::sort(all, {}, &Snapshot::sequence_number);
  Witnesses witnesses;
  witnesses.one_line = IsOneLine(all);
  std::set<int64_t> gone;
  for (const Snapshot& snapshot : expired) gone.insert(snapshot.id);
  for (size_t i = 0; i < all.size(); ++i) {
    if (gone.contains(all[i].id)) continue;
    const bool beside = (i > 0 && gone.contains(all[i - 1].id)) || (i + 1 < all.size() && gone.contains(all[i + 1].id));
    if (beside || !witnesses.one_line) witnesses.snapshots.push_back(metadata.FindSnapshot(all[i].id));
  }
  return witnesses;
}

Status AddManifests(const Snapshot& snapshot, TableFiles& files, Manifests* manifests) {
  FEEDMILL_ASSIGN(auto found, files.ReadManifests(snapshot));
  for (ManifestFile& manifest : found) manifests->emplace(manifest.path, manifest);
  return Ok();
}

}  // namespace

Result<std::vector<std::string>> FilesOnlyUsedBy(const std::vector<Snapshot>& expired, const TableMetadata& metadata,
                                                 TableFiles& files) {
  const Witnesses witnesses = FindWitnesses(expired, metadata);
  Manifests kept;
  for (const Snapshot* snapshot : witnesses.snapshots) FEEDMILL_TRY(AddManifests(*snapshot, files, &kept));
  Manifests gone;
  std::vector<std::string> lists;
  for (const Snapshot& snapshot : expired) {
    FEEDMILL_TRY(AddManifests(snapshot, files, &gone));
    lists.push_back(snapshot.manifest_list);
  }
  std::erase_if(gone, [&](const auto& manifest) { return kept.contains(manifest.first); });
  std::set<std::string> unused;
  int64_t oldest = std::numeric_limits<int64_t>::max();  // sequence number of a manifest that goes
  for (const auto& [path, manifest] : gone) {
    FEEDMILL_ASSIGN(auto entries, files.ReadEntries(manifest, metadata));
    for (ManifestEntry& entry : entries) unused.insert(std::move(entry.file.path));
    oldest = std::min(oldest, manifest.sequence_number);
  }
  // A file lives on when a kept manifest has it, merged or filtered from one that goes, and so made after it: a
  // snapshot has a file once.
  for (auto manifest = kept.begin(); manifest != kept.end() && !unused.empty(); ++manifest) {
    if (witnesses.one_line && manifest->second.sequence_number <= oldest) continue;
    FEEDMILL_ASSIGN(auto entries, files.ReadEntries(manifest->second, metadata));
    for (const ManifestEntry& entry : entries) {
      if (entry.status != EntryStatus::kDeleted) unused.erase(entry.file.path);
    }
  }
  // Data first: if this is cut short, what is left is still named by a manifest.
  std::vector<std::string> paths(unused.begin(), unused.end());
  for (const auto& [path, manifest] : gone) paths.push_back(path);
  paths.insert(paths.end(), lists.begin(), lists.end());
  return paths;
}

}  // namespace feedmill::lake
