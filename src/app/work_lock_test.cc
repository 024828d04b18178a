#include "app/work_lock.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class WorkLockTest : public testing::Test {
 protected:
  WorkLockTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_work_{}", getpid())) {
    std::filesystem::remove_all(folder_);
  }
  ~WorkLockTest() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_;
};

TEST_F(WorkLockTest, TheSecondIsToldWhoHasIt) {
  EXPECT_FALSE(FindWorkHolder(folder_).value());
  {
    auto first = WorkLock::Take(folder_, "feedmill run", 1'700'000'000'000'000);
    ASSERT_THAT(first, IsOk());
    EXPECT_THAT(WorkLock::Take(folder_, "feedmill rebuild", 0),
                IsError(ErrorKind::kUnavailable, AllOf(HasSubstr("`feedmill run`"), HasSubstr("2023-11-14"),
                                                       HasSubstr(fmt::format("kill {}", getpid())))));
    const auto holder = FindWorkHolder(folder_);
    ASSERT_TRUE(holder.value());
    EXPECT_EQ((*holder)->pid, getpid());
    EXPECT_EQ((*holder)->what, "feedmill run");
  }
  EXPECT_FALSE(FindWorkHolder(folder_).value());
  EXPECT_THAT(WorkLock::Take(folder_, "feedmill rebuild", 0), IsOk());
}

// Who has taken it writes down who it is a moment later: nobody is told to kill process 0.
TEST_F(WorkLockTest, AHolderThatHasNotSaidYetIsWaitedFor) {
  const auto first = WorkLock::Take(folder_, "feedmill run", 0);
  ASSERT_THAT(first, IsOk());
  std::filesystem::resize_file(folder_ / "work.lock", 0);
  EXPECT_THAT(WorkLock::Take(folder_, "feedmill rebuild", 0),
              IsError(ErrorKind::kUnavailable, AllOf(HasSubstr("does not say which"), Not(HasSubstr("kill")))));
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    std::ofstream(folder_ / "work.lock") << R"({"what":"feedmill run","pid":77,"since":0})";
  });
  EXPECT_THAT(WorkLock::Take(folder_, "feedmill rebuild", 0), IsError(ErrorKind::kUnavailable, HasSubstr("kill 77")));
  late.join();
}

TEST_F(WorkLockTest, AKilledProcessHoldsNothing) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = WorkLock::Take(folder_, "feedmill run", 0);
    const char ok = lock ? '1' : '0';
    (void)!::write(ready[1], &ok, 1);
    ::pause();
    ::_exit(0);
  }
  char ok = 0;
  ASSERT_EQ(::read(ready[0], &ok, 1), 1);
  EXPECT_EQ(ok, '1');
  EXPECT_THAT(WorkLock::Take(folder_, "feedmill run", 0), IsError(ErrorKind::kUnavailable));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(WorkLock::Take(folder_, "feedmill run", 0), IsOk());
}

}  // namespace
}  // namespace feedmill::app
