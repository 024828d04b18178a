// One piece of work on a data folder's tables at a time: a run, a backfill, a rebuild, a copy. The lock is the
// operating system's and ends with the process, whatever ends it; beside it stands who has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::app {

struct WorkHolder {
  std::string what;  // "feedmill run"
  int64_t pid = 0;
  Micros since = 0;
};

class WorkLock {
 public:
  // kUnavailable says who has it, since when and how to end that.
  static Result<WorkLock> Take(const std::string& data_folder, const std::string& what, Micros now);
  WorkLock(WorkLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  WorkLock& operator=(WorkLock&&) = delete;
  ~WorkLock();

 private:
  explicit WorkLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Who has it now; nothing when nobody has. Does not get in anybody's way.
Result<std::optional<WorkHolder>> FindWorkHolder(const std::string& data_folder);
// The same as yes or no; what cannot be asked is taken for a yes, so that nobody's run is called dead.
bool SomebodyWorks(const std::string& data_folder);

}  // namespace feedmill::app
