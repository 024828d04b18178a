// A fixed number of threads for short work that must not run on a server's or a log's own thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace feedmill {

class ThreadPool {
 public:
  // `queue_max`: tasks that may wait; more are refused.
  explicit ThreadPool(int threads, size_t queue_max = 64 * 1024);
  // Runs what is queued, then joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(threads_.size()); }

  // False when the queue is full: the task was not taken. Any thread.
  bool Submit(std::function<void()> task);

  // Calls body(begin, end) over pieces of [0, count) of about `grain`, on the caller's thread and the pool's, and
  // returns when all are done. Which thread runs which piece is not determined. May be nested: the caller never waits
  // for a piece that nobody started. `body` must not throw.
  void ParallelFor(size_t count, size_t grain, const std::function<void(size_t begin, size_t end)>& body);

 private:
  void Work();

  Mutex mutex_;
  CondVar ready_;
  std::deque<std::function<void()>> queue_ FEEDMILL_GUARDED_BY(mutex_);
  bool stopping_ FEEDMILL_GUARDED_BY(mutex_) = false;
  size_t queue_max_;
  std::vector<std::thread> threads_;
};

// Processors this process may use, at least 1.
int ProcessorCount();

}  // namespace feedmill
