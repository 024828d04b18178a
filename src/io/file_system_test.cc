// One suite over both implementations: what the contract of FileSystem says holds for each.
#include "io/file_system.h"

#include <stdlib.h>

#include <gtest/gtest.h>

#include <filesystem>

#include "base/matchers.h"
#include "io/harsh_file_system.h"

namespace feedmill::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Which { kPosix, kHarsh };

class FileSystemTest : public ::testing::TestWithParam<Which> {
 protected:
  FileSystemTest() {
    if (GetParam() == Which::kHarsh) {
      EXPECT_THAT(harsh_.CreateDirectories(root_), IsOk());
      return;
    }
    std::string name = std::filesystem::temp_directory_path() / "feedmill_files_XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~FileSystemTest() override {
    if (GetParam() == Which::kPosix) std::filesystem::remove_all(root_);
  }
  FileSystem& files() { return GetParam() == Which::kPosix ? PosixFileSystem() : harsh_; }
  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  void Write(const std::string& name, std::string_view content) {
    auto file = files().CreateTruncated(Path(name));
    ASSERT_THAT(file, IsOk());
    ASSERT_THAT((*file)->Append(content), IsOk());
    ASSERT_THAT((*file)->Sync(), IsOk());
    ASSERT_THAT((*file)->Close(), IsOk());
  }
  std::string Read(const std::string& name) { return ReadWholeFile(files(), Path(name)).value_or("<absent>"); }

  HarshFileSystem harsh_;
  std::string root_ = "data/root";
};

TEST_P(FileSystemTest, AppendsWhereItStopped) {
  Write("a", "one");
  auto file = files().OpenForAppend(Path("a"));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->Size(), 3u);
  ASSERT_THAT((*file)->Append(" two"), IsOk());
  EXPECT_EQ((*file)->Size(), 7u);
  EXPECT_EQ(Read("a"), "one two") << "visible before the sync";
  ASSERT_THAT(files().OpenForAppend(Path("new")), IsOk());
  EXPECT_EQ(Read("new"), "");
}

TEST_P(FileSystemTest, CreateTruncatedStartsEmpty) {
  Write("a", "long content");
  Write("a", "short");
  EXPECT_EQ(Read("a"), "short");
}

TEST_P(FileSystemTest, ReadsPiecesAndShortOnlyAtTheEnd) {
  Write("a", "0123456789");
  auto file = files().OpenForRead(Path("a"));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->Size().value(), 10u);
  std::string piece;
  ASSERT_THAT((*file)->ReadAt(3, 4, &piece), IsOk());
  EXPECT_EQ(piece, "3456");
  ASSERT_THAT((*file)->ReadAt(8, 100, &piece), IsOk());
  EXPECT_EQ(piece, "89");
  ASSERT_THAT((*file)->ReadAt(50, 1, &piece), IsOk());
  EXPECT_EQ(piece, "");
}

TEST_P(FileSystemTest, MapsWholeFilesEmptyOnesToo) {
  Write("a", "mapped");
  Write("empty", "");
  auto mapped = files().Map(Path("a"));
  ASSERT_THAT(mapped, IsOk());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>((*mapped)->bytes().data()), (*mapped)->bytes().size()), "mapped");
  EXPECT_EQ(files().Map(Path("empty")).value()->bytes().size(), 0u);
}

TEST_P(FileSystemTest, TruncateCuts) {
  Write("a", "0123456789");
  ASSERT_THAT(files().Truncate(Path("a"), 4), IsOk());
  EXPECT_EQ(Read("a"), "0123");
  EXPECT_EQ(files().FileSize(Path("a")).value(), 4u);
}

TEST_P(FileSystemTest, RenameReplaces) {
  Write("a", "new");
  Write("b", "old");
  ASSERT_THAT(files().Rename(Path("a"), Path("b")), IsOk());
  EXPECT_EQ(Read("b"), "new");
  EXPECT_FALSE(files().Exists(Path("a")).value());
  EXPECT_THAT(files().Rename(Path("none"), Path("b")), IsError(ErrorKind::kNotFound, HasSubstr("none")));
}

TEST_P(FileSystemTest, RenamesDirectoriesWithWhatIsInThem) {
  ASSERT_THAT(files().CreateDirectories(Path("x/y")), IsOk());
  Write("x/y/a", "1");
  ASSERT_THAT(files().Rename(Path("x"), Path("z")), IsOk());
  EXPECT_EQ(Read("z/y/a"), "1");
  EXPECT_FALSE(files().Exists(Path("x")).value());
}

TEST_P(FileSystemTest, ListIsSortedNames) {
  ASSERT_THAT(files().CreateDirectories(Path("dir")), IsOk());
  Write("b", "");
  Write("a", "");
  EXPECT_THAT(files().List(root_).value(), ElementsAre("a", "b", "dir"));
  EXPECT_THAT(files().List(Path("none")), IsError(ErrorKind::kNotFound));
}

TEST_P(FileSystemTest, CreateDirectoriesMakesParentsAndMayBeRepeated) {
  EXPECT_THAT(files().CreateDirectories(Path("p/q/r/")), IsOk());
  EXPECT_THAT(files().CreateDirectories(Path("p/q/r")), IsOk());
  EXPECT_TRUE(files().Exists(Path("p/q/r")).value());
  Write("file", "");
  EXPECT_THAT(files().CreateDirectories(Path("file")), IsError(ErrorKind::kAlreadyExists, HasSubstr("file")));
}

TEST_P(FileSystemTest, RemoveAndRemoveAll) {
  ASSERT_THAT(files().CreateDirectories(Path("d/e")), IsOk());
  Write("d/e/a", "1");
  Write("b", "2");
  EXPECT_THAT(files().Remove(Path("b")), IsOk());
  EXPECT_THAT(files().Remove(Path("b")), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(files().RemoveAll(Path("d")), IsOk());
  EXPECT_FALSE(files().Exists(Path("d")).value());
  EXPECT_THAT(files().RemoveAll(Path("d")), IsOk()) << "nothing there is no error";
}

TEST_P(FileSystemTest, AbsentThingsAreNotFoundAndNamed) {
  EXPECT_THAT(files().OpenForRead(Path("none")), IsError(ErrorKind::kNotFound, HasSubstr("none")));
  EXPECT_THAT(files().Map(Path("none")), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(files().FileSize(Path("none")), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(files().Truncate(Path("none"), 0), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(files().OpenForAppend(Path("no/dir/a")), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(files().SyncDirectory(Path("none")), IsError(ErrorKind::kNotFound));
  EXPECT_FALSE(files().Exists(Path("none")).value());
}

TEST_P(FileSystemTest, AnOpenFileOutlivesItsName) {
  Write("a", "kept");
  auto file = files().OpenForRead(Path("a"));
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(files().Remove(Path("a")), IsOk());
  std::string content;
  ASSERT_THAT((*file)->ReadAt(0, 10, &content), IsOk());
  EXPECT_EQ(content, "kept");
}

TEST_P(FileSystemTest, SyncsFilesAndDirectoriesByName) {
  Write("a", "1");
  EXPECT_THAT(files().SyncFile(Path("a")), IsOk());
  EXPECT_THAT(files().SyncDirectory(root_), IsOk());
}

TEST_P(FileSystemTest, WriteFileAtomicallyReplacesAndLeavesNothingElse) {
  ASSERT_THAT(WriteFileAtomically(files(), Path("a"), "1"), IsOk());
  ASSERT_THAT(WriteFileAtomically(files(), Path("a"), "2"), IsOk());
  EXPECT_EQ(Read("a"), "2");
  EXPECT_THAT(files().List(root_).value(), ElementsAre("a"));
}

// Backups that share what did not change are hard links of one another.
TEST(PosixFiles, WritingInPlaceLeavesOtherNamesOfAFileAlone) {
  std::string name = std::filesystem::temp_directory_path() / "feedmill_links_XXXXXX";
  const std::filesystem::path root = ::mkdtemp(name.data());
  FileSystem& files = PosixFileSystem();
  const std::string path = root / "file", other = root / "other";
  const auto share = [&] {
    std::filesystem::remove(other);
    ASSERT_THAT(WriteFileAtomically(files, path, "content"), IsOk());
    std::filesystem::create_hard_link(path, other);
  };
  share();
  ASSERT_THAT((*files.OpenForAppend(path))->Append(" more"), IsOk());
  EXPECT_EQ(*ReadWholeFile(files, path), "content more");
  EXPECT_EQ(*ReadWholeFile(files, other), "content");
  share();
  ASSERT_THAT(files.Truncate(path, 3), IsOk());
  EXPECT_EQ(*ReadWholeFile(files, path), "con");
  EXPECT_EQ(*ReadWholeFile(files, other), "content");
  share();
  ASSERT_THAT((*files.CreateTruncated(path))->Append("new"), IsOk());
  EXPECT_EQ(*ReadWholeFile(files, path), "new");
  EXPECT_EQ(*ReadWholeFile(files, other), "content");
  EXPECT_EQ(std::ranges::distance(std::filesystem::directory_iterator(root)), 2) << "nothing is left behind";
  std::filesystem::remove_all(root);
}

INSTANTIATE_TEST_SUITE_P(Both, FileSystemTest, ::testing::Values(Which::kPosix, Which::kHarsh),
                         [](const auto& which) { return which.param == Which::kPosix ? "Posix" : "Harsh"; });

}  // namespace
}  // namespace feedmill::io
