#include "io/own_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_system.h"

namespace feedmill::io {
namespace {

constexpr int kLockAttemptsMax = 3;

bool SameInode(int descriptor, const std::string& path) {
  struct stat opened{}, named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

bool HasOtherNames(int descriptor) {
  struct stat info{};
  return ::fstat(descriptor, &info) == 0 && info.st_nlink > 1;
}

}  // namespace

Status GiveOwnFile(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink < 2) return Ok();
  const std::string real = std::filesystem::weakly_canonical(path).string();
  const std::string copy = real + ".own.tmp";
  std::error_code error;
  std::filesystem::remove(copy, error);
  if (!std::filesystem::copy_file(real, copy, error))
    return Io("{}: the file has other names (hard links), and a copy of its own failed: {}", path, error.message());
  FileSystem& files = PosixFileSystem();
  FEEDMILL_TRY(files.SyncFile(copy));
  FEEDMILL_TRY(files.Rename(copy, real));
  return files.SyncDirectory(std::filesystem::path(real).parent_path().string());
}

Status GiveOwnFiles(const std::string& folder, const std::vector<std::string>& names) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return Io("{}: cannot be opened: {}", folder, std::strerror(errno));
  Status given = Ok();
  if (::flock(descriptor, LOCK_EX) != 0) given = Io("{}: cannot be locked: {}", folder, std::strerror(errno));
  for (const std::string& name : names) {
    if (given) given = GiveOwnFile(fmt::format("{}/{}", folder, name));
  }
  ::close(descriptor);
  return given;
}

Result<int> OpenLocked(const std::string& path, const std::function<bool(int descriptor)>& try_lock) {
  for (int attempt = 0; attempt < kLockAttemptsMax; ++attempt) {
    const int descriptor = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0) return Io("{}: cannot be opened: {}", path, std::strerror(errno));
    if (!try_lock(descriptor)) {
      const int reason = errno;
      ::close(descriptor);
      if (reason == EAGAIN || reason == EACCES) return Unavailable("{}: another process has the lock", path);
      return Io("{}: cannot be locked: {}", path, std::strerror(reason));
    }
    const bool ours = SameInode(descriptor, path);
    if (ours && !HasOtherNames(descriptor)) return descriptor;
    if (ours) ::unlink(path.c_str());  // the next one made is of one name
    ::close(descriptor);
  }
  return Unavailable("{}: others take its place", path);
}

}  // namespace feedmill::io
