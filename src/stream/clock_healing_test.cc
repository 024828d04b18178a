// A clock that was ahead for a while and was set right: scores are those of a twin whose clock was never wrong.
#include <filesystem>

#include <gtest/gtest.h>

#include "data/event_codec.h"
#include "features/compute.h"
#include "features/legacy_actions_for_test.h"
#include "stream/log_tailer.h"
#include "stream/memory_log_for_test.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using features::Action;
using features::CounterKey;

class ClockHealing : public testing::TestWithParam<Micros> {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/clock_healing_test";
    std::filesystem::remove_all(folder_);
    options_.folder = folder_ + "/state";
    options_.read_bytes_max = 4'000;
    options_.checkpoint_interval = 0;
  }
  void TearDown() override {
    tailer_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Received when the server's clock was `ahead` of the true time.
  void Send(const LogRecord& record, Micros ahead, Micros true_time) {
    LogRecord here = record;
    here.event.received_time = true_time + ahead;
    here.event.event_time += ahead;
    log_.Append(0, here);
  }
  void SendWorld(int count, Micros ahead) {
    for (int i = 0; i < count; ++i) {
      const LogRecord record = world_.Next();
      Send(record, ahead, world_.now());
    }
  }
  // What the rule makes of the log: events of the wrong clock count as received when it was right again.
  std::unique_ptr<LiveState> Twin() {
    auto twin = std::make_unique<LiveState>(set_, LiveStateOptions());
    ReceiptTimes times;
    auto tail = log_.Source().read(0, 0, 1 << 30).value();
    std::vector<LogRecord> records;
    for (const TailRecord& record : tail) {
      records.push_back(DecodeLogRecord(record.payload).value());
      times.Observe(record.offset, records.back().event.received_time);
    }
    for (uint64_t i = 0; i < records.size(); ++i) {
      records[i].event.event_time = times.Clamp(i, records[i].event.event_time);
      records[i].event.received_time = times.Clamp(i, records[i].event.received_time);
      twin->Apply(records[i], {0, i});
    }
    return twin;
  }
  std::string BytesOf(const LiveState& state) {
    EXPECT_TRUE(state.WriteCheckpoint(files_, folder_ + "/bytes").has_value());
    return io::ReadWholeFile(files_, folder_ + "/bytes").value();
  }
  void Start() {
    tailer_.reset();
    state_ = RecoverLiveState(files_, options_.folder, set_, {}).value();
    tailer_ = StartLogTailer(files_, options_, log_.Source(), state_.get()).value();
    ASSERT_TRUE(tailer_->WaitCaughtUp(Deadline::After(60 * kMicrosPerSecond)));
  }
  void WaitForAll() {
    ASSERT_TRUE(state_->WaitApplied({0, log_.Source().end_offset(0) - 1}, Deadline::After(60 * kMicrosPerSecond)));
  }

  io::FileSystem& files_ = io::PosixFileSystem();
  features::FeatureSet set_ = TemplateFeatures();
  RandomWorld world_{31, {}};
  MemoryLog log_{1};
  LogTailerOptions options_;
  std::string folder_;
  std::unique_ptr<LiveState> state_;
  std::unique_ptr<LogTailer> tailer_;
};

TEST_P(ClockHealing, ScoresAreThoseOfATwinWhoseClockWasRight) {
  SendWorld(500, 0);
  Start();
  const Micros newest = state_->counters().NewestTime();
  SendWorld(30, GetParam());
  WaitForAll();
  EXPECT_GT(state_->AsOf(world_.now()), newest + GetParam() / 2) << "the clock is ahead, and nothing tells that yet";
  SendWorld(1, 0);
  WaitForAll();
  EXPECT_EQ(tailer_->times_healed(), 1U);
  EXPECT_EQ(state_->AsOf(world_.now() + 1), world_.now() + 1) << "as_of is the clock's again";
  EXPECT_TRUE(BytesOf(*state_) == BytesOf(*Twin()));
  SendWorld(200, 0);
  WaitForAll();
  EXPECT_EQ(tailer_->times_healed(), 1U);
  EXPECT_TRUE(BytesOf(*state_) == BytesOf(*Twin()));
}

TEST_P(ClockHealing, SurvivesRestartsWithCheckpointsOfTheWrongTime) {
  SendWorld(300, 0);
  Start();
  ASSERT_TRUE(tailer_->WriteCheckpoint().has_value());
  for (int round = 0; round < 4; ++round) {  // more than are kept
    SendWorld(20, GetParam());
    WaitForAll();
    ASSERT_TRUE(tailer_->WriteCheckpoint().has_value());
  }
  tailer_->Stop();
  log_.TrimBefore(250);  // so that only the checkpoint from before the jump helps
  Start();
  SendWorld(3, 0);
  WaitForAll();
  EXPECT_EQ(tailer_->times_healed(), 1U);
  ASSERT_TRUE(tailer_->WriteCheckpoint().has_value());
  Start();
  log_.TrimBefore(0);
  EXPECT_TRUE(BytesOf(*state_) == BytesOf(*Twin()));
}

TEST_P(ClockHealing, WithoutTheLogCountersEndWhereTheClockWasSetRight) {
  SendWorld(300, 0);
  SendWorld(30, GetParam());
  Start();
  ASSERT_TRUE(tailer_->WriteCheckpoint().has_value());
  ASSERT_TRUE(tailer_->WriteCheckpoint().has_value());
  log_.TrimBefore(310);
  SendWorld(20, 0);
  WaitForAll();
  EXPECT_EQ(tailer_->times_healed(), 1U);
  EXPECT_TRUE(tailer_->status().has_value());
  EXPECT_LE(state_->AsOf(world_.now()), world_.now() + 1);
}

INSTANTIATE_TEST_SUITE_P(Days, ClockHealing, testing::Values(10 * kMicrosPerDay, 3650 * kMicrosPerDay));

// One like under a wrong clock, as the issue of every server whose clock is not set yet.
TEST_F(ClockHealing, OneLikeTakesNoScoreAway) {
  const int like = features::FindCounter(set_, CounterKey::kPost, features::legacy::kLike, 7 * kMicrosPerDay);
  ASSERT_GE(like, 0);
  const Micros t = kWorldStart;
  for (int i = 0; i < 9; ++i) Send(MakeRecord("like", "u" + std::to_string(i), t, R"({"post_id":"p1"})"), 0, t);
  Start();
  Send(MakeRecord("like", "late", t + 1, R"({"post_id":"p1"})"), 3650 * kMicrosPerDay, t + 1);
  WaitForAll();
  Send(MakeRecord("app_open", "late", t + 2, "{}"), 0, t + 2);
  WaitForAll();
  EXPECT_NEAR(state_->counters().Value(like, state_->FindPost("p1"), kNoEntity, state_->AsOf(t + 3)), 10, 1e-4);
}

TEST_F(ClockHealing, AQuietNightIsNoFault) {
  SendWorld(100, 0);
  Start();
  for (int night = 0; night < 5; ++night) {
    LogRecord record = MakeRecord("like", "u1", world_.now() + night * kMicrosPerDay, R"({"post_id":"p1"})");
    Send(record, 0, world_.now() + night * kMicrosPerDay);
  }
  WaitForAll();
  EXPECT_EQ(tailer_->times_healed(), 0U);
}

}  // namespace
}  // namespace feedmill::stream
