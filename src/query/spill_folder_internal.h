// Where one engine puts rows that do not fit into memory: a folder of its own, since engines of several processes share
// the parent and name their files alike. It goes with its owner; that of an owner that was killed goes when the next
// one is made.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace feedmill::query {

class SpillFolder {
 public:
  // A new folder below `parent`, which is made when it is not there. Removes those of owners that live no more. Any
  // thread, any number of processes.
  static Result<SpillFolder> Make(const std::string& parent);

  SpillFolder() = default;
  SpillFolder(SpillFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}
  SpillFolder& operator=(SpillFolder&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(lock_, other.lock_);
    return *this;
  }
  ~SpillFolder();

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int lock_ = -1;  // of the folder itself, held as long as the owner lives
};

}  // namespace feedmill::query
