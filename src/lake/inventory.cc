#include "lake/inventory.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "lake/table_files.h"

namespace feedmill::lake {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

class Taker {
 public:
  Taker(TableFiles& files, const TableMetadata& metadata) : files_(files), metadata_(metadata) {}

  void Take(const Snapshot& snapshot, Inventory* found) {
    const bool current = snapshot.id == metadata_.current_snapshot_id;
    found->files.push_back({LakeFile::Kind::kManifestList, snapshot.manifest_list, 0, std::nullopt, current});
    const auto manifests = files_.ReadManifests(snapshot);
    if (!manifests) return found->damaged.push_back(manifests.error());
    for (const ManifestFile& manifest : *manifests) {
      if (!seen_.insert(manifest.path).second) continue;
      found->files.push_back({LakeFile::Kind::kManifest, manifest.path, manifest.length, std::nullopt, current});
      const auto entries = files_.ReadEntries(manifest, metadata_);
      if (!entries) {
        found->damaged.push_back(entries.error());
        continue;
      }
      for (const ManifestEntry& entry : *entries) {
        if (entry.status == EntryStatus::kDeleted || !seen_.insert(entry.file.path).second) continue;
        found->files.push_back(
            {LakeFile::Kind::kData, entry.file.path, entry.file.size_bytes, entry.file.crc32c, current});
      }
    }
  }

 private:
  TableFiles& files_;
  const TableMetadata& metadata_;
  std::set<std::string> seen_;
};

}  // namespace

Result<Inventory> TakeInventory(io::FileSystem& files, const std::string& path) {
  TableFiles tables(files);
  FEEDMILL_ASSIGN(const auto metadata, tables.ReadMetadata(path));
  Inventory found;
  found.files.push_back({LakeFile::Kind::kMetadata, path, 0, std::nullopt, true});
  Taker taker(tables, *metadata);
  if (const Snapshot* current = metadata->CurrentSnapshot()) taker.Take(*current, &found);
  for (const Snapshot& snapshot : metadata->snapshots) {
    if (snapshot.id != metadata->current_snapshot_id) taker.Take(snapshot, &found);
  }
  return found;
}

Result<uint32_t> FileCrc32c(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(const auto file, files.OpenForRead(path));
  uint32_t crc = 0;
  std::string piece;
  for (uint64_t at = 0;; at += piece.size()) {
    FEEDMILL_TRY(file->ReadAt(at, kPieceBytes, &piece));
    if (piece.empty()) return crc;
    crc = Crc32c(piece, crc);
  }
}

Status CheckDataFile(io::FileSystem& files, const std::string& path, int64_t size_bytes,
                     std::optional<uint32_t> crc32c) {
  FEEDMILL_ASSIGN(const uint64_t size, files.FileSize(path));
  if (size != static_cast<uint64_t>(size_bytes))
    return Corrupt("{}: {} bytes, the manifest says {}", path, size, size_bytes);
  if (!crc32c) return Ok();
  FEEDMILL_ASSIGN(const uint32_t found, FileCrc32c(files, path));
  if (found == *crc32c) return Ok();
  return Corrupt("{}: checksum {:08x}, the manifest says {:08x}", path, found, *crc32c);
}

}  // namespace feedmill::lake
