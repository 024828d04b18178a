#include "io/forked_work.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "io/file_system.h"

namespace feedmill::io {
namespace {

TEST(ForkedWorkTest, TheCopySeesMemoryAsItWasAtTheStart) {
  const std::string path = testing::TempDir() + "/forked_work_" + std::to_string(::getpid());
  std::string value = "before";
  auto work = ForkedWork::Start([&] { return WriteFileAtomically(PosixFileSystem(), path, value); });
  value = "after";
  ASSERT_THAT(work, IsOk());
  EXPECT_THAT(work->Wait(), IsOk());
  EXPECT_EQ(ReadWholeFile(PosixFileSystem(), path).value(), "before");
  std::filesystem::remove(path);
}

TEST(ForkedWorkTest, AnErrorComesBackWithItsWords) {
  auto work = ForkedWork::Start([]() -> Status { return Io("the disk is full"); });
  ASSERT_THAT(work, IsOk());
  EXPECT_THAT(work->Wait(), IsError(ErrorKind::kIo, testing::HasSubstr("the disk is full")));
}

TEST(ForkedWorkTest, AKilledCopyIsTold) {
  auto work = ForkedWork::Start([]() -> Status {
    ::kill(::getpid(), SIGKILL);
    return Ok();
  });
  ASSERT_THAT(work, IsOk());
  EXPECT_THAT(work->Wait(), IsError(ErrorKind::kUnavailable, testing::HasSubstr("without an answer")));
}

TEST(ForkedWorkTest, NoOpenFileOfOursIsInTheCopy) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto work = ForkedWork::Start(
      [&]() -> Status { return ::write(ends[1], "x", 1) == 1 ? Status(Io("the pipe is open in the copy")) : Ok(); });
  ASSERT_THAT(work, IsOk());
  EXPECT_THAT(work->Wait(), IsOk());
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace feedmill::io
