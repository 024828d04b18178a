#include "io/confined_file_system.h"

#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill::io {
namespace {

namespace fs = std::filesystem;

class ConfinedFileSystemTest : public testing::Test {
 protected:
  ConfinedFileSystemTest()
      : place_(fs::temp_directory_path() / fmt::format("feedmill_confined_{}", getpid())),
        inside_(place_ / "data"),
        outside_(place_ / "other") {
    fs::remove_all(place_);
    fs::create_directories(inside_ / "lake");
    fs::create_directories(outside_);
    EXPECT_TRUE(WriteFileAtomically(PosixFileSystem(), outside_ / "kept", "rows"));
    files_ = std::make_unique<ConfinedFileSystem>(PosixFileSystem(), std::vector<std::string>{inside_.string()});
  }
  ~ConfinedFileSystemTest() override { fs::remove_all(place_); }

  void ExpectNothingChanges(const fs::path& folder) {
    const std::string file = folder / "kept", made = folder / "made";
    EXPECT_EQ(files_->OpenForAppend(file).error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->CreateTruncated(file).error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->Truncate(file, 0).error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->Remove(file).error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->RemoveAll(folder / "").error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->RemoveAll(folder / "below/..").error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->RemoveAll(file).error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->CreateDirectories(made).error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->Rename(inside_ / "mine", made).error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(files_->Rename(file, inside_ / "taken").error().kind(), ErrorKind::kPermissionDenied);
    EXPECT_EQ(*ReadWholeFile(*files_, file), "rows") << "reading is free";
  }

  const fs::path place_, inside_, outside_;
  std::unique_ptr<ConfinedFileSystem> files_;
};

TEST_F(ConfinedFileSystemTest, WorksInItsFolder) {
  ASSERT_TRUE(files_->CreateDirectories(inside_ / "lake/ods"));
  ASSERT_TRUE(files_->CreateDirectories(inside_));
  ASSERT_TRUE(WriteFileAtomically(*files_, inside_ / "lake/ods/mine", "rows"));
  EXPECT_TRUE(files_->Truncate(inside_ / "lake/ods/mine", 1));
  EXPECT_TRUE(files_->OpenForAppend(inside_ / "lake/../lake/ods/mine"));
  EXPECT_TRUE(files_->Remove(inside_ / "lake/ods/mine"));
  EXPECT_TRUE(files_->RemoveAll(inside_ / "lake"));
}

TEST_F(ConfinedFileSystemTest, NothingOutsideIsChanged) {
  ASSERT_TRUE(WriteFileAtomically(*files_, inside_ / "mine", "rows"));
  ExpectNothingChanges(outside_);
  ExpectNothingChanges(inside_ / "../other");
  EXPECT_EQ(files_->RemoveAll(inside_).error().kind(), ErrorKind::kPermissionDenied) << "the folder itself";
  EXPECT_EQ(files_->CreateDirectories(inside_.string() + "2").error().kind(), ErrorKind::kPermissionDenied);
}

TEST_F(ConfinedFileSystemTest, ALinkLeadsNowhere) {
  ASSERT_TRUE(WriteFileAtomically(*files_, inside_ / "mine", "rows"));
  fs::create_directory_symlink(outside_, inside_ / "lake/linked");
  ExpectNothingChanges(inside_ / "lake/linked");
  ASSERT_TRUE(files_->Remove(inside_ / "lake/linked")) << "the link itself is inside";
  fs::create_directory_symlink(outside_, inside_ / "lake/linked");
  ASSERT_TRUE(files_->Rename(inside_ / "lake/linked", inside_ / "lake/renamed"));
  ASSERT_TRUE(files_->RemoveAll(inside_ / "lake/renamed"));
  EXPECT_FALSE(fs::is_symlink(inside_ / "lake/renamed"));
  EXPECT_TRUE(fs::exists(outside_ / "kept"));
}

}  // namespace
}  // namespace feedmill::io
