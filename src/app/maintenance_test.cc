#include "app/maintenance.h"

#include <atomic>
#include <chrono>

#include <gtest/gtest.h>

namespace feedmill::app {
namespace {

// Waits for `done` up to ten seconds; the tests assert on what is counted, not on time.
template <typename Done>
bool WaitFor(const Done& done) {
  const Micros until = MonotonicMicros() + 10 * kMicrosPerSecond;
  while (!done() && MonotonicMicros() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return done();
}

TEST(Maintenance, RunsTasksAgainAndAgainAlsoAfterAFailure) {
  std::atomic<int> good = 0;
  std::atomic<int> bad = 0;
  Maintenance maintenance;
  maintenance.Add("good", kMicrosPerMilli, [&]() -> Status {
    ++good;
    return Ok();
  });
  maintenance.Add("bad", kMicrosPerMilli, [&]() -> Status {
    ++bad;
    return Io("the disk is full");
  });
  maintenance.Start();
  EXPECT_TRUE(WaitFor([&] { return good >= 3 && bad >= 3; }));
  maintenance.Stop();
  const int after = good;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(good, after);
}

TEST(Maintenance, RunsATaskAtOnce) {
  std::atomic<int> runs = 0;
  Maintenance maintenance;
  maintenance.AddAtOnce("first", kMicrosPerHour, [&]() -> Status {
    ++runs;
    return Ok();
  });
  maintenance.Start();
  EXPECT_TRUE(WaitFor([&] { return runs == 1; }));
}

TEST(Maintenance, DoesWhatIsRareSoonAfterTheStart) {
  std::atomic<int> runs = 0;
  Maintenance maintenance(kMicrosPerMilli);
  maintenance.Add("once a day", kMicrosPerDay, [&]() -> Status {
    ++runs;
    return Ok();
  });
  maintenance.Start();
  EXPECT_TRUE(WaitFor([&] { return runs == 1; }));
}

TEST(Maintenance, StopsBeforeAnythingIsDue) {
  std::atomic<int> runs = 0;
  Maintenance maintenance;
  maintenance.Add("rare", kMicrosPerHour, [&]() -> Status {
    ++runs;
    return Ok();
  });
  maintenance.Start();
  maintenance.Stop();
  maintenance.Stop();
  EXPECT_EQ(runs, 0);
}

}  // namespace
}  // namespace feedmill::app
