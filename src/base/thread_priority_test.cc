#include "base/thread_priority.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include <unistd.h>
#include <gtest/gtest.h>

namespace feedmill {
namespace {

int Niceness() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }

TEST(ThreadPriority, IsTheThreadsAloneAndRelative) {
  const int before = Niceness();
  int lowered = 0;
  std::thread([&] {
    LowerThreadPriority(kBackgroundNiceness);
    lowered = Niceness();
  }).join();
  EXPECT_EQ(lowered, std::min(19, before + kBackgroundNiceness));
  EXPECT_EQ(Niceness(), before);
}

}  // namespace
}  // namespace feedmill
