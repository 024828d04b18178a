#include "app/disk_watch.h"

#include <chrono>

#include <gtest/gtest.h>

#include "io/harsh_file_system.h"

namespace feedmill::app {
namespace {

bool Becomes(const DiskWatch& watch, bool good) {
  for (int i = 0; i < 5000 && watch.status().has_value() != good; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return watch.status().has_value() == good;
}

TEST(DiskWatchTest, SeesAFullDiskAndAFolderThatIsGone) {
  io::HarshFileSystem files(io::HarshOptions{.seed = 1, .capacity_bytes = 200'000});
  ASSERT_TRUE(files.CreateDirectories("tmp"));
  DiskWatch watch(files, "tmp", 1000);
  EXPECT_TRUE(watch.status());
  {
    auto filler = *files.CreateTruncated("filler");
    ASSERT_TRUE(filler->Append(std::string(190'000, 'x')));
  }
  EXPECT_TRUE(Becomes(watch, false));
  ASSERT_TRUE(files.Remove("filler"));
  EXPECT_TRUE(Becomes(watch, true));
  ASSERT_TRUE(files.RemoveAll("tmp"));
  EXPECT_TRUE(Becomes(watch, false));
}

}  // namespace
}  // namespace feedmill::app
