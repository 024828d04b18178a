#include "base/thread_pool.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace feedmill {
namespace {

TEST(ThreadPoolTest, RunsEverythingBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool(3);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.Submit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 100);
}

TEST(ThreadPoolTest, RefusesWhenItsQueueIsFull) {
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  std::promise<void> started;
  ThreadPool pool(1, 2);
  ASSERT_TRUE(pool.Submit([&, opened] {
    started.set_value();
    opened.wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_FALSE(pool.Submit([] {}));
  gate.set_value();
}

TEST(ThreadPoolTest, ParallelForTouchesEachElementOnce) {
  ThreadPool pool(4);
  for (size_t count : {0u, 1u, 7u, 1000u}) {
    for (size_t grain : {0u, 1u, 3u, 5000u}) {
      std::vector<std::atomic<int>> touched(count);
      pool.ParallelFor(count, grain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) ++touched[i];
      });
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(touched[i], 1) << i << " of " << count << " by " << grain;
    }
  }
}

TEST(ThreadPoolTest, ParallelForMayBeNested) {
  ThreadPool pool(2);
  std::atomic<int> ran = 0;
  pool.ParallelFor(8, 1, [&](size_t, size_t) {
    pool.ParallelFor(8, 1, [&](size_t begin, size_t end) { ran += static_cast<int>(end - begin); });
  });
  EXPECT_EQ(ran, 64);
}

TEST(ThreadPoolTest, ThereIsAProcessor) { EXPECT_GE(ProcessorCount(), 1); }

}  // namespace
}  // namespace feedmill
