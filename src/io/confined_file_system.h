// Files of which only those in some folders may be changed: whoever works in a data folder writes and deletes through
// this, so that a path from a foreign place costs an error and not a file. Reading is not confined.
#pragma once

#include <string>
#include <vector>

#include "io/file_system.h"

namespace feedmill::io {

class ConfinedFileSystem final : public FileSystem {
 public:
  // `files` outlives it. A path is inside when, its links followed as far as it exists, it lies below one of `folders`
  // (whose links are followed too). kPermissionDenied names the path and the folders.
  ConfinedFileSystem(FileSystem& files, const std::vector<std::string>& folders);

  Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> CreateTruncated(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    return files_.OpenForRead(path);
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override { return files_.Map(path); }
  Status Truncate(const std::string& path, uint64_t size) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override { return files_.SyncDirectory(path); }
  Status SyncFile(const std::string& path) override { return files_.SyncFile(path); }
  Result<std::vector<std::string>> List(const std::string& directory) override { return files_.List(directory); }
  Result<bool> Exists(const std::string& path) override { return files_.Exists(path); }
  Result<uint64_t> FileSize(const std::string& path) override { return files_.FileSize(path); }

 private:
  // What a link at the end of a path means: where it leads counts; or the link itself, which may be removed or renamed
  // whatever it leads to; or, as the first, and one of the folders is inside too and not only what is below it.
  enum class Ending { kFollowed, kNotFollowed, kOrFolder };
  Status Check(std::string_view call, const std::string& path, Ending ending = Ending::kFollowed) const;

  FileSystem& files_;
  std::vector<std::string> folders_;  // absolute, links followed, without a slash at the end
};

// `path` made absolute, with the links of what exists of it followed; without a slash at the end.
std::string RealPath(const std::string& path);
// Whether `path` lies below `folder`; both as RealPath gives them.
bool LiesBelow(const std::string& path, const std::string& folder);

}  // namespace feedmill::io
