#include "lake/table_files.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/hash.h"
#include "lake/metadata_json.h"

namespace feedmill::lake {
namespace {

constexpr size_t kRecentMetadataMax = 32;
// Other engines write paths as URIs; ours are plain.
constexpr std::string_view kFileScheme = "file:";

std::string LocalPath(std::string_view path) {
  if (!path.starts_with(kFileScheme)) return std::string(path);
  path.remove_prefix(kFileScheme.size());
  if (path.starts_with("//")) path.remove_prefix(2);
  return std::string(path);
}

// <folder>/metadata/<name> -> <folder>
std::string TableFolder(const std::string& metadata_path) {
  return std::filesystem::path(metadata_path).parent_path().parent_path().string();
}

}  // namespace

Result<std::shared_ptr<const TableMetadata>> TableFiles::ReadMetadata(const std::string& location) {
  {
    MutexLock lock(mutex_);
    auto found =
        std::ranges::find(recent_, location, [](const auto& pair) -> const std::string& { return pair.first; });
    if (found != recent_.end()) {
      recent_.splice(recent_.begin(), recent_, found);
      return found->second;
    }
  }
  FEEDMILL_ASSIGN(std::string text, io::ReadWholeFile(files_, location));
  auto parsed = ReadMetadataJson(text);
  if (!parsed) return std::unexpected(parsed.error().WithContext(location));
  Place(&*parsed, TableFolder(location));
  auto metadata = std::make_shared<const TableMetadata>(std::move(*parsed));
  Remember(location, metadata);
  return metadata;
}

void TableFiles::Remember(const std::string& location, std::shared_ptr<const TableMetadata> metadata) {
  MutexLock lock(mutex_);
  recent_.emplace_front(location, std::move(metadata));
  if (recent_.size() > kRecentMetadataMax) recent_.pop_back();
}

Result<std::vector<ManifestFile>> TableFiles::ReadManifests(const Snapshot& snapshot) {
  FEEDMILL_ASSIGN(std::string bytes, io::ReadWholeFile(files_, PresentPath(snapshot.manifest_list)));
  const auto sealed = snapshot.summary.find(kManifestListCrc32c);
  if (const uint32_t found = Crc32c(bytes);
      sealed != snapshot.summary.end() && sealed->second != std::to_string(found)) {
    return Corrupt("{}: checksum {}, the snapshot says {}", snapshot.manifest_list, found, sealed->second);
  }
  auto manifests = ReadManifestList(bytes);
  if (!manifests) return std::unexpected(manifests.error().WithContext(snapshot.manifest_list));
  for (ManifestFile& manifest : *manifests) manifest.path = PresentPath(manifest.path);
  return manifests;
}

Result<std::vector<ManifestEntry>> TableFiles::ReadEntries(const ManifestFile& manifest,
                                                           const TableMetadata& metadata) {
  const TableSpec* spec = metadata.FindSpec(manifest.spec_id);
  if (spec == nullptr) return Corrupt("{}: partition spec {} is not in the metadata", manifest.path, manifest.spec_id);
  FEEDMILL_ASSIGN(std::string bytes, io::ReadWholeFile(files_, manifest.path));
  auto entries = ReadManifest(bytes, manifest, *spec);
  if (!entries) return std::unexpected(entries.error().WithContext(manifest.path));
  for (ManifestEntry& entry : *entries) entry.file.path = PresentPath(entry.file.path);
  return entries;
}

std::string TableFiles::PresentPath(std::string_view stored) {
  std::string path = LocalPath(stored);
  const MutexLock lock(mutex_);
  for (const auto& [from, to] : moved_) {
    if (path.size() > from.size() && path.starts_with(from) && path[from.size()] == '/')
      return to + path.substr(from.size());
  }
  return path;
}

void TableFiles::Place(TableMetadata* metadata, const std::string& folder) {
  metadata->recorded_location = LocalPath(metadata->location);
  metadata->location = folder;
  if (metadata->recorded_location == folder) return;
  {
    const MutexLock lock(mutex_);
    moved_[metadata->recorded_location] = folder;
  }
  for (Snapshot& snapshot : metadata->snapshots) snapshot.manifest_list = PresentPath(snapshot.manifest_list);
  for (MetadataLogEntry& entry : metadata->metadata_log) entry.location = PresentPath(entry.location);
}

Status TableFiles::WriteNew(const std::string& path, std::string_view bytes) {
  FEEDMILL_ASSIGN(auto file, files_.CreateTruncated(path));
  FEEDMILL_TRY(file->Append(bytes));
  FEEDMILL_TRY(file->Sync());
  return file->Close();
}

Status TableFiles::SyncFolder(const std::string& folder) { return files_.SyncDirectory(folder); }

Status TableFiles::SyncDataFiles(const std::vector<DataFile>& files, const std::string& location) {
  std::set<std::string> folders;
  for (const DataFile& file : files) {
    FEEDMILL_TRY(files_.SyncFile(file.path));
    std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    // A new folder is durable once its parent is synced, so all of them up to the table's are.
    while (folders.insert(folder.string()).second && folder != location && folder.string().starts_with(location)) {
      folder = folder.parent_path();
    }
  }
  for (const std::string& folder : folders) FEEDMILL_TRY(files_.SyncDirectory(folder));
  return Ok();
}

void TableFiles::RemoveUnused(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) (void)files_.Remove(LocalPath(path));
}

}  // namespace feedmill::lake
