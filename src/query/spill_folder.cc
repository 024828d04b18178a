#include "query/spill_folder_internal.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_system.h"
#include "lake/ids.h"

namespace feedmill::query {
namespace {

constexpr std::string_view kPrefix = "spill-";

// An open folder; closing it gives its lock back.
class Folder {
 public:
  explicit Folder(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  bool Lock(int how) const {
    int locked = -1;
    do {
      locked = descriptor_ < 0 ? -1 : ::flock(descriptor_, how);
    } while (locked != 0 && errno == EINTR);
    return locked == 0;
  }
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

// What cannot be removed costs space and nothing else.
void RemoveAbandoned(const std::string& parent) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    const std::string path = entry.path().string();
    std::error_code ignored;
    if (!entry.path().filename().string().starts_with(kPrefix) || entry.is_symlink(ignored)) continue;
    if (Folder(path).Lock(LOCK_EX | LOCK_NB)) std::filesystem::remove_all(path, ignored);
  }
}

}  // namespace

Result<SpillFolder> SpillFolder::Make(const std::string& parent) {
  FEEDMILL_TRY(io::PosixFileSystem().CreateDirectories(parent));
  // One maker at a time, so that nobody takes a folder that is not locked yet for an abandoned one.
  const Folder turn(parent);
  if (!turn.Lock(LOCK_EX)) return Fail(ErrorKind::kIo, "{}: cannot be locked: {}", parent, std::strerror(errno));
  RemoveAbandoned(parent);
  SpillFolder made;
  made.path_ = fmt::format("{}/{}{}", parent, kPrefix, lake::IdSource(std::nullopt).Uuid());
  if (::mkdir(made.path_.c_str(), 0755) != 0)
    return Fail(ErrorKind::kIo, "mkdir {}: {}", made.path_, std::strerror(errno));
  Folder own(made.path_);
  if (!own.Lock(LOCK_EX | LOCK_NB))
    return Fail(ErrorKind::kIo, "{}: cannot be locked: {}", made.path_, std::strerror(errno));
  made.lock_ = own.Release();
  return made;
}

SpillFolder::~SpillFolder() {
  if (lock_ < 0) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  ::close(lock_);
}

}  // namespace feedmill::query
