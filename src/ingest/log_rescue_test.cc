// Damaged, cut, missing and unwritable logs: what can be read is read, what is gone is named, and the log goes on.
#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/log.h"
#include "io/harsh_file_system.h"

namespace feedmill::ingest {
namespace {

using io::HarshFileSystem;
using testing::HasSubstr;
using testing::SizeIs;

Result<LogPosition> AppendTo(EventLog& log, std::vector<std::string> payloads) {
  std::promise<Result<LogPosition>> promise;
  auto future = promise.get_future();
  auto queued = log.Append(0, std::move(payloads), [&](Result<LogPosition> first) { promise.set_value(first); });
  if (!queued) return std::unexpected(queued.error());
  return future.get();
}

// What a reader finds: payloads by offset, and the offsets that are gone.
struct Found {
  std::map<uint64_t, std::string> records;
  std::vector<OffsetRange> lost;
  std::optional<Error> error;
};

Found ReadAll(const EventLog& log, size_t bytes_max = 1 << 20) {
  Found found;
  uint64_t offset = log.BeginOffset(0);
  while (true) {
    auto records = log.Read(0, offset, bytes_max);
    if (!records) {
      found.error = records.error();
      return found;
    }
    if (records->empty()) return found;
    for (const auto& record : *records) {
      if (record.lost > 0) {
        EXPECT_EQ(record.offset + 1 - record.lost, offset);
        found.lost.push_back({offset, record.offset + 1});
      } else {
        EXPECT_EQ(record.offset, offset);
        found.records[offset] = record.payload;
      }
      offset = record.offset + 1;
    }
  }
}

LogRescue Rescue(bool in_lake, bool give_up = false) {
  return {[in_lake](uint32_t, OffsetRange) -> Result<bool> { return in_lake; }, give_up};
}

class LogRescueTest : public testing::Test {
 protected:
  LogRescueTest() {
    options_.directory = "log";
    options_.segment_bytes_max = 600;
    options_.tail_bytes_max = 1;
    options_.repair_interval = 1000;
    options_.watch_interval = 1000;
  }

  // Some segments of groups of one to three records.
  void Fill(HarshFileSystem& files, int groups = 12) {
    auto log = *OpenEventLog(files, clock_, options_);
    int next = 0;
    for (int i = 0; i < groups; ++i) {
      std::vector<std::string> payloads;
      for (int j = 0; j <= i % 3; ++j, ++next)
        payloads.push_back(fmt::format("record {} {}", next, std::string(next, 'x')));
      for (const auto& payload : payloads) written_[written_.size()] = payload;
      ASSERT_TRUE(AppendTo(*log, payloads));
    }
  }

  static std::vector<std::string> Segments(HarshFileSystem& files) {
    std::vector<std::string> paths;
    auto names = *files.List("log/p00");
    for (const auto& name : names) paths.push_back("log/p00/" + name);
    return paths;
  }

  static void Flip(HarshFileSystem& files, const std::string& path, size_t at, int bit = 0) {
    auto bytes = *io::ReadWholeFile(files, path);
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
    ASSERT_TRUE(io::WriteFileAtomically(files, path, bytes));
  }

  size_t PlaceOf(HarshFileSystem& files, const std::string& path, const std::string& text) {
    return io::ReadWholeFile(files, path)->find(text);
  }

  ManualClock clock_{1};
  LogOptions options_;
  std::map<uint64_t, std::string> written_;
};

TEST_F(LogRescueTest, OneFlippedBitOfWhatIsInTheLakeStopsNothing) {
  for (const bool last : {false, true}) {
    HarshFileSystem files;
    written_.clear();
    Fill(files);
    auto segments = Segments(files);
    ASSERT_GT(segments.size(), 2u);
    const std::string path = last ? segments.back() : segments[1];
    const uint64_t victim = std::stoull(path.substr(path.size() - 24, 20)) + 1;
    Flip(files, path, PlaceOf(files, path, fmt::format("record {} ", victim)), 3);
    const std::string damaged = *io::ReadWholeFile(files, path);
    for (int life = 0; life < 2; ++life) {
      auto log = OpenEventLog(files, clock_, options_, Rescue(true));
      ASSERT_TRUE(log) << log.error().ToString();
      const Found found = ReadAll(**log);
      ASSERT_FALSE(found.error) << found.error->ToString();
      auto expected = written_;
      expected.erase(victim);
      EXPECT_EQ(found.records, expected);
      EXPECT_THAT(found.lost, testing::ElementsAre(OffsetRange{victim, victim + 1}));
      ASSERT_THAT((*log)->damage(), SizeIs(1));
      const LogDamage damage = (*log)->damage()[0];
      EXPECT_TRUE(damage.in_lake);
      EXPECT_EQ(damage.lost, found.lost);
      EXPECT_EQ(*io::ReadWholeFile(files, damage.file), damaged);
      EXPECT_EQ((*log)->EndOffset(0), written_.size());
      auto appended = AppendTo(**log, {"more"});
      ASSERT_TRUE(appended);
      EXPECT_EQ(appended->offset, written_.size());
      written_[appended->offset] = "more";
    }
  }
}

TEST_F(LogRescueTest, WhatIsNowhereElseIsNamedAndGivenUpOnlyWhenToldTo) {
  HarshFileSystem files;
  Fill(files);
  const std::string path = Segments(files).back();
  const uint64_t victim = std::stoull(path.substr(path.size() - 24, 20));
  Flip(files, path, PlaceOf(files, path, fmt::format("record {} ", victim)));
  for (const bool asked : {false, true}) {
    auto log = OpenEventLog(files, clock_, options_, asked ? Rescue(false) : LogRescue{});
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().kind(), ErrorKind::kCorrupt);
    EXPECT_THAT(log.error().message(), HasSubstr(path + " byte "));
    EXPECT_THAT(log.error().message(),
                HasSubstr(fmt::format("record {} of partition 0 is damaged and not in the lake; `feedmill log repair`",
                                      victim)));
  }
  EXPECT_FALSE(*files.Exists("log/quarantine"));
  auto log = OpenEventLog(files, clock_, options_, Rescue(false, true));
  ASSERT_TRUE(log) << log.error().ToString();
  EXPECT_EQ(ReadAll(**log).records.size(), written_.size() - 1);
  EXPECT_FALSE((*log)->damage()[0].in_lake);
}

TEST_F(LogRescueTest, AHoleThatIsKnownIsNotLostAgain) {
  HarshFileSystem files;
  Fill(files, 3);
  const std::string path = Segments(files).back();
  Flip(files, path, PlaceOf(files, path, "record 1 "));
  ASSERT_TRUE(OpenEventLog(files, clock_, options_, Rescue(true)));
  Flip(files, path, PlaceOf(files, path, "record 3 "));
  auto log = OpenEventLog(files, clock_, options_, Rescue(false));
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message(), HasSubstr("; record 3 of partition 0 is damaged"));
  log = OpenEventLog(files, clock_, options_, Rescue(false, true));
  ASSERT_TRUE(log);
  EXPECT_THAT(ReadAll(**log).lost, testing::ElementsAre(OffsetRange{1, 2}, OffsetRange{3, 4}));
  ASSERT_THAT((*log)->damage(), SizeIs(2));
  EXPECT_THAT((*log)->damage()[1].lost, testing::ElementsAre(OffsetRange{3, 4}));
}

TEST_F(LogRescueTest, AnyOneFlippedBitCostsAtMostOneRecord) {
  HarshFileSystem whole;
  Fill(whole, 7);
  const auto segments = Segments(whole);
  ASSERT_GE(segments.size(), 2u);
  for (const std::string& path : {segments.front(), segments.back()}) {
    const size_t size = *whole.FileSize(path);
    for (size_t bit = 0; bit < size * 8; bit += 5) {
      auto files = whole.Crash(1);
      Flip(*files, path, bit / 8, static_cast<int>(bit % 8));
      auto log = OpenEventLog(*files, clock_, options_, Rescue(true));
      ASSERT_TRUE(log) << path << " bit " << bit << ": " << log.error().ToString();
      const Found found = ReadAll(**log);
      ASSERT_FALSE(found.error) << path << " bit " << bit << ": " << found.error->ToString();
      ASSERT_GE(found.records.size() + 1, written_.size()) << path << " bit " << bit;
      for (const auto& [offset, payload] : found.records)
        ASSERT_EQ(payload, written_[offset]) << path << " bit " << bit;
    }
  }
}

TEST_F(LogRescueTest, ASegmentThatEndsEarlyOrIsMissingIsAHole) {
  for (const bool missing : {false, true}) {
    HarshFileSystem files;
    written_.clear();
    Fill(files, 25);
    auto segments = Segments(files);
    ASSERT_GT(segments.size(), 3u);
    if (missing) {
      ASSERT_TRUE(files.Remove(segments[1]));
    } else {
      ASSERT_TRUE(files.Truncate(segments[1], 60));
    }
    auto log = OpenEventLog(files, clock_, options_, Rescue(true));
    ASSERT_TRUE(log) << log.error().ToString();
    const Found found = ReadAll(**log);
    ASSERT_FALSE(found.error) << found.error->ToString();
    ASSERT_THAT(found.lost, SizeIs(1));
    EXPECT_EQ(found.records.size() + found.lost[0].to - found.lost[0].from, written_.size());
    EXPECT_TRUE(ReadAll(**OpenEventLog(files, clock_, options_)).lost == found.lost);
  }
}

TEST_F(LogRescueTest, ACrashWhileDamageIsSetAsideLeavesTheOldSegmentOrTheNewOne) {
  for (uint64_t calls = 1; calls < 16; ++calls) {
    for (uint64_t seed = 1; seed < 4; ++seed) {
      HarshFileSystem files;
      written_.clear();
      Fill(files);
      const std::string path = Segments(files).back();
      const uint64_t victim = std::stoull(path.substr(path.size() - 24, 20));
      Flip(files, path, PlaceOf(files, path, fmt::format("record {} ", victim)));
      ASSERT_TRUE(files.SyncDirectory("log/p00"));
      files.StopAfter(calls);
      static_cast<void>(OpenEventLog(files, clock_, options_, Rescue(true)));
      auto after = files.Crash(seed);
      auto log = OpenEventLog(*after, clock_, options_, Rescue(true));
      ASSERT_TRUE(log) << calls << " " << seed << " " << log.error().ToString();
      const Found found = ReadAll(**log);
      ASSERT_FALSE(found.error);
      EXPECT_THAT(found.lost, testing::ElementsAre(OffsetRange{victim, victim + 1})) << calls << " " << seed;
      EXPECT_EQ(found.records.size(), written_.size() - 1);
      EXPECT_FALSE((*log)->damage().empty());
    }
  }
}

TEST_F(LogRescueTest, ADeletedLogGoesOnAboveWhatIsKnownElsewhere) {
  HarshFileSystem files;
  ASSERT_TRUE(SkipLogRecords(files, clock_, options_, 0, {400, 1000}));
  auto log = *OpenEventLog(files, clock_, options_);
  EXPECT_EQ(log->BeginOffset(0), 400u);
  EXPECT_EQ(log->EndOffset(0), 1000u);
  EXPECT_THAT(ReadAll(*log).lost, testing::ElementsAre(OffsetRange{400, 1000}));
  EXPECT_EQ(AppendTo(*log, {"new"})->offset, 1000u);
  log.reset();
  log = *OpenEventLog(files, clock_, options_);
  EXPECT_EQ(ReadAll(*log).records[1000], "new");
  auto middle = log->Read(0, 700, 100);
  ASSERT_TRUE(middle);
  EXPECT_EQ(middle->front().offset, 999u);
  EXPECT_EQ(middle->front().lost, 300u);
}

TEST_F(LogRescueTest, ACutLogKeepsWhatItHas) {
  HarshFileSystem files;
  Fill(files, 25);
  auto segments = Segments(files);
  for (size_t i = 3; i < segments.size(); ++i) ASSERT_TRUE(files.Remove(segments[i]));
  ASSERT_TRUE(files.Remove(segments[0]));
  uint64_t begin = 0, end = 0;
  {
    auto log = *OpenEventLog(files, clock_, options_);
    begin = log->BeginOffset(0);
    end = log->EndOffset(0);
  }
  ASSERT_LT(end, written_.size());
  ASSERT_TRUE(SkipLogRecords(files, clock_, options_, 0, {0, 500}));
  auto log = *OpenEventLog(files, clock_, options_);
  const Found found = ReadAll(*log);
  EXPECT_EQ(log->BeginOffset(0), 0u);
  EXPECT_THAT(found.lost, testing::ElementsAre(OffsetRange{0, begin}, OffsetRange{end, 500}));
  EXPECT_EQ(found.records.size(), end - begin);
  EXPECT_EQ(AppendTo(*log, {"new"})->offset, 500u);
  log.reset();
  ASSERT_TRUE(SkipLogRecords(files, clock_, options_, 0, {0, 500}));  // nothing is missing any more
  EXPECT_EQ((*OpenEventLog(files, clock_, options_))->EndOffset(0), 501u);
}

// A start on a full disk, with and without a segment that was begun and not made.
TEST_F(LogRescueTest, WithoutSpaceItOpensAndAcceptsOnceThereIsSome) {
  for (const bool begun : {false, true}) {
    HarshFileSystem files(io::HarshOptions{.seed = 1, .capacity_bytes = 4000});
    if (begun) {
      written_.clear();
      Fill(files, 3);
      const auto end = (*OpenEventLog(files, clock_, options_))->EndOffset(0);
      ASSERT_TRUE((*files.CreateTruncated(fmt::format("log/p00/{:020}.seg", end)))->Append("FMSEG"));
    }
    auto filler = *files.CreateTruncated("filler");
    while (filler->Append("x")) {
    }
    auto opened = OpenEventLog(files, clock_, options_);
    ASSERT_TRUE(opened) << opened.error().ToString();
    auto& log = **opened;
    EXPECT_FALSE(log.status());
    EXPECT_EQ(AppendTo(log, {"refused"}).error().kind(), ErrorKind::kUnavailable);
    EXPECT_EQ(ReadAll(log).records, written_);
    ASSERT_TRUE(files.Remove("filler"));
    Result<LogPosition> appended = AppendTo(log, {"taken"});
    for (int i = 0; i < 2000 && !appended; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      appended = AppendTo(log, {"taken"});
    }
    ASSERT_TRUE(appended);
    EXPECT_EQ(appended->offset, written_.size());
    EXPECT_TRUE(log.status());
    opened->reset();
    EXPECT_EQ(ReadAll(**OpenEventLog(files, clock_, options_)).records.size(), written_.size() + 1);
  }
}

TEST(LogVanishTest, AFolderThatIsGoneTakesNothing) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("log_vanish_{}", ::getpid());
  fs::remove_all(folder);
  ManualClock clock(1);
  LogOptions options;
  options.directory = (folder / "log").string();
  options.repair_interval = options.watch_interval = 2000;
  auto log = *OpenEventLog(io::PosixFileSystem(), clock, options);
  ASSERT_TRUE(AppendTo(*log, {"first"}));
  const auto wait_for_status = [&](bool good) {
    for (int i = 0; i < 5000 && log->status().has_value() != good; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return log->status().has_value() == good;
  };
  fs::rename(folder, folder.string() + ".away");
  EXPECT_FALSE(AppendTo(*log, {"into nothing"}));
  EXPECT_FALSE(log->status());
  fs::rename(folder.string() + ".away", folder);
  ASSERT_TRUE(wait_for_status(true));
  EXPECT_EQ(AppendTo(*log, {"second"})->offset, 1u);
  fs::remove_all(folder);
  EXPECT_TRUE(wait_for_status(false)) << "without a single append";
  EXPECT_FALSE(AppendTo(*log, {"into nothing"}));
  log.reset();
  fs::remove_all(folder);
}

}  // namespace
}  // namespace feedmill::ingest
