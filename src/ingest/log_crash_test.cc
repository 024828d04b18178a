// The log over the harsh twin: whatever moment the power goes, what was acknowledged is there once, whole and in order.
// FEEDMILL_CRASH_STATES (default 1,000) and FEEDMILL_CRASH_SEED say how many and which; prints one line of JSON.
#include <chrono>
#include <cstdlib>
#include <future>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "ingest/log.h"
#include "io/harsh_file_system.h"

namespace feedmill::ingest {
namespace {

using io::Fault;
using io::HarshFileSystem;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Damage {
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t torn = 0;
  uint64_t reordered = 0;
  uint64_t not_opened = 0;
  friend bool operator==(const Damage&, const Damage&) = default;
};

// One world through several lives and crashes, with all that was promised in them.
class World {
 public:
  explicit World(uint64_t seed)
      : random_(seed), files_(std::make_unique<HarshFileSystem>(io::HarshOptions{.seed = seed})) {
    options_.directory = "log";
    options_.segment_bytes_max = 500 + random_.Below(20'000);
    options_.tail_bytes_max = random_.Chance(0.5) ? 1 : 1 << 20;
    options_.commit_delay_max = 0;
    options_.repair_interval = 50;
  }

  // A life that ends by a crash; what is found then is compared with what was promised.
  void LiveAndCrash() {
    auto opened = OpenEventLog(*files_, clock_, options_);
    if (!opened) {
      // Only a fault that was asked for may keep it from opening.
      if (!files_->stopped()) ++damage_.not_opened;
    } else {
      if (random_.Chance(0.8)) files_->StopAfter(1 + random_.Below(40));
      uint64_t faults = random_.Below(3);
      for (uint64_t i = 0; i < faults; ++i)
        files_->FailCall(1 + random_.Below(60), kFaults[random_.Below(std::size(kFaults))]);
      int bursts = static_cast<int>(random_.Below(12));
      for (int i = 0; i < bursts; ++i) AppendBurst(**opened);
      if (random_.Chance(0.2)) (*opened)->Close();
    }
    auto after = files_->Crash(random_.Next());
    opened = {};
    files_ = std::move(after);
    Compare();
  }

  const Damage& damage() const { return damage_; }
  uint64_t acknowledged() const { return acknowledged_.size(); }

 private:
  static constexpr Fault kFaults[] = {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite, Fault::kSyncFails};

  struct Pending {
    std::vector<std::string> payloads;
    std::future<Result<LogPosition>> answer;
  };

  std::string MakePayload() {
    size_t length = random_.Chance(0.05) ? random_.Below(10'000) : random_.Below(200);
    return fmt::format("{:08}", next_payload_++) + std::string(length, static_cast<char>('a' + random_.Below(26)));
  }

  // Appends that are queued together, so that they share groups.
  void AppendBurst(EventLog& log) {
    std::vector<Pending> pending;
    uint64_t appends = 1 + random_.Below(4);
    for (uint64_t i = 0; i < appends; ++i) {
      std::vector<std::string> payloads(1 + random_.Below(3));
      for (auto& payload : payloads) payload = MakePayload();
      batches_.push_back(payloads);
      auto promise = std::make_shared<std::promise<Result<LogPosition>>>();
      auto answer = promise->get_future();
      if (log.Append(0, payloads, [promise](Result<LogPosition> first) { promise->set_value(first); })) {
        pending.push_back({std::move(payloads), std::move(answer)});
      }
    }
    for (auto& append : pending) {
      auto first = append.answer.get();
      if (!first) continue;
      for (size_t i = 0; i < append.payloads.size(); ++i) acknowledged_[first->offset + i] = append.payloads[i];
    }
    clock_.Advance(1);
  }

  void Compare() {
    auto opened = OpenEventLog(*files_, clock_, options_);
    if (!opened) {
      ++damage_.not_opened;
      ADD_FAILURE() << opened.error().ToString();
      return;
    }
    std::map<uint64_t, std::string> found;
    uint64_t offset = 0;
    while (true) {
      auto records = (*opened)->Read(0, offset, 1 + random_.Below(100'000));
      if (!records) {
        ADD_FAILURE() << records.error().ToString();
        ++damage_.lost;
        return;
      }
      if (records->empty()) break;
      for (const auto& record : *records) found[record.offset] = record.payload;
      offset = records->back().offset + 1;
    }
    for (const auto& [position, payload] : acknowledged_) {
      if (!found.contains(position) || found[position] != payload) ++damage_.lost;
    }
    CompareFound(found);
  }

  // Each payload at most once, each batch whole and side by side or not at all, in the order they were given.
  void CompareFound(const std::map<uint64_t, std::string>& found) {
    std::map<std::string, uint64_t> place;
    for (const auto& [position, payload] : found) {
      if (!place.emplace(payload, position).second) ++damage_.duplicated;
    }
    size_t known = 0;
    uint64_t last = 0;
    for (const auto& batch : batches_) {
      size_t there = 0;
      for (const auto& payload : batch) there += place.count(payload);
      known += there;
      if (there == 0) continue;
      if (there != batch.size()) {
        ++damage_.torn;
        continue;
      }
      for (size_t i = 0; i < batch.size(); ++i) {
        if (place[batch[i]] != place[batch[0]] + i) ++damage_.reordered;
      }
      if (place[batch[0]] < last) ++damage_.reordered;
      last = place[batch[0]];
    }
    if (known != place.size()) ++damage_.torn;  // a payload nobody wrote
  }

  Random random_;
  std::unique_ptr<HarshFileSystem> files_;
  ManualClock clock_{1};
  LogOptions options_;
  uint64_t next_payload_ = 0;
  std::vector<std::vector<std::string>> batches_;
  std::map<uint64_t, std::string> acknowledged_;
  Damage damage_;
};

TEST(LogCrashTest, WhatWasAcknowledgedIsThereOnceAfterAnyCrash) {
  constexpr int kLives = 4;
  uint64_t states = FromEnvironment("FEEDMILL_CRASH_STATES", 1000);
  uint64_t seed = FromEnvironment("FEEDMILL_CRASH_SEED", 1);
  Damage total;
  uint64_t acknowledged = 0, done = 0;
  for (uint64_t world_seed = seed; done < states; ++world_seed) {
    World world(world_seed);
    for (int life = 0; life < kLives && done < states; ++life, ++done) world.LiveAndCrash();
    acknowledged += world.acknowledged();
    if (world.damage() != Damage{}) ADD_FAILURE() << "FEEDMILL_CRASH_SEED=" << world_seed << " fails";
    total.lost += world.damage().lost;
    total.duplicated += world.damage().duplicated;
    total.torn += world.damage().torn;
    total.reordered += world.damage().reordered;
    total.not_opened += world.damage().not_opened;
  }
  EXPECT_GT(acknowledged, states);
  EXPECT_EQ(total, Damage{});
  fmt::print("{{\"crash_states\":{},\"lost\":{},\"duplicated\":{},\"torn\":{},\"reordered\":{},\"acknowledged\":{}}}\n",
             done, total.lost, total.duplicated, total.torn, total.reordered, acknowledged);
}

// What EventLog promises about a failed sync, step by step.
TEST(LogFaultTest, AFailedSyncIsAnsweredWithAnErrorAndTheLogGoesOnInANewSegment) {
  HarshFileSystem files;
  ManualClock clock(1);
  LogOptions options;
  options.directory = "log";
  options.repair_interval = 1000;
  auto log = *OpenEventLog(files, clock, options);
  auto append = [&](std::string payload) {
    std::promise<Result<LogPosition>> promise;
    auto answer = promise.get_future();
    auto queued = log->Append(0, {std::move(payload)}, [&](Result<LogPosition> first) { promise.set_value(first); });
    return queued ? answer.get() : Result<LogPosition>(std::unexpected(queued.error()));
  };
  ASSERT_TRUE(append("first"));
  files.FailCall(1, Fault::kSyncFails);
  auto failed = append("second");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind(), ErrorKind::kIo);
  Result<LogPosition> third = append("third");
  for (int i = 0; i < 1000 && !third; ++i) {
    EXPECT_EQ(third.error().kind(), ErrorKind::kUnavailable);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    third = append("third");
  }
  ASSERT_TRUE(third);
  EXPECT_EQ(third->offset, 1u);
  log.reset();
  auto after = files.Crash(7);
  log = *OpenEventLog(*after, clock, options);
  // A read ends where a segment does.
  EXPECT_EQ(log->Read(0, 0, 1000)->at(0).payload, "first");
  EXPECT_EQ(log->Read(0, 1, 1000)->at(0).payload, "third");
  EXPECT_EQ(log->EndOffset(0), 2u);
  EXPECT_EQ(after->List("log/p00")->size(), 2u);
}

TEST(LogFaultTest, AFullDiskIsAnErrorUntilThereIsRoom) {
  HarshFileSystem files(io::HarshOptions{.seed = 1, .capacity_bytes = 600});
  ManualClock clock(1);
  LogOptions options;
  options.directory = "log";
  options.repair_interval = 1000;
  auto log = *OpenEventLog(files, clock, options);
  int accepted = 0, refused = 0;
  for (int i = 0; i < 20; ++i) {
    std::promise<Result<LogPosition>> promise;
    auto answer = promise.get_future();
    auto queued = log->Append(0, {std::string(50, 'x')}, [&](Result<LogPosition> first) { promise.set_value(first); });
    queued&& answer.get() ? ++accepted : ++refused;
  }
  EXPECT_GT(accepted, 1);
  EXPECT_GT(refused, 5);
  EXPECT_EQ(log->EndOffset(0), static_cast<uint64_t>(accepted));
  log.reset();
  auto after = files.Crash(3);
  log = *OpenEventLog(*after, clock, options);
  EXPECT_EQ(log->EndOffset(0), static_cast<uint64_t>(accepted));
}

}  // namespace
}  // namespace feedmill::ingest
