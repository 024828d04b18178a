#include "lake/location_rewriter.h"

#include <utility>

#include "base/hash.h"
#include "base/log.h"

namespace feedmill::lake {

LocationRewriter::LocationRewriter(TableFiles& files, IdSource& ids, const TableMetadata& base)
    : files_(files), base_(base), uuid_(ids.Uuid()) {}

Result<TableMetadata> LocationRewriter::Rewrite() {
  TableMetadata next = base_;
  next.recorded_location = next.location;
  std::vector<Snapshot> kept;
  for (Snapshot& snapshot : next.snapshots) {
    const Status rewritten = RewriteSnapshot(&snapshot);
    if (rewritten) {
      kept.push_back(std::move(snapshot));
      continue;
    }
    // History that came away damaged must not keep the table from being written to.
    const ErrorKind kind = rewritten.error().kind();
    const bool lost = kind == ErrorKind::kNotFound || kind == ErrorKind::kCorrupt;
    if (!lost || snapshot.id == base_.current_snapshot_id) return std::unexpected(rewritten.error());
    log::Warn("a former version of a moved table is lost",
              {{"table", base_.location}, {"snapshot", snapshot.id}, {"error", rewritten.error().message()}});
    std::erase_if(next.snapshot_log, [&](const SnapshotLogEntry& entry) { return entry.snapshot_id == snapshot.id; });
  }
  next.snapshots = std::move(kept);
  // Older metadata files name files that are gone.
  for (const MetadataLogEntry& entry : next.metadata_log) replaced_.push_back(entry.location);
  next.metadata_log.clear();
  return next;
}

Status LocationRewriter::RewriteSnapshot(Snapshot* snapshot) {
  FEEDMILL_ASSIGN(std::vector<ManifestFile> manifests, files_.ReadManifests(*snapshot));
  for (ManifestFile& manifest : manifests) {
    auto known = manifests_.find(manifest.path);
    if (known == manifests_.end()) {
      FEEDMILL_ASSIGN(ManifestFile written, RewriteManifest(manifest));
      known = manifests_.emplace(manifest.path, std::move(written)).first;
    }
    manifest = known->second;
  }
  replaced_.push_back(snapshot->manifest_list);
  snapshot->manifest_list = fmt::format("{}/metadata/snap-{}-1-{}.avro", base_.location, snapshot->id, uuid_);
  FEEDMILL_ASSIGN(std::string bytes,
                  WriteManifestList({snapshot->id, snapshot->parent_id, snapshot->sequence_number}, manifests));
  snapshot->summary[kManifestListCrc32c] = std::to_string(Crc32c(bytes));
  written_.push_back(snapshot->manifest_list);
  return files_.WriteNew(snapshot->manifest_list, bytes);
}

// What the list says of a manifest stays true, except for its name, length and checksum.
Result<ManifestFile> LocationRewriter::RewriteManifest(const ManifestFile& former) {
  if (former.content != ManifestContent::kData) {
    return InvalidArgument("{} lists delete files, which name data files by where they were", former.path);
  }
  FEEDMILL_ASSIGN(auto entries, files_.ReadEntries(former, base_));
  const TableSchema& schema = *base_.FindSchema(base_.current_schema_id);
  ManifestWriter writer(schema, *base_.FindSpec(former.spec_id), former.added_snapshot_id);
  for (const ManifestEntry& entry : entries) FEEDMILL_TRY(writer.Add(entry));
  FEEDMILL_ASSIGN(auto manifest, writer.Finish());
  ManifestFile written = former;
  written.path = fmt::format("{}/metadata/{}-m{}.avro", base_.location, uuid_, manifests_.size());
  written.length = manifest.file.length;
  written.crc32c = manifest.file.crc32c;
  replaced_.push_back(former.path);
  written_.push_back(written.path);
  FEEDMILL_TRY(files_.WriteNew(written.path, manifest.bytes));
  return written;
}

}  // namespace feedmill::lake
