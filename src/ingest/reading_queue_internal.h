// Threads that read large bodies, so that sockets never wait for one and a feed never waits behind one. What waits is
// bounded in bytes: beyond it the door says 429.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "base/thread_pool.h"

namespace feedmill::ingest {

struct ReadingQueueOptions {
  int threads = 1;
  int niceness = 0;  // of its threads; see base/thread_priority.h
  size_t bytes_max = 32 << 20;
};

class ReadingQueue {
 public:
  explicit ReadingQueue(const ReadingQueueOptions& options) : options_(options), threads_(options.threads) {}

  // False when with these `bytes` more than bytes_max would wait or be read, unless nothing does: not taken. Any
  // thread.
  bool Submit(size_t bytes, std::function<void()> read);
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  const ReadingQueueOptions options_;
  std::atomic<size_t> bytes_ = 0;  // waiting or being read
  ThreadPool threads_;             // last: its threads use the rest
};

}  // namespace feedmill::ingest
