#include "stream/log_tailer.h"

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/memory_log_for_test.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using testing::HasSubstr;

class LogTailerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/log_tailer_test";
    std::filesystem::remove_all(folder_);
    options_.folder = folder_ + "/state";
    options_.read_bytes_max = 4'000;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<LiveState> Recover() { return RecoverLiveState(files_, options_.folder, set_, {}).value(); }
  std::unique_ptr<LogTailer> Start(LiveState* state) {
    return StartLogTailer(files_, options_, log_.Source(), state).value();
  }
  void AppendRandom(int count) {
    for (int i = 0; i < count; ++i) log_.Append(static_cast<uint32_t>(i % 2), world_.Next());
  }
  std::string BytesOf(const LiveState& state) {
    EXPECT_TRUE(state.WriteCheckpoint(files_, folder_ + "/bytes").has_value());
    return io::ReadWholeFile(files_, folder_ + "/bytes").value();
  }
  std::vector<std::string> Checkpoints() { return files_.List(options_.folder).value(); }

  io::FileSystem& files_ = io::PosixFileSystem();
  features::FeatureSet set_ = TemplateFeatures();
  RandomWorld world_{21, {}};
  MemoryLog log_{2};
  LogTailerOptions options_;
  std::string folder_;
  const Deadline deadline_ = Deadline::After(60 * kMicrosPerSecond);
};

TEST_F(LogTailerTest, AppliesWhatIsThereAndWhatComes) {
  AppendRandom(500);
  auto state = Recover();
  auto tailer = Start(state.get());
  ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
  EXPECT_EQ(tailer->Lag(), 0U);
  log_.Append(1, MakeRecord("follow", "ann", world_.now(), R"({"target_user_id":"bob"})"));
  ASSERT_TRUE(state->WaitApplied({1, 250}, deadline_));
  const auto guard = state->Read();
  EXPECT_TRUE(state->Follows(state->FindUser("ann"), state->FindUser("bob")));
}

TEST_F(LogTailerTest, RestartsFromTheNewestCheckpointAndKeepsTwo) {
  AppendRandom(200);
  for (int round = 0; round < 4; ++round) {
    auto state = Recover();
    EXPECT_EQ(state->AppliedOffset(0), round == 0 ? 0 : 100 + 50 * static_cast<uint64_t>(round - 1));
    auto tailer = Start(state.get());
    ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
    tailer->Stop();
    AppendRandom(100);
  }
  EXPECT_EQ(Checkpoints().size(), static_cast<size_t>(kCheckpointsKept));
}

TEST_F(LogTailerTest, LearnsOfThePastWhileItApplies) {
  AppendRandom(400);
  domain::Domain bare = *set_.domain;
  for (domain::ItemKind& item : bare.items) item.fields.clear();
  features::FeatureSet without = set_;
  without.domain = std::make_shared<const domain::Domain>(bare);
  {
    auto early = RecoverLiveState(files_, options_.folder, without, {}).value();
    auto tailer = Start(early.get());
    ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
  }
  auto state = Recover();
  const auto knows = [&] {
    const auto guard = state->Read();
    return state->KnowsHistory();
  };
  EXPECT_FALSE(knows());
  std::vector<LiveState::Positioned> past;
  const std::vector<TailRecord> read = log_.Source().read(0, 0, 1 << 20).value();
  for (const TailRecord& record : read) past.push_back({{0, record.offset}, DecodeLogRecord(record.payload).value()});
  auto tailer = Start(state.get());
  std::jthread writer([&] { AppendRandom(2'000); });
  for (size_t i = 0; i < past.size(); i += 10)
    ASSERT_TRUE(tailer->Learn(std::span(past).subspan(i, std::min<size_t>(10, past.size() - i))));
  EXPECT_FALSE(knows());
  ASSERT_TRUE(tailer->EndLearning().has_value());
  EXPECT_TRUE(knows());
  writer.join();
  tailer->Stop();
  EXPECT_FALSE(tailer->Learn(past)) << "it has stopped";
  EXPECT_FALSE(tailer->EndLearning().has_value());
  state = Recover();
  EXPECT_TRUE(knows());
}

TEST_F(LogTailerTest, ABrokenCheckpointGivesWayToTheFormerOne) {
  AppendRandom(300);
  {
    auto state = Recover();
    auto tailer = Start(state.get());
    ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
    ASSERT_TRUE(tailer->WriteCheckpoint().has_value());
    AppendRandom(100);
    ASSERT_TRUE(state->WaitApplied({0, 199}, deadline_));
    ASSERT_TRUE(state->WaitApplied({1, 199}, deadline_));
  }
  auto names = Checkpoints();
  ASSERT_EQ(names.size(), 2U);
  const std::string newest = options_.folder + "/" + names[1];
  std::string bytes = io::ReadWholeFile(files_, newest).value();
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(io::WriteFileAtomically(files_, newest, bytes).has_value());

  auto state = Recover();
  EXPECT_EQ(state->AppliedOffset(0), 150U);
  auto tailer = Start(state.get());
  ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
  EXPECT_EQ(state->AppliedOffset(0) + state->AppliedOffset(1), 400U);
}

TEST_F(LogTailerTest, WhatAKillLeftOfACheckpointGoesAtTheNextStart) {
  Recover();
  const std::string path = options_.folder + "/live-00000000000000000077.ckpt";
  ASSERT_TRUE((*files_.CreateTruncated(path + ".tmp"))->Append("half").has_value());
  ASSERT_TRUE((*files_.CreateTruncated(options_.folder + "/scrub.json"))->Append("{}").has_value());
  Recover();
  EXPECT_THAT(Checkpoints(), testing::ElementsAre("scrub.json"));
}

TEST_F(LogTailerTest, RecordsThatCannotBeDecodedAreCountedAndLeftOut) {
  log_.Append(0, "no record");
  log_.Append(0, MakeRecord("like", "ann", kWorldStart, R"({"post_id":"p1"})"));
  auto state = Recover();
  auto tailer = Start(state.get());
  ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
  EXPECT_EQ(tailer->records_refused(), 1U);
  EXPECT_EQ(state->AppliedOffset(0), 2U);
  EXPECT_EQ(state->PostCount(), 1U);
}

TEST_F(LogTailerTest, ALogThatForgotTheNextRecordIsAnError) {
  AppendRandom(10);
  log_.TrimBefore(3);
  auto state = Recover();
  auto tailer = Start(state.get());
  EXPECT_FALSE(tailer->WaitCaughtUp(deadline_));
  ASSERT_FALSE(tailer->status().has_value());
  EXPECT_EQ(tailer->status().error().kind(), ErrorKind::kNotFound);
  EXPECT_THAT(tailer->status().error().message(), HasSubstr("the log begins at 3"));
}

TEST_F(LogTailerTest, CheckpointsAreWrittenByRecordsAndAfterALongReplay) {
  options_.checkpoint_interval = kMicrosPerHour;
  options_.checkpoint_at_stop = false;
  options_.checkpoint_records_max = 100;
  for (const int records : {20, 8'000}) {  // the first is a long replay at start, the second comes while it runs
    if (records == 20) AppendRandom(records);
    auto state = Recover();
    const uint64_t before = Checkpoints().size();
    auto tailer = Start(state.get());
    ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
    if (records != 20) AppendRandom(records);
    while (Checkpoints().size() == before && !deadline_.Expired())
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_GT(Checkpoints().size(), before);
  }
}

// However often one would be due: the log grows by as many bytes as a checkpoint has before the next one is written.
TEST_F(LogTailerTest, CheckpointsWriteNoMoreThanTheLog) {
  options_.checkpoint_interval = kMicrosPerMilli;
  options_.checkpoint_records_max = 100;
  options_.checkpoint_at_stop = false;
  auto state = Recover();
  auto tailer = Start(state.get());
  for (int round = 0; round < 60; ++round) {
    AppendRandom(500);
    ASSERT_TRUE(state->WaitApplied({0, 250 * static_cast<uint64_t>(round + 1) - 1}, deadline_));
    ASSERT_TRUE(state->WaitApplied({1, 250 * static_cast<uint64_t>(round + 1) - 1}, deadline_));
  }
  tailer->Stop();
  const uint64_t newest = files_.FileSize(options_.folder + "/" + Checkpoints().back()).value();
  EXPECT_GE(tailer->checkpoint_bytes_written(), newest);
  EXPECT_LE(tailer->checkpoint_bytes_written(), log_.bytes() + newest);
}

TEST_F(LogTailerTest, AQuietLogIsWrittenDownAfterAWhile) {
  AppendRandom(300);
  auto state = Recover();
  {
    auto tailer = Start(state.get());
    ASSERT_TRUE(tailer->WaitCaughtUp(deadline_));
  }
  AppendRandom(2);
  options_.checkpoint_interval = kMicrosPerMilli;
  options_.checkpoint_time_max = 200 * kMicrosPerMilli;
  options_.checkpoint_at_stop = false;
  state = Recover();
  auto tailer = Start(state.get());
  while (tailer->checkpoint_bytes_written() == 0 && !deadline_.Expired())
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_GT(tailer->checkpoint_bytes_written(), 0U);
}

TEST_F(LogTailerTest, CheckpointsAreWrittenByTime) {
  options_.checkpoint_interval = 5 * kMicrosPerMilli;
  options_.checkpoint_at_stop = false;
  AppendRandom(100);
  auto state = Recover();
  auto tailer = Start(state.get());
  while (Checkpoints().empty() && !deadline_.Expired()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(Checkpoints().empty());
}

}  // namespace
}  // namespace feedmill::stream
