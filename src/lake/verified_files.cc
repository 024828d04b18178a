#include "lake/verified_files.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>

#include "lake/inventory.h"

namespace feedmill::lake {

Result<VerifiedFiles::Look> VerifiedFiles::LookAt(const DataFile& file) {
  struct stat info{};
  if (::stat(file.path.c_str(), &info) != 0)
    return Fail(errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo, "stat {}: {}", file.path,
                std::strerror(errno));
  const auto nanos = [](const timespec& time) { return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec; };
  return Look{static_cast<uint64_t>(info.st_size), info.st_ino, nanos(info.st_mtim), nanos(info.st_ctim),
              file.crc32c.value_or(0)};
}

Status VerifiedFiles::Check(const DataFile& file) {
  if (!file.crc32c) return Ok();
  FEEDMILL_ASSIGN(const Look look, LookAt(file));
  {
    const MutexLock lock(mutex_);
    const auto known = known_.find(file.path);
    if (known != known_.end() && known->second == look) return Ok();
  }
  FEEDMILL_TRY(CheckDataFile(io::PosixFileSystem(), file.path, file.size_bytes, file.crc32c));
  const MutexLock lock(mutex_);
  known_[file.path] = look;
  return Ok();
}

void VerifiedFiles::Add(const DataFile& file) {
  const auto look = LookAt(file);
  if (!look || !file.crc32c) return;
  const MutexLock lock(mutex_);
  known_[file.path] = *look;
}

}  // namespace feedmill::lake
