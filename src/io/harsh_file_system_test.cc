#include "io/harsh_file_system.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/matchers.h"
#include "base/random.h"

namespace feedmill::io {
namespace {

using ::testing::HasSubstr;

constexpr int kSeeds = 300;

std::string Pattern(size_t length, char first = 'A') {
  std::string bytes(length, '\0');
  for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>(first + i % 23);
  return bytes;
}

class HarshFileSystemTest : public ::testing::Test {
 protected:
  HarshFileSystemTest() { EXPECT_THAT(files_.CreateDirectories("d"), IsOk()); }
  std::unique_ptr<WritableFile> Create(const std::string& path) { return files_.CreateTruncated(path).value(); }
  static std::string Content(HarshFileSystem& files, const std::string& path) {
    return ReadWholeFile(files, path).value_or("<absent>");
  }
  // How often each outcome of `path` comes, over many seeds.
  std::map<std::string, int> Outcomes(const std::string& path) {
    std::map<std::string, int> outcomes;
    for (int seed = 0; seed < kSeeds; ++seed) ++outcomes[Content(*files_.Crash(seed), path)];
    return outcomes;
  }
  HarshFileSystem files_;
};

TEST_F(HarshFileSystemTest, SyncedBytesUnderASyncedNameSurvive) {
  auto file = Create("d/a");
  ASSERT_THAT(file->Append("safe"), IsOk());
  ASSERT_THAT(file->Sync(), IsOk());
  ASSERT_THAT(files_.SyncDirectory("d"), IsOk());
  EXPECT_EQ(Outcomes("d/a"), (std::map<std::string, int>{{"safe", kSeeds}}));
}

TEST_F(HarshFileSystemTest, AnUnsyncedNameMayBeLostThoughItsBytesAreSynced) {
  auto file = Create("d/a");
  ASSERT_THAT(file->Append("safe"), IsOk());
  ASSERT_THAT(file->Sync(), IsOk());
  auto outcomes = Outcomes("d/a");
  EXPECT_GT(outcomes["safe"], kSeeds / 10);
  EXPECT_GT(outcomes["<absent>"], kSeeds / 10);
  EXPECT_EQ(outcomes.size(), 2u);
}

TEST_F(HarshFileSystemTest, UnsyncedBytesAreLostKeptOrTornButSyncedOnesStay) {
  auto file = Create("d/a");
  ASSERT_THAT(files_.SyncDirectory("d"), IsOk());
  std::string synced = Pattern(1000), more = Pattern(20'000, 'a');
  ASSERT_THAT(file->Append(synced), IsOk());
  ASSERT_THAT(file->Sync(), IsOk());
  ASSERT_THAT(file->Append(more), IsOk());
  std::string whole = synced + more;
  int lost = 0, kept = 0, torn_inside = 0, holes = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    std::string found = Content(*files_.Crash(seed), "d/a");
    ASSERT_EQ(found.substr(0, 1000), synced) << "seed " << seed;
    ASSERT_LE(found.size(), whole.size());
    lost += found == synced;
    kept += found == whole;
    bool prefix = whole.starts_with(found);
    torn_inside += !prefix;
    holes += !prefix && found.substr(found.size() - 100) == whole.substr(found.size() - 100, 100);
  }
  EXPECT_GT(lost, kSeeds / 10);
  EXPECT_GT(kept, kSeeds / 10);
  EXPECT_GT(torn_inside, kSeeds / 10) << "not only prefixes";
  EXPECT_GT(holes, kSeeds / 20) << "later pages may land before earlier ones";
}

TEST_F(HarshFileSystemTest, OneSeedIsOneOutcome) {
  auto file = Create("d/a");
  ASSERT_THAT(file->Append(Pattern(9000)), IsOk());
  for (int seed = 0; seed < 20; ++seed)
    EXPECT_EQ(Content(*files_.Crash(seed), "d/a"), Content(*files_.Crash(seed), "d/a"));
}

TEST_F(HarshFileSystemTest, ARenameIsOldOrNewButNeverNothing) {
  ASSERT_THAT(WriteFileAtomically(files_, "d/a", "old"), IsOk());
  auto file = Create("d/a.tmp");
  ASSERT_THAT(file->Append("new"), IsOk());
  ASSERT_THAT(file->Sync(), IsOk());
  ASSERT_THAT(files_.Rename("d/a.tmp", "d/a"), IsOk());
  auto outcomes = Outcomes("d/a");
  EXPECT_GT(outcomes["old"], 0);
  EXPECT_GT(outcomes["new"], 0);
  EXPECT_EQ(outcomes.size(), 2u);
  ASSERT_THAT(files_.SyncDirectory("d"), IsOk());
  EXPECT_EQ(Outcomes("d/a"), (std::map<std::string, int>{{"new", kSeeds}}));
}

TEST_F(HarshFileSystemTest, ARenameOfUnsyncedBytesMayLeaveAnEmptyFile) {
  ASSERT_THAT(WriteFileAtomically(files_, "d/a", "old"), IsOk());
  auto file = Create("d/a.tmp");
  ASSERT_THAT(file->Append("new"), IsOk());
  ASSERT_THAT(files_.Rename("d/a.tmp", "d/a"), IsOk());
  ASSERT_THAT(files_.SyncDirectory("d"), IsOk());
  auto outcomes = Outcomes("d/a");
  EXPECT_GT(outcomes[""], 0) << "the bug that WriteFileAtomically must not have";
  EXPECT_EQ(outcomes["old"], 0);
}

TEST_F(HarshFileSystemTest, ARenameAcrossDirectoriesIsOneInstant) {
  ASSERT_THAT(files_.CreateDirectories("e"), IsOk());
  ASSERT_THAT(WriteFileAtomically(files_, "d/a", "x"), IsOk());
  ASSERT_THAT(files_.Rename("d/a", "e/b"), IsOk());
  std::set<std::pair<bool, bool>> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto after = files_.Crash(seed);
    seen.insert({after->Exists("d/a").value(), after->Exists("e/b").value()});
  }
  EXPECT_EQ(seen, (std::set<std::pair<bool, bool>>{{true, false}, {false, true}}));
}

TEST_F(HarshFileSystemTest, EntriesOfDifferentFilesLandInAnyOrder) {
  for (const char* name : {"d/a", "d/b"}) {
    auto file = Create(name);
    ASSERT_THAT(file->Sync(), IsOk());
  }
  std::set<std::pair<bool, bool>> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto after = files_.Crash(seed);
    seen.insert({after->Exists("d/a").value(), after->Exists("d/b").value()});
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST_F(HarshFileSystemTest, ATruncatedFileMayComeBack) {
  ASSERT_THAT(WriteFileAtomically(files_, "d/a", "old"), IsOk());
  auto file = Create("d/a");
  auto outcomes = Outcomes("d/a");
  EXPECT_GT(outcomes["old"], 0);
  EXPECT_GT(outcomes[""], 0);
  ASSERT_THAT(file->Append("new"), IsOk());
  ASSERT_THAT(file->Sync(), IsOk());
  EXPECT_EQ(Outcomes("d/a"), (std::map<std::string, int>{{"new", kSeeds}}));
}

TEST_F(HarshFileSystemTest, ARemovedFileMayComeBack) {
  ASSERT_THAT(WriteFileAtomically(files_, "d/a", "x"), IsOk());
  ASSERT_THAT(files_.Remove("d/a"), IsOk());
  EXPECT_FALSE(files_.Exists("d/a").value());
  auto outcomes = Outcomes("d/a");
  EXPECT_GT(outcomes["x"], 0);
  EXPECT_GT(outcomes["<absent>"], 0);
}

TEST_F(HarshFileSystemTest, AFailedSyncDropsItsPagesForGood) {
  auto file = Create("d/a");
  ASSERT_THAT(files_.SyncDirectory("d"), IsOk());
  ASSERT_THAT(file->Append(Pattern(5000)), IsOk());
  files_.FailCall(1, Fault::kSyncFails);
  EXPECT_THAT(file->Sync(), IsError(ErrorKind::kIo));
  EXPECT_THAT(file->Append("x"), IsError(ErrorKind::kIo, HasSubstr("reopen"))) << "as the operating system's twin does";
  EXPECT_EQ(Content(files_, "d/a"), Pattern(5000)) << "still visible";
  auto again = files_.OpenForAppend("d/a").value();
  ASSERT_THAT(again->Append("end"), IsOk());
  ASSERT_THAT(again->Sync(), IsOk()) << "a second sync succeeds and mends nothing";
  std::string found = Content(*files_.Crash(1), "d/a");
  EXPECT_EQ(found.size(), 5003u);
  EXPECT_EQ(found.substr(5000), "end");
  int whole = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    HarshFileSystem files({.seed = seed});
    auto lost = files.CreateTruncated("a").value();
    ASSERT_THAT(lost->Append(Pattern(5000)), IsOk());
    files.FailCall(1, Fault::kSyncFails);
    EXPECT_FALSE(lost->Sync());
    ASSERT_THAT(files.SyncDirectory("/"), IsOk());
    ASSERT_THAT(files.SyncFile("a"), IsOk());
    whole += Content(*files.Crash(seed), "a") == Pattern(5000);
  }
  EXPECT_LT(whole, 30);
}

TEST_F(HarshFileSystemTest, TheNthFittingCallFailsOnce) {
  auto file = Create("d/a");
  files_.FailCall(2, Fault::kShortWrite);
  EXPECT_THAT(file->Append("one"), IsOk());
  EXPECT_THAT(file->Sync(), IsOk()) << "does not count: nothing is written";
  EXPECT_THAT(file->Append(Pattern(1000)), IsError(ErrorKind::kIo));
  EXPECT_GE(file->Size(), 3u);
  files_.FailCall(1, Fault::kTooManyOpenFiles);
  EXPECT_THAT(files_.OpenForRead("d/a"), IsError(ErrorKind::kIo, HasSubstr("Too many open files")));
  EXPECT_THAT(files_.OpenForRead("d/a"), IsOk());
  files_.FailCall(1, Fault::kNoSpace);
  EXPECT_THAT(files_.CreateTruncated("d/b"), IsError(ErrorKind::kIo, HasSubstr("No space")));
  files_.FailCall(1, Fault::kIoError);
  EXPECT_THAT(files_.List("d"), IsError(ErrorKind::kIo));
}

TEST_F(HarshFileSystemTest, AFullDiskTakesWhatFits) {
  HarshFileSystem small({.seed = 1, .capacity_bytes = 100});
  auto file = small.CreateTruncated("a").value();
  EXPECT_THAT(file->Append(Pattern(60)), IsOk());
  EXPECT_THAT(file->Append(Pattern(60)), IsError(ErrorKind::kIo, HasSubstr("No space left")));
  EXPECT_EQ(file->Size(), 100u);
}

TEST_F(HarshFileSystemTest, ADeadMachineDoesNothingMore) {
  auto file = Create("d/a");
  ASSERT_THAT(files_.SyncDirectory("d"), IsOk());
  files_.StopAfter(2);
  EXPECT_THAT(file->Append("1"), IsOk());
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_TRUE(files_.stopped());
  EXPECT_THAT(file->Append("2"), IsError(ErrorKind::kIo, HasSubstr("dead")));
  EXPECT_THAT(files_.List("d"), IsError(ErrorKind::kIo));
  EXPECT_EQ(Outcomes("d/a"), (std::map<std::string, int>{{"1", kSeeds}}));
}

// The one piece of durable code in this room, cut at every call: the file is the old one or the new one.
TEST_F(HarshFileSystemTest, WriteFileAtomicallyIsAtomicAtEveryCrashPoint) {
  std::string old_content = Pattern(3000), new_content = Pattern(7000, 'a');
  int crash_states = 0;
  for (uint64_t stop = 1; stop <= 6; ++stop) {
    HarshFileSystem files;
    ASSERT_THAT(WriteFileAtomically(files, "a", old_content), IsOk());
    files.StopAfter(stop);
    bool acknowledged = WriteFileAtomically(files, "a", new_content).has_value();
    for (int seed = 0; seed < 100; ++seed, ++crash_states) {
      std::string found = Content(*files.Crash(seed), "a");
      bool is_new = found == new_content;
      ASSERT_TRUE(is_new || (!acknowledged && found == old_content))
          << "stop " << stop << " seed " << seed << " size " << found.size();
    }
  }
  EXPECT_EQ(crash_states, 600);
}

TEST_F(HarshFileSystemTest, TwentyThousandCrashStatesAreQuick) {
  auto file = Create("d/a");
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(file->Append(Pattern(2000)), IsOk());
    if (i % 4 == 0) {
      ASSERT_THAT(file->Sync(), IsOk());
    }
  }
  std::set<uint64_t> sizes;
  for (int seed = 0; seed < 20'000; ++seed) sizes.insert(files_.Crash(seed)->changes());
  EXPECT_EQ(sizes, std::set<uint64_t>{0});
}

}  // namespace
}  // namespace feedmill::io
