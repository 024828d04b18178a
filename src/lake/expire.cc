#include "lake/expire.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace feedmill::lake {

std::vector<Snapshot> RemoveExpired(Micros older_than, int keep_min, TableMetadata* metadata) {
  std::vector<Snapshot> expired;
  std::vector<Snapshot> kept;
  const size_t count = metadata->snapshots.size();
  for (size_t i = 0; i < count; ++i) {
    Snapshot& snapshot = metadata->snapshots[i];
    const bool newest = i + static_cast<size_t>(std::max(keep_min, 0)) >= count;
    const bool keep = newest || snapshot.id == metadata->current_snapshot_id || snapshot.committed_at >= older_than;
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

Result<std::vector<std::string>> FilesOnlyUsedBy(const std::vector<Snapshot>& expired, const TableMetadata& metadata,
                                                 TableFiles& files) {
  std::map<std::string, ManifestFile> kept;
  for (const Snapshot& snapshot : metadata.snapshots) {
    FEEDMILL_ASSIGN(auto manifests, files.ReadManifests(snapshot));
    for (ManifestFile& manifest : manifests) kept.emplace(manifest.path, manifest);
  }
  std::map<std::string, ManifestFile> gone;
  std::vector<std::string> lists;
  for (const Snapshot& snapshot : expired) {
    FEEDMILL_ASSIGN(auto manifests, files.ReadManifests(snapshot));
    for (ManifestFile& manifest : manifests) {
      if (!kept.contains(manifest.path)) gone.emplace(manifest.path, manifest);
    }
    lists.push_back(snapshot.manifest_list);
  }
  std::set<std::string> unused;
  for (const auto& [path, manifest] : gone) {
    FEEDMILL_ASSIGN(auto entries, files.ReadEntries(manifest, metadata));
    for (ManifestEntry& entry : entries) unused.insert(std::move(entry.file.path));
  }
  // A file lives on when a kept manifest has it, merged or filtered from one that goes.
  for (auto manifest = kept.begin(); manifest != kept.end() && !unused.empty(); ++manifest) {
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
