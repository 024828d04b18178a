#include "ingest/log.h"

#include <filesystem>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feedmill::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  LogTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("log_test_{}", ::getpid())) {
    std::filesystem::remove_all(folder_);
    options_.directory = folder_.string();
  }
  ~LogTest() override {
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    log_.reset();
    auto opened = OpenEventLog(io::PosixFileSystem(), clock_, options_);
    ASSERT_TRUE(opened) << opened.error().ToString();
    log_ = std::move(*opened);
  }

  Result<LogPosition> Append(std::vector<std::string> payloads, uint32_t partition = 0) {
    std::promise<Result<LogPosition>> promise;
    auto future = promise.get_future();
    auto queued =
        log_->Append(partition, std::move(payloads), [&](Result<LogPosition> first) { promise.set_value(first); });
    if (!queued) return std::unexpected(queued.error());
    return future.get();
  }

  std::vector<std::string> ReadAll(uint64_t offset = 0, size_t bytes_max = 1 << 20, uint32_t partition = 0) {
    std::vector<std::string> payloads;
    while (true) {
      auto records = log_->Read(partition, offset, bytes_max);
      EXPECT_TRUE(records) << records.error().ToString();
      if (!records || records->empty()) return payloads;
      for (auto& record : *records) {
        EXPECT_EQ(record.offset, offset++);
        payloads.push_back(record.payload);
      }
    }
  }

  std::vector<std::string> Segments() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "p00"))
      names.push_back(entry.path().string());
    std::ranges::sort(names);
    return names;
  }

  void FlipByte(const std::string& path, size_t at) {
    auto bytes = *io::ReadWholeFile(io::PosixFileSystem(), path);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    ASSERT_TRUE(io::WriteFileAtomically(io::PosixFileSystem(), path, bytes));
  }

  std::filesystem::path folder_;
  ManualClock clock_{1'000'000};
  LogOptions options_;
  std::unique_ptr<EventLog> log_;
};

TEST_F(LogTest, RecordsComeBackInOrderAfterReopening) {
  Open();
  EXPECT_EQ(Append({"a", "b"})->offset, 0u);
  EXPECT_EQ(Append({"", "d"})->offset, 2u);
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "", "d"));
  Open();
  EXPECT_EQ(log_->EndOffset(0), 4u);
  EXPECT_EQ(Append({"e"})->offset, 4u);
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "", "d", "e"));
  EXPECT_THAT(ReadAll(3), ElementsAre("d", "e"));
}

TEST_F(LogTest, ReadsStopAtTheLimitAndGoOnFromThere) {
  options_.tail_bytes_max = 1;  // all but the newest group from files
  Open();
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back(fmt::format("record {}", i));
    expected.push_back(std::string(static_cast<size_t>(i), 'x'));
    ASSERT_TRUE(Append({expected[expected.size() - 2], expected.back()}));
  }
  EXPECT_EQ(ReadAll(0, 100), expected);
  EXPECT_EQ(ReadAll(0, 1), expected);
  Open();
  EXPECT_EQ(ReadAll(0, 1000), expected);
}

TEST_F(LogTest, SegmentsAreRotatedTrimmedAndCheckedForDamage) {
  options_.segment_bytes_max = 1000;
  options_.tail_bytes_max = 1;
  Open();
  for (int i = 0; i < 50; ++i) {
    clock_.Advance(kMicrosPerSecond);
    ASSERT_TRUE(Append({std::string(100, static_cast<char>('A' + i % 26))}));
  }
  auto segments = Segments();
  ASSERT_GT(segments.size(), 5u);
  EXPECT_EQ(ReadAll().size(), 50u);

  ASSERT_TRUE(log_->Trim(0, 20, clock_.Now()));
  EXPECT_GT(log_->BeginOffset(0), 10u);
  EXPECT_LE(log_->BeginOffset(0), 20u);
  auto gone = log_->Read(0, 0, 100);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind(), ErrorKind::kNotFound);
  uint64_t begin = log_->BeginOffset(0);
  ASSERT_TRUE(log_->Trim(0, 50, 1));  // none is that old
  EXPECT_EQ(log_->BeginOffset(0), begin);

  Open();
  EXPECT_EQ(log_->BeginOffset(0), begin);
  EXPECT_EQ(ReadAll(begin).size(), 50 - begin);
  log_.reset();
  segments = Segments();
  FlipByte(segments[1], 300);
  Open();  // closed segments are checked when they are read
  auto read = log_->Read(0, begin, 1 << 20);
  while (read && !read->empty()) read = log_->Read(0, read->back().offset + 1, 1 << 20);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(read.error().message(), HasSubstr(segments[1] + " byte "));
}

TEST_F(LogTest, DamageToAcknowledgedRecordsOfTheLastSegmentIsNotTakenForATornTail) {
  Open();
  ASSERT_TRUE(Append({"first"}));
  log_.reset();  // closing seals: even the last group is known to have been durable
  FlipByte(Segments()[0], 48 + 40 + 8);
  auto opened = OpenEventLog(io::PosixFileSystem(), clock_, options_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr(Segments()[0] + " byte 88"));
}

TEST_F(LogTest, GroupsAreSharedByConcurrentAppends) {
  Open();
  constexpr int kThreads = 8, kAppends = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kAppends; ++i) {
        auto first = Append({fmt::format("{} {} a", t, i), fmt::format("{} {} b", t, i)});
        ASSERT_TRUE(first);
        auto records = log_->Read(0, first->offset, 1);
        ASSERT_TRUE(records);
        EXPECT_EQ(records->front().payload, fmt::format("{} {} a", t, i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  auto all = ReadAll();
  ASSERT_EQ(all.size(), size_t{kThreads * kAppends * 2});
  std::vector<int> next(kThreads, 0);
  for (size_t i = 0; i < all.size(); i += 2) {
    int t = all[i][0] - '0';
    EXPECT_EQ(all[i], fmt::format("{} {} a", t, next[static_cast<size_t>(t)]));
    EXPECT_EQ(all[i + 1], fmt::format("{} {} b", t, next[static_cast<size_t>(t)]++));
  }
}

TEST_F(LogTest, WaitForEndsWhenARecordComes) {
  Open();
  EXPECT_FALSE(log_->WaitFor(0, 0, 1000));
  auto waiting = std::async(std::launch::async, [&] { return log_->WaitFor(0, 0, 30 * kMicrosPerSecond); });
  ASSERT_TRUE(Append({"x"}));
  EXPECT_TRUE(waiting.get());
}

TEST_F(LogTest, LimitsAreNamed) {
  options_.record_bytes_max = 10;
  options_.queue_bytes_max = 100;
  Open();
  auto too_large = log_->Append(0, {std::string(11, 'x')}, nullptr);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().message(), "record of 11 bytes, at most 10 are allowed");
  EXPECT_EQ(log_->Append(0, {}, nullptr).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(log_->Append(1, {"x"}, nullptr).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(log_->Append(0, std::vector<std::string>(50, "0123456789"), nullptr).error().kind(),
            ErrorKind::kInvalidArgument);
  log_->Close();
  EXPECT_EQ(log_->Append(0, {"x"}, nullptr).error().kind(), ErrorKind::kUnavailable);
}

TEST_F(LogTest, FewerPartitionsThanTheLogHasAreRefused) {
  options_.partitions = 3;
  Open();
  ASSERT_TRUE(Append({"x"}, 2));
  EXPECT_THAT(ReadAll(0, 100, 2), ElementsAre("x"));
  log_.reset();
  options_.partitions = 2;
  auto opened = OpenEventLog(io::PosixFileSystem(), clock_, options_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr("holds partition p02, the configuration says 2 partitions"));
}

}  // namespace
}  // namespace feedmill::ingest
