#include "base/thread_priority.h"

#include <algorithm>

#include <sys/resource.h>
#include <unistd.h>

namespace feedmill {
namespace {

constexpr int kNicenessMax = 19;

}  // namespace

// On Linux a niceness belongs to the thread whose id is given, not to the process.
void LowerThreadPriority(int by) {
  const auto thread = static_cast<id_t>(::gettid());
  static_cast<void>(
      ::setpriority(PRIO_PROCESS, thread, std::min(kNicenessMax, ::getpriority(PRIO_PROCESS, thread) + by)));
}

}  // namespace feedmill
