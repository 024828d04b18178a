#include "app/night_watch.h"

#include <chrono>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/work_lock.h"
#include "base/matchers.h"
#include "base/time_text.h"
#include "jobs/run_store.h"

namespace feedmill::app {
namespace {

using testing::ElementsAre;

class NightWatchTest : public testing::Test {
 protected:
  NightWatchTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_watch_{}", getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = std::move(*meta::OpenStore((folder_ / "meta.db").string(), jobs::JobsMigrations()));
  }
  ~NightWatchTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<NightWatch> Watch(const NightSchedule& schedule = {}) {
    NightWatchWiring wiring;
    wiring.clock = &clock_;
    wiring.store = store_.get();
    wiring.data_folder = folder_;
    wiring.command = [](const std::vector<std::string>& more) {
      std::vector<std::string> command = {"run"};
      command.insert(command.end(), more.begin(), more.end());
      return command;
    };
    wiring.run_child = [this](const io::ChildOptions& child,
                              const std::function<bool()>& stop) -> Result<io::ChildOutcome> {
      const std::lock_guard lock(mutex_);
      std::string command;
      for (const std::string& word : child.arguments) command += (command.empty() ? "" : " ") + word;
      commands_.push_back(command);
      io::ChildOutcome outcome;
      if (until_stopped_) {
        while (!stop()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        outcome.kind = io::ChildOutcome::Kind::kStopped;
      }
      return outcome;
    };
    return std::make_unique<NightWatch>(schedule, wiring);
  }
  size_t Count() {
    const std::lock_guard lock(mutex_);
    return commands_.size();
  }
  // Waits until so many children were started.
  bool Started(size_t count) {
    for (int i = 0; i < 2000 && Count() < count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return Count() == count;
  }
  // Waits until the next night is at `time`.
  static bool Planned(const NightWatch& watch, const char* time) {
    for (int i = 0; i < 2000 && watch.Status().next != ParseTime(time); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return watch.Status().next == ParseTime(time);
  }
  void Record(const std::string& id, const char* started, const std::string& state) {
    jobs::RunRecord run;
    run.id = id;
    run.kind = "nightly";
    run.parameters = "{}";
    run.started_at = *ParseTime(started);
    ASSERT_THAT(jobs::BeginRun(*store_, run), IsOk());
    if (state == "running") return;
    ASSERT_THAT(jobs::EndRun(*store_, id, state, run.started_at), IsOk());
  }

  const std::filesystem::path folder_;
  ManualClock clock_{*ParseTime("2026-03-01T12:00:00Z")};
  std::unique_ptr<meta::Store> store_;
  std::mutex mutex_;
  std::vector<std::string> commands_;
  bool until_stopped_ = false;
};

TEST_F(NightWatchTest, RunsAtItsTimeAndAgainTheNextNight) {
  auto watch = Watch();
  watch->Start();
  EXPECT_TRUE(Planned(*watch, "2026-03-02T02:30:00Z"));
  EXPECT_EQ(Count(), 0u) << "a new project waits for its first night";
  clock_.Set(*ParseTime("2026-03-02T02:30:01Z"));
  EXPECT_TRUE(Started(1));
  EXPECT_TRUE(Planned(*watch, "2026-03-03T02:30:00Z"));
  clock_.Set(*ParseTime("2026-03-03T02:30:01Z"));
  EXPECT_TRUE(Started(2));
  EXPECT_THAT(commands_, ElementsAre("run", "run"));
}

TEST_F(NightWatchTest, OffMeansNever) {
  auto watch = Watch({"", "UTC"});
  watch->Start();
  clock_.Advance(3 * kMicrosPerDay);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(Count(), 0u);
  EXPECT_FALSE(watch->Status().next);
}

TEST_F(NightWatchTest, ANightThatWasMissedIsMadeUpFor) {
  Record("r1", "2026-02-28T02:30:00Z", "succeeded");
  auto watch = Watch();
  watch->Start();
  EXPECT_TRUE(Started(1));
  EXPECT_THAT(commands_, ElementsAre("run"));
}

TEST_F(NightWatchTest, AnInterruptedNightGoesOnAndADoneOneDoesNot) {
  Record("r1", "2026-03-01T02:30:00Z", "running");
  EXPECT_EQ(*jobs::MarkInterrupted(*store_, clock_.Now()), 1);
  EXPECT_EQ(jobs::LoadRun(*store_, "r1")->state, "interrupted");
  {
    auto watch = Watch();
    watch->Start();
    EXPECT_TRUE(Started(1));
  }
  EXPECT_THAT(commands_, ElementsAre("run --resume r1"));
  ASSERT_THAT(jobs::EndRun(*store_, "r1", "failed", clock_.Now()), IsOk());
  auto watch = Watch();
  watch->Start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(Count(), 1u);
}

TEST_F(NightWatchTest, AStoppingServerStopsItsChild) {
  Record("r1", "2026-02-28T02:30:00Z", "succeeded");
  until_stopped_ = true;
  auto watch = Watch();
  watch->Start();
  for (int i = 0; i < 1000 && !watch->Status().running; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(watch->Status().running);
  watch->Stop();
  EXPECT_FALSE(watch->Status().running);
}

TEST_F(NightWatchTest, WaitsWhileSomebodyElseWorks) {
  Record("r1", "2026-02-28T02:30:00Z", "succeeded");
  auto lock = WorkLock::Take(folder_, "feedmill run", clock_.Now());
  ASSERT_THAT(lock, IsOk());
  auto watch = Watch();
  watch->Start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(Count(), 0u);
  EXPECT_TRUE(watch->Status().running) << "whoever started it";
}

}  // namespace
}  // namespace feedmill::app
