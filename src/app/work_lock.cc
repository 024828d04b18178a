#include "app/work_lock.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/time_text.h"
#include "io/file_system.h"
#include "io/own_file.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

std::string PathOf(const std::string& data_folder) { return data_folder + "/work.lock"; }

// Locks of open files: they end with the last descriptor, and can be asked for without being taken.
struct flock WholeFile() {
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

constexpr int kLooks = 20;
constexpr auto kPause = std::chrono::milliseconds(25);

// What the holder wrote; without process while it is in the middle of it.
WorkHolder ReadHolder(const std::string& path) {
  WorkHolder holder{"a feedmill", 0, 0};
  const auto text = io::ReadWholeFile(io::PosixFileSystem(), path);
  const Json json = text ? Json::parse(*text, nullptr, false) : Json();
  if (!json.is_object()) return holder;
  holder.what = json.value("what", holder.what);
  holder.pid = json.value("pid", int64_t{0});
  holder.since = json.value("since", Micros{0});
  return holder;
}

// Who took it a moment ago says so in the next one.
WorkHolder WaitForHolder(const std::string& path) {
  WorkHolder holder = ReadHolder(path);
  for (int look = 1; holder.pid == 0 && look < kLooks; ++look) {
    std::this_thread::sleep_for(kPause);
    holder = ReadHolder(path);
  }
  return holder;
}

Status WriteHolder(int descriptor, const std::string& path, const WorkHolder& holder) {
  const std::string text = Json{{"what", holder.what}, {"pid", holder.pid}, {"since", holder.since}}.dump() + "\n";
  const bool written = ::ftruncate(descriptor, 0) == 0 &&
                       ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  // On a full disk the lock holds all the same.
  if (!written && errno != ENOSPC) return Io("{}: cannot be written: {}", path, std::strerror(errno));
  return Ok();
}

std::unexpected<Error> Held(const std::string& data_folder) {
  const WorkHolder holder = WaitForHolder(PathOf(data_folder));
  if (holder.pid == 0) {
    return Unavailable(
        "{}: another process works on the tables of this folder and does not say which; wait for its end", data_folder);
  }
  return Unavailable(
      "{}: another process works on the tables of this folder: `{}` since {} (process {}); wait for its end, or stop "
      "it with `kill {}`. A process that died holds nothing",
      data_folder, holder.what, FormatTime(holder.since), holder.pid, holder.pid);
}

}  // namespace

Result<WorkLock> WorkLock::Take(const std::string& data_folder, const std::string& what, Micros now) {
  FEEDMILL_TRY(io::PosixFileSystem().CreateDirectories(data_folder));
  const std::string path = PathOf(data_folder);
  const auto descriptor = io::OpenLocked(path, [](int opened) {
    struct flock range = WholeFile();
    return ::fcntl(opened, F_OFD_SETLK, &range) == 0;
  });
  if (!descriptor && descriptor.error().kind() == ErrorKind::kUnavailable) return Held(data_folder);
  if (!descriptor) return std::unexpected(descriptor.error());
  WorkLock lock(*descriptor);
  FEEDMILL_TRY(WriteHolder(*descriptor, path, {what, ::getpid(), now}));
  return lock;
}

WorkLock::~WorkLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::optional<WorkHolder>> FindWorkHolder(const std::string& data_folder) {
  const std::string path = PathOf(data_folder);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return std::nullopt;
  if (descriptor < 0) return Io("{}: cannot be opened: {}", path, std::strerror(errno));
  struct flock range = WholeFile();
  range.l_type = F_RDLCK;  // a reader may ask for no more; it meets the holder's lock as well
  const int asked = ::fcntl(descriptor, F_OFD_GETLK, &range);
  const int error = errno;
  ::close(descriptor);
  if (asked != 0) return Io("{}: cannot be asked for its lock: {}", path, std::strerror(error));
  if (range.l_type == F_UNLCK) return std::nullopt;
  return ReadHolder(path);
}

bool SomebodyWorks(const std::string& data_folder) {
  const auto holder = FindWorkHolder(data_folder);
  return !holder || *holder;
}

}  // namespace feedmill::app
