// Metadata of a table that was moved: manifests, manifest lists and metadata written anew, so that they name the folder
// in which they are. One attempt; one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "lake/ids.h"
#include "lake/metadata.h"
#include "lake/table_files.h"

namespace feedmill::lake {

class LocationRewriter {
 public:
  LocationRewriter(TableFiles& files, IdSource& ids, const TableMetadata& base);

  // Writes the files of all snapshots (durable after their folder is synced) and returns the metadata that names them.
  // The former files stay. kInvalidArgument when other engines wrote what cannot be written here (deletes, unknown
  // transforms).
  Result<TableMetadata> Rewrite();

  // Paths written so far, to be removed when the attempt is given up; and those that they stand for, to be removed when
  // it was published.
  const std::vector<std::string>& written() const { return written_; }
  const std::vector<std::string>& replaced() const { return replaced_; }

 private:
  Status RewriteSnapshot(Snapshot* snapshot);
  Result<ManifestFile> RewriteManifest(const ManifestFile& former);

  TableFiles& files_;
  const TableMetadata& base_;
  const std::string uuid_;
  std::map<std::string, ManifestFile> manifests_;  // former path -> written anew
  std::vector<std::string> written_;
  std::vector<std::string> replaced_;
};

}  // namespace feedmill::lake
