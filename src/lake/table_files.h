// A table's metadata, manifest lists and manifests on files. Any thread.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"
#include "lake/manifest.h"
#include "lake/metadata.h"

namespace feedmill::lake {

class TableFiles {
 public:
  explicit TableFiles(io::FileSystem& files) : files_(files) {}

  // Metadata files never change, so the last few are kept.
  Result<std::shared_ptr<const TableMetadata>> ReadMetadata(const std::string& location);
  Result<std::vector<ManifestFile>> ReadManifests(const Snapshot& snapshot);
  Result<std::vector<ManifestEntry>> ReadEntries(const ManifestFile& manifest, const TableMetadata& metadata);

  // A new file whose bytes are durable; its name is once SyncFolder(<folder>) returned.
  Status WriteNew(const std::string& path, std::string_view bytes);
  Status SyncFolder(const std::string& folder);
  // Makes files that another library wrote under `location` durable, and their folders up to `location`.
  Status SyncDataFiles(const std::vector<DataFile>& files, const std::string& location);
  // Removes what nobody refers to. A file that cannot be removed costs space and nothing else, so nothing is reported.
  void RemoveUnused(const std::vector<std::string>& paths);

  io::FileSystem& file_system() { return files_; }

 private:
  io::FileSystem& files_;
  std::mutex mutex_;
  std::list<std::pair<std::string, std::shared_ptr<const TableMetadata>>> recent_;  // guarded by mutex_, latest first
};

}  // namespace feedmill::lake
