#include "app/project.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/data_place.h"
#include "base/secret.h"
#include "io/own_file.h"

namespace feedmill::app {
namespace {

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

Status RestrictToOwner(const std::string& path, mode_t mode) {
  if (::chmod(path.c_str(), mode) != 0)
    return Io("{}: cannot be restricted to its owner: {}", path, std::strerror(errno));
  return Ok();
}

}  // namespace

Status InitProject(const std::string& folder, std::span<const EmbeddedPage> pages) {
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_TRY(files.CreateDirectories(folder));
  FEEDMILL_ASSIGN(const auto found, files.List(folder));
  if (!found.empty())
    return AlreadyExists("{}: the folder holds \"{}\"; a project is written into a new or empty folder", folder,
                         found.front());
  for (const EmbeddedPage& file : pages) {
    const std::string path = folder + "/" + std::string(file.path);
    FEEDMILL_TRY(files.CreateDirectories(FolderOf(path)));
    FEEDMILL_TRY(io::WriteFileAtomically(files, path, file.content));
  }
  return Ok();
}

namespace {

// Verbs that read keep their place in the metadata store and make temporary files.
Status CheckWritable(const std::string& data_folder) {
  if (::access(data_folder.c_str(), W_OK) == 0) return Ok();
  return PermissionDenied(
      "{}: {}; every verb that opens the tables must be able to write there. `feedmill fork` reads it as it is and "
      "makes "
      "a copy that can be worked in",
      data_folder, std::strerror(errno));
}

}  // namespace

Status MakeDataFolder(const std::string& data_folder) {
  ::umask(0077);
  FEEDMILL_TRY(CheckDataFolderName(data_folder));
  FEEDMILL_TRY(io::PosixFileSystem().CreateDirectories(data_folder));
  FEEDMILL_TRY(CheckWritable(data_folder));
  struct stat info{};
  if (::stat(data_folder.c_str(), &info) != 0) return Io("{}: {}", data_folder, std::strerror(errno));
  // One that others own, like a mounted volume, stays as they have it; on one that cannot be written the first file
  // fails.
  if ((info.st_mode & 0077) == 0 || info.st_uid != ::geteuid()) return Ok();
  const Status restricted = RestrictToOwner(data_folder, 0700);
  return restricted || errno != EROFS ? restricted : Ok();
}

Result<cli::Keys> EnsureKeys(const std::string& data_folder, bool* created) {
  io::FileSystem& files = io::PosixFileSystem();
  const std::string path = cli::KeysPath(data_folder);
  FEEDMILL_ASSIGN(const bool exists, files.Exists(path));
  *created = !exists;
  if (!exists) FEEDMILL_TRY(WriteKeys(data_folder, {NewSecret(), NewSecret(), NewSecret(), NewSecret()}));
  return cli::ReadKeys(data_folder);
}

Status WriteKeys(const std::string& data_folder, const cli::Keys& keys) {
  io::FileSystem& files = io::PosixFileSystem();
  const std::string path = cli::KeysPath(data_folder);
  FEEDMILL_TRY(files.CreateDirectories(FolderOf(path)));
  FEEDMILL_TRY(RestrictToOwner(FolderOf(path), 0700));
  const std::string text = fmt::format(
      "# Secrets of this data folder. A value that is changed counts in a running server within a "
      "second.\n[keys]\nwrite = \"{}\"\nimport = "
      "\"{}\"\nread = \"{}\"\nadmin = \"{}\"\n",
      keys.write, keys.import, keys.read, keys.admin);
  FEEDMILL_TRY(io::WriteFileAtomically(files, path, text));
  return RestrictToOwner(path, 0600);
}

Result<DataFolderLock> DataFolderLock::Take(const std::string& data_folder) {
  FEEDMILL_TRY(MakeDataFolder(data_folder));
  const std::string path = data_folder + "/lock";
  const auto descriptor = io::OpenLocked(path, [](int opened) { return ::flock(opened, LOCK_EX | LOCK_NB) == 0; });
  if (descriptor) return DataFolderLock(*descriptor);
  if (descriptor.error().kind() != ErrorKind::kUnavailable) return std::unexpected(descriptor.error());
  return Unavailable("{}: another feedmill works in this data folder; stop it first, or use another project",
                     data_folder);
}

DataFolderLock::~DataFolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace feedmill::app
