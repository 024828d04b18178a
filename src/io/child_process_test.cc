#include "io/child_process.h"

#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/matchers.h"

namespace feedmill::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = ChildOutcome::Kind;

struct Script {
  std::vector<std::string> out, err;
  ChildOptions options;
  explicit Script(const std::string& script) {
    options.arguments = {"/bin/sh", "-c", script};
    options.on_stdout_line = [this](std::string_view line) { out.emplace_back(line); };
    options.on_stderr_line = [this](std::string_view line) { err.emplace_back(line); };
  }
  ChildOutcome operator()(const std::function<bool()>& stop = nullptr) {
    auto outcome = RunChild(options, stop);
    EXPECT_THAT(outcome, IsOk());
    return outcome.value_or(ChildOutcome{});
  }
};

TEST(ChildProcessTest, GivesLinesAndExitCode) {
  Script run("echo one; echo two >&2; printf 'last without end'; exit 3");
  ChildOutcome outcome = run();
  EXPECT_EQ(outcome.kind, Kind::kExited);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_FALSE(outcome.Succeeded());
  EXPECT_THAT(run.out, ElementsAre("one", "last without end"));
  EXPECT_THAT(run.err, ElementsAre("two"));
  EXPECT_THAT(outcome.ToString(), HasSubstr("exit code 3"));
}

TEST(ChildProcessTest, TakesMuchOutput) {
  Script run("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
  EXPECT_TRUE(run().Succeeded());
  ASSERT_EQ(run.out.size(), 20'000u);
  EXPECT_EQ(run.out.back(), "line 19999");
}

TEST(ChildProcessTest, AVeryLongLineComesInPieces) {
  Script run("head -c 300000 /dev/zero | tr '\\0' x");
  EXPECT_TRUE(run().Succeeded());
  size_t sum = 0;
  for (const std::string& piece : run.out) sum += piece.size();
  EXPECT_EQ(sum, 300'000u);
  EXPECT_GT(run.out.size(), 1u);
}

TEST(ChildProcessTest, EnvironmentIsAddedToOurs) {
  setenv("FEEDMILL_TEST_OURS", "ours", 1);
  setenv("FEEDMILL_TEST_BOTH", "ours", 1);
  Script run("echo $FEEDMILL_TEST_OURS $FEEDMILL_TEST_BOTH $FEEDMILL_TEST_NEW");
  run.options.environment = {{"FEEDMILL_TEST_BOTH", "child's"}, {"FEEDMILL_TEST_NEW", "a b"}};
  run();
  EXPECT_THAT(run.out, ElementsAre("ours child's a b"));
}

TEST(ChildProcessTest, ArgumentsArePassedAsTheyAre) {
  std::vector<std::string> out;
  ChildOptions options{
      .arguments = {"/bin/echo", "$HOME; rm *", "a  b"}, .environment = {}, .on_stdout_line = {}, .on_stderr_line = {}};
  options.on_stdout_line = [&](std::string_view line) { out.emplace_back(line); };
  EXPECT_THAT(RunChild(options), IsOk());
  EXPECT_THAT(out, ElementsAre("$HOME; rm * a  b"));
}

TEST(ChildProcessTest, AProgramThatCannotStartIsAnError) {
  ChildOptions options;
  EXPECT_THAT(RunChild(options), IsError(ErrorKind::kInvalidArgument));
  options.arguments = {"/no/such/program"};
  EXPECT_THAT(RunChild(options), IsError(ErrorKind::kNotFound, HasSubstr("/no/such/program")));
  options.arguments = {"/etc/passwd"};
  EXPECT_THAT(RunChild(options), IsError(ErrorKind::kPermissionDenied));
}

TEST(ChildProcessTest, ASignalIsTold) {
  Script run("kill -SEGV $$");
  ChildOutcome outcome = run();
  EXPECT_EQ(outcome.kind, Kind::kSignalled);
  EXPECT_EQ(outcome.exit_code, SIGSEGV);
}

TEST(ChildProcessTest, OverItsTimeItIsKilledWithItsChildren) {
  Script run("sleep 100 & echo $!; wait");
  run.options.wall_time_max = 200 * kMicrosPerMilli;
  ChildOutcome outcome = run();
  EXPECT_EQ(outcome.kind, Kind::kKilledForTime);
  EXPECT_LT(outcome.wall_time, 20 * kMicrosPerSecond);
  ASSERT_EQ(run.out.size(), 1u);
  pid_t grandchild = std::stoi(run.out[0]);
  for (int i = 0; i < 200 && ::kill(grandchild, 0) == 0; ++i) {
    // An orphan that is dead but not yet reaped by init still answers.
    Script state("cut -d' ' -f3 /proc/" + run.out[0] + "/stat 2>/dev/null");
    state();
    if (state.out.empty() || state.out[0] == "Z") return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(::kill(grandchild, 0), 0);
}

TEST(ChildProcessTest, OverItsMemoryItIsKilled) {
  // The grandchild is what grows: all of the group counts.
  Script run("(x=x; while :; do x=$x$x; done); echo survived");
  run.options.memory_bytes_max = 200 << 20;
  ChildOutcome outcome = run();
  EXPECT_EQ(outcome.kind, Kind::kKilledForMemory);
  EXPECT_GT(outcome.memory_bytes_peak, 200u << 20);
  EXPECT_TRUE(run.out.empty());
}

TEST(ChildProcessTest, MeasuresItsPeak) {
  Script run("head -c 50000000 /dev/zero | tail -c 50000000 | wc -c");
  ChildOutcome outcome = run();
  EXPECT_TRUE(outcome.Succeeded());
  EXPECT_GT(outcome.memory_bytes_peak, 1u << 20);
  EXPECT_GT(outcome.wall_time, 0);
}

TEST(ChildProcessTest, AskedToStopItMayTidyUp) {
  std::atomic<bool> stop = false;
  Script run("trap 'echo tidy; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
  run.options.on_stdout_line = [&](std::string_view line) {
    run.out.emplace_back(line);
    stop = true;
  };
  ChildOutcome outcome = run([&] { return stop.load(); });
  EXPECT_EQ(outcome.kind, Kind::kStopped);
  EXPECT_THAT(run.out, ElementsAre("ready", "tidy"));
}

TEST(ChildProcessTest, AGrandchildThatKeepsThePipeIsNotWaitedFor) {
  Script run("sleep 100 & echo done");
  ChildOutcome outcome = run();
  EXPECT_TRUE(outcome.Succeeded());
  EXPECT_LT(outcome.wall_time, 20 * kMicrosPerSecond);
  EXPECT_THAT(run.out, ElementsAre("done"));
}

}  // namespace
}  // namespace feedmill::io
