// A table's metadata, manifest lists and manifests on files, and the one place that knows that a table may lie in
// another folder than its files say: they name absolute paths for foreign readers, and a data folder may be moved,
// copied or restored elsewhere. Whatever is read here names files where they are now. Any thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "io/file_system.h"
#include "lake/manifest.h"
#include "lake/metadata.h"

namespace feedmill::lake {

// Key of a snapshot's summary: checksum of its manifest list, as a decimal number.
inline constexpr const char* kManifestListCrc32c = "feedmill.manifest-list-crc32c";

class TableFiles {
 public:
  explicit TableFiles(io::FileSystem& files) : files_(files) {}

  // The metadata file at `path`, <folder of the table>/metadata/<name>. What it says of the folder it was written for
  // holds for the folder that it is in. Metadata files never change, so the last few are kept.
  Result<std::shared_ptr<const TableMetadata>> ReadMetadata(const std::string& path);
  // What was just written to `path`, so that nobody here has to read it again.
  void Remember(const std::string& path, std::shared_ptr<const TableMetadata> metadata);
  // Whether files below the table's folder were called by another name than `metadata.location` when they were written.
  static bool IsMoved(const TableMetadata& metadata) { return metadata.recorded_location != metadata.location; }
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
  // Where a file is that is called `stored` in a table's files.
  std::string PresentPath(std::string_view stored);
  void Place(TableMetadata* metadata, const std::string& folder);

  io::FileSystem& files_;
  Mutex mutex_;
  // Folder that files name -> the one they are in.
  std::map<std::string, std::string> moved_ FEEDMILL_GUARDED_BY(mutex_);
  using NamedMetadata = std::pair<std::string, std::shared_ptr<const TableMetadata>>;
  std::list<NamedMetadata> recent_ FEEDMILL_GUARDED_BY(mutex_);  // latest first
};

}  // namespace feedmill::lake
