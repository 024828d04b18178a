// What fails below a statement, files and memory, is an error that says so.
#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/starvation_for_test.h"
#include "lake/inventory.h"
#include "query/engine.h"
#include "query/folder_catalog_for_test.h"
#include "query/whole_parquet.h"

namespace feedmill::query {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kRows = "SELECT i AS id, 'name ' || hash(i) AS name FROM range(3000) t(i)";

class SessionFailureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("feedmill_query_failure_{}", getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    EngineOptions options;
    options.temporary_directory = folder_ / "tmp";
    options.memory_bytes_max = 512ull << 20;
    engine_ = std::move(*OpenEngine(options));
    session_ = std::move(*engine_->NewSession());
    catalog_ = std::make_unique<FolderCatalog>(folder_.string());
    ASSERT_THAT(catalog_->Create("ods.event", columns_, {}), IsOk());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  const Schema columns_ = {{0, "id", ColumnType::kLong, true, "", 0}, {0, "name", ColumnType::kString, false, "", 0}};
  std::filesystem::path folder_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<FolderCatalog> catalog_;
};

TEST_F(SessionFailureTest, ADamagedFileIsNamedAndNotRead) {
  auto files = session_->WriteQuery(*catalog_, "ods.event", kRows, "stem");
  ASSERT_THAT(files, IsOk());
  const lake::DataFile& file = (*files)[0];
  lake::CommitRequest commit;
  commit.files = *files;
  ASSERT_THAT(catalog_->Commit("ods.event", commit), IsOk());
  EXPECT_EQ(file.crc32c, *lake::FileCrc32c(io::PosixFileSystem(), file.path));
  ASSERT_THAT(session_->RegisterTable(*catalog_, "ods.event"), IsOk());
  std::string bytes = *io::ReadWholeFile(io::PosixFileSystem(), file.path);
  bytes[bytes.size() / 2] ^= 1;
  const auto written_at = std::filesystem::last_write_time(file.path);
  ASSERT_THAT(io::WriteFileAtomically(io::PosixFileSystem(), file.path, bytes), IsOk());
  std::filesystem::last_write_time(file.path, written_at);  // clocks of files are coarse
  EXPECT_THAT(session_->RegisterTable(*catalog_, "ods.event"), IsError(ErrorKind::kCorrupt, HasSubstr(file.path)));
  std::filesystem::remove(file.path);
  EXPECT_THAT(session_->RegisterTable(*catalog_, "ods.event"), IsError(ErrorKind::kCorrupt, HasSubstr(file.path)));
}

TEST_F(SessionFailureTest, ADamagedFileWithoutAChecksumIsNamedByWhoeverReadsIt) {
  auto files = session_->WriteQuery(*catalog_, "ods.event", kRows, "stem");
  ASSERT_THAT(files, IsOk());
  (*files)[0].crc32c.reset();
  lake::CommitRequest commit;
  commit.files = *files;
  ASSERT_THAT(catalog_->Commit("ods.event", commit), IsOk());
  const std::string path = (*files)[0].path;
  const std::string whole = *io::ReadWholeFile(io::PosixFileSystem(), path);
  int named = 0;
  for (size_t at = 4; at < whole.size() / 2; at += whole.size() / 80) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    ASSERT_THAT(io::WriteFileAtomically(io::PosixFileSystem(), path, bytes), IsOk());
    const auto session = *engine_->NewSession();
    Status read = session->RegisterTable(*catalog_, "ods.event");
    if (read) read = session->Stream("SELECT * FROM event", [](const Chunk&) { return Ok(); });
    if (read) continue;  // what is wrong but can be read, only a checksum could tell
    ++named;
    ASSERT_THAT(read, IsError(ErrorKind::kCorrupt, AllOf(HasSubstr(path), HasSubstr("feedmill verify")))) << at;
    EXPECT_THAT(read.error().message(), Not(HasSubstr("unknown error"))) << at;
    EXPECT_THAT(ReadWholeParquet({path}, folder_ / "tmp"), IsError(ErrorKind::kCorrupt, HasSubstr(path))) << at;
  }
  EXPECT_GT(named, 3);
  ASSERT_THAT(io::WriteFileAtomically(io::PosixFileSystem(), path, whole), IsOk());
  EXPECT_THAT(ReadWholeParquet({path}, folder_ / "tmp"), IsOk());
  EXPECT_THAT(session_->Query("SELECT 1 / 'x'"), IsError(ErrorKind::kInvalidArgument)) << "no file is at fault";
}

// Memory that the system refuses is an error of the statement and not the end of the process.
TEST_F(SessionFailureTest, WithoutMemoryAStatementFailsAndNothingElse) {
  if (!kCanStarve) GTEST_SKIP() << "not under the thread sanitizer";
  const std::string sql = fmt::format("SELECT '{}' AS text", std::string(2 << 20, 'a'));
  const auto read = [](const Chunk&) { return Ok(); };
  {
    const Starvation starved(1 << 20);
    EXPECT_THAT(session_->Execute(sql), IsError(ErrorKind::kResourceExhausted));
    EXPECT_THAT(session_->Query(sql), IsError(ErrorKind::kResourceExhausted));
    EXPECT_THAT(session_->Stream(sql, read), IsError(ErrorKind::kResourceExhausted));
  }
  EXPECT_THAT(session_->Stream(sql, read), IsOk()) << "with memory it goes on";
}

// What is thrown where a writer's rows are encoded would end the process: nobody else is on that thread.
TEST_F(SessionFailureTest, WithoutMemoryAWriterFailsAndNothingElse) {
  if (!kCanStarve) GTEST_SKIP() << "not under the thread sanitizer";
  class WithoutMemory final : public FolderCatalog {
   public:
    using FolderCatalog::FolderCatalog;
    Result<std::string> DataFolder(const std::string&) override { throw std::bad_alloc(); }
  };
  WithoutMemory catalog(folder_.string());
  ASSERT_THAT(catalog.Create("ods.event", columns_, {}), IsOk());
  const auto writer = session_->OpenWriter(catalog, "ods.event", "limited");
  ASSERT_THAT(writer, IsOk());
  Status written = Ok();
  for (int64_t i = 0; i < 50'000 && written; ++i) {
    (*writer)->AppendLong(0, i);
    (*writer)->AppendText(1, "a name");
    written = (*writer)->EndRow();
  }
  if (written) {
    EXPECT_THAT((*writer)->Finish(), IsError(ErrorKind::kResourceExhausted));
  } else {
    EXPECT_THAT(written, IsError(ErrorKind::kResourceExhausted));
  }
}

}  // namespace
}  // namespace feedmill::query
