#include "jobs/runner.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs/run_store.h"
#include "jobs/step_protocol.h"
#include "jobs/terminal_progress.h"

namespace feedmill::jobs {
namespace {

// Children that do what a script says, by their program's name.
class RunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("feedmill-jobs-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto store = meta::OpenStore((folder_ / "meta.db").string(), JobsMigrations());
    ASSERT_TRUE(store.has_value()) << store.error().message();
    store_ = std::move(*store);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static Step Make(const std::string& name, std::vector<std::string> dependencies, int attempts_max = 1) {
    Step step;
    step.name = name;
    step.after = std::move(dependencies);
    step.backoff = 1;
    step.arguments = {name};
    step.attempts_max = attempts_max;
    return step;
  }

  RunOptions Options() {
    RunOptions options;
    options.run_id = "run1";
    options.kind = "nightly";
    options.run_child = [this](const io::ChildOptions& child,
                               const std::function<bool()>&) -> Result<io::ChildOutcome> {
      const std::string& name = child.arguments[0];
      const std::lock_guard lock(mutex_);
      started_.push_back(name);
      io::ChildOutcome outcome;
      if (failures_[name] > 0) {
        --failures_[name];
        if (!error_line_.empty()) child.on_stdout_line(error_line_);
        outcome.exit_code = exit_code_;
        return outcome;
      }
      child.on_stdout_line(R"({"progress":0.5,"note":"half"})");
      child.on_stdout_line(R"({"result":{"rows":3}})");
      return outcome;
    };
    return options;
  }

  std::filesystem::path folder_;
  std::unique_ptr<meta::Store> store_;
  ManualClock clock_{kMicrosPerDay};
  std::mutex mutex_;
  std::vector<std::string> started_;
  std::map<std::string, int> failures_;
  std::string error_line_;
  int exit_code_ = 1;
};

TEST_F(RunnerTest, RunsInTheOrderOfDependenciesAndKeepsResults) {
  const std::vector<Step> steps = {Make("c", {"a", "b"}), Make("b", {"a"}), Make("a", {})};
  const auto run = RunSteps(*store_, clock_, steps, Options());
  ASSERT_TRUE(run.has_value()) << run.error().message();
  EXPECT_EQ(run->state, "succeeded");
  EXPECT_EQ(started_, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(run->steps[0].result, R"({"rows":3})");
  const auto listed = ListRuns(*store_, "nightly", 10);
  ASSERT_TRUE(listed.has_value());
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].state, "succeeded");
  EXPECT_EQ(LoadRun(*store_, "run1")->steps.size(), 3u);
}

TEST_F(RunnerTest, WhatDependsOnAFailureIsSkippedAndTheRestRuns) {
  failures_["a"] = 1;
  const std::vector<Step> steps = {Make("a", {}), Make("b", {"a"}), Make("c", {"b"}), Make("d", {})};
  const auto run = RunSteps(*store_, clock_, steps, Options());
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->state, "failed");
  EXPECT_EQ(run->steps[0].state, StepState::kFailed);
  EXPECT_EQ(run->steps[1].state, StepState::kSkipped);
  EXPECT_EQ(run->steps[2].message, "needs 'b', which was not run");
  EXPECT_EQ(run->steps[3].state, StepState::kSucceeded);
}

// Children that need `needed` parts, and what they were told.
class MemoryTest : public RunnerTest {
 protected:
  StepRecord RunStep(const std::string& run_id, int parts_max, int attempts_max = 1) {
    told_.clear();
    Step step = Make("heavy", {}, attempts_max);
    step.memory_bytes_max = 600;
    step.parts_max = parts_max;
    RunOptions options = Options();
    options.run_id = run_id;
    options.run_child = [this](const io::ChildOptions& child,
                               const std::function<bool()>&) -> Result<io::ChildOutcome> {
      int parts = 1;
      for (const auto& [name, value] : child.environment) {
        if (name == kPartsVariable) parts = std::stoi(value);
      }
      told_.push_back(parts);
      io::ChildOutcome outcome;
      outcome.memory_bytes_peak = peak_;
      if (parts >= needed_) return outcome;
      outcome.kind = how_;
      outcome.exit_code = code_;
      return outcome;
    };
    const auto run = RunSteps(*store_, clock_, {step}, options);
    EXPECT_TRUE(run.has_value());
    return run->steps.at(0);
  }

  int needed_ = 4;
  uint64_t peak_ = 500;
  io::ChildOutcome::Kind how_ = io::ChildOutcome::Kind::kKilledForMemory;
  int code_ = 0;
  std::vector<int> told_;
};

TEST_F(MemoryTest, AStepKilledForMemoryIsTriedInSmallerPartsAndNotTheSameWay) {
  const StepRecord step = RunStep("run1", 16);
  EXPECT_EQ(step.state, StepState::kSucceeded);
  EXPECT_EQ(told_, (std::vector<int>{1, 2, 4}));
  EXPECT_EQ(step.parts, 4);
  EXPECT_EQ(LoadRun(*store_, "run1")->steps.at(0).parts, 4);
}

TEST_F(MemoryTest, TheNextRunBeginsWithThePartsThatSucceeded) {
  RunStep("run1", 16);
  EXPECT_EQ(RunStep("run2", 16).state, StepState::kSucceeded);
  EXPECT_EQ(told_, (std::vector<int>{4}));
  peak_ = 100;
  RunStep("run3", 16);
  needed_ = 1;
  RunStep("run4", 16);
  EXPECT_EQ(told_, (std::vector<int>{2})) << "little of the memory was needed";
}

TEST_F(MemoryTest, AChildThatSaysSoAndOneTheKernelKilledAreTriedInPartsToo) {
  how_ = io::ChildOutcome::Kind::kExited;
  code_ = kExitOutOfMemory;
  EXPECT_EQ(RunStep("run1", 16).state, StepState::kSucceeded);
  how_ = io::ChildOutcome::Kind::kSignalled;
  code_ = SIGKILL;
  needed_ = 8;
  EXPECT_EQ(RunStep("run2", 16).state, StepState::kSucceeded);
  EXPECT_EQ(told_, (std::vector<int>{4, 8}));
}

TEST_F(MemoryTest, WhatDoesNotFitInTheSmallestPartsFailsAndSaysInHowMany) {
  needed_ = 64;
  const StepRecord step = RunStep("run1", 8, 3);
  EXPECT_EQ(step.state, StepState::kFailed);
  EXPECT_EQ(told_, (std::vector<int>{1, 2, 4, 8}));
  EXPECT_THAT(step.message, testing::HasSubstr("over its memory limit"));
  EXPECT_THAT(step.message, testing::HasSubstr("(in 8 parts)"));
}

TEST_F(MemoryTest, AStepWithoutPartsIsNotKilledTwice) {
  EXPECT_EQ(RunStep("run1", 1, 3).state, StepState::kFailed);
  EXPECT_EQ(told_, (std::vector<int>{1}));
}

TEST_F(RunnerTest, RetriesUnlessTheStepSaysItIsUseless) {
  failures_["a"] = 2;
  const auto retried = RunSteps(*store_, clock_, {Make("a", {}, 3)}, Options());
  ASSERT_TRUE(retried.has_value());
  EXPECT_EQ(retried->state, "succeeded");
  EXPECT_EQ(retried->steps[0].attempts, 3);

  failures_["b"] = 2;
  error_line_ = R"({"error":"models/b.sql:3: no such column"})";
  exit_code_ = kExitPermanent;
  RunOptions second = Options();
  second.run_id = "run2";
  const auto refused = RunSteps(*store_, clock_, {Make("b", {}, 3)}, second);
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->steps[0].attempts, 1);
  EXPECT_EQ(refused->steps[0].message, "models/b.sql:3: no such column");
}

TEST_F(RunnerTest, AFailedRunIsResumedWhereItFailed) {
  failures_["b"] = 1;
  const std::vector<Step> steps = {Make("a", {}), Make("b", {"a"})};
  ASSERT_EQ(RunSteps(*store_, clock_, steps, Options())->state, "failed");
  started_.clear();
  const auto again = RunSteps(*store_, clock_, steps, Options());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->state, "succeeded");
  EXPECT_EQ(started_, (std::vector<std::string>{"b"}));
  EXPECT_EQ(again->steps[0].result, R"({"rows":3})") << "what was done keeps its record";
}

TEST_F(RunnerTest, StoppingLeavesTheRestWaiting) {
  std::atomic<bool> stop = false;
  RunOptions options = Options();
  options.stop_requested = [&] { return stop.load(); };
  options.on_change = [&](const RunRecord&, const StepRecord& step) {
    stop = stop || step.state == StepState::kSucceeded;
  };
  const auto run = RunSteps(*store_, clock_, {Make("a", {}), Make("b", {"a"})}, options);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->state, "stopped");
  EXPECT_EQ(run->steps[1].state, StepState::kStopped);
  stop = false;
  started_.clear();
  EXPECT_EQ(RunSteps(*store_, clock_, {Make("a", {}), Make("b", {"a"})}, Options())->state, "succeeded");
  EXPECT_EQ(started_, (std::vector<std::string>{"b"}));
}

TEST_F(RunnerTest, ParallelStepsRespectDependencies) {
  std::vector<Step> steps;
  for (int i = 0; i < 20; ++i)
    steps.push_back(
        Make("s" + std::to_string(i), i == 0 ? std::vector<std::string>{} : std::vector<std::string>{"s0"}));
  steps.push_back(Make("end", {"s7", "s19"}));
  RunOptions options = Options();
  options.parallel_max = 4;
  const auto run = RunSteps(*store_, clock_, steps, options);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->state, "succeeded");
  EXPECT_EQ(started_.front(), "s0");
  EXPECT_EQ(started_.size(), 21u);
}

TEST(OrderSteps, RefusesCyclesAndUnknownNames) {
  Step a, b;
  a.name = "a";
  b.name = "b";
  a.after = {"b"};
  b.after = {"a"};
  EXPECT_EQ(OrderSteps({a, b}).error().message(), "steps wait for each other in a circle, or for one that does: a, b");
  b.after = {"x"};
  EXPECT_EQ(OrderSteps({a, b}).error().message(), "step 'b' comes after 'x', which is not a step of this run");
  b.after = {};
  b.name = "a";
  EXPECT_EQ(OrderSteps({b, b}).error().message(), "step 'a' is named twice");
}

TEST(StepProtocol, ReadsItsOwnLinesAndNothingElse) {
  auto line = ParseStepLine(R"({"progress": 1.5, "note": "day 3"})");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->progress, 1.0);
  EXPECT_EQ(line->note, "day 3");
  EXPECT_EQ(ParseStepLine(R"({"result": {"rows": 3}})")->result, R"({"rows":3})");
  EXPECT_EQ(ParseStepLine(R"({"error": "broken"})")->error, "broken");
  for (const char* other :
       {"", "{", "[1]", "plain text", R"({"rows": 3})", R"({"result": 3})", R"({"progress": "x"})"}) {
    EXPECT_FALSE(ParseStepLine(other).has_value()) << other;
  }
}

TEST(TerminalProgress, LinesTellPlaceStateAndWhy) {
  RunRecord run;
  StepRecord step;
  step.name = "dwd_post";
  step.state = StepState::kRunning;
  step.progress = 0.5;
  run.steps = {step};
  EXPECT_EQ(BarLine(run, step), "[ 0/1] dwd_post                 [############............]  50 %");
  step.state = StepState::kFailed;
  step.message = "dwd_post.sql:3: no";
  run.steps = {step};
  EXPECT_THAT(EndLine(run, step), ::testing::EndsWith("failed     dwd_post.sql:3: no"));
}

}  // namespace
}  // namespace feedmill::jobs
