// Work done in a copy of this process (fork): it sees memory as it is now, while we go on changing ours.
#pragma once

#include <sys/types.h>

#include <functional>
#include <utility>

#include "base/result.h"

namespace feedmill::io {

// One piece of work in a copy. The copy has this thread only and no open files of ours: `work` may read memory,
// allocate and write files; it must not take a lock that another thread may hold at this moment (no logging), nor start
// threads. The copy is killed when the thread that started it ends.
class ForkedWork {
 public:
  static Result<ForkedWork> Start(const std::function<Status()>& work);
  ForkedWork(ForkedWork&& other) noexcept
      : child_(std::exchange(other.child_, -1)), answer_(std::exchange(other.answer_, -1)) {}
  ForkedWork& operator=(ForkedWork&&) = delete;
  ~ForkedWork();  // waits

  // What `work` gave; kUnavailable when the copy was killed. Once.
  Status Wait();

 private:
  ForkedWork(pid_t child, int answer) : child_(child), answer_(answer) {}
  pid_t child_ = -1;
  int answer_ = -1;  // the copy's error text
};

}  // namespace feedmill::io
