#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <sched.h>

#include "base/mutex.h"

namespace feedmill {
namespace {

// One ParallelFor. Helpers hold it by shared_ptr: one that starts after all pieces are taken finds nothing and leaves,
// without touching the caller's `body`.
struct Loop {
  size_t count;
  size_t grain;
  const std::function<void(size_t, size_t)>* body;
  std::atomic<size_t> next = 0;
  Mutex mutex;
  CondVar all_done;
  size_t done FEEDMILL_GUARDED_BY(mutex) = 0;  // elements whose piece has ended

  void TakePieces() {
    for (;;) {
      size_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count) return;
      size_t end = std::min(count, begin + grain);
      (*body)(begin, end);
      MutexLock lock(mutex);
      done += end - begin;
      if (done == count) all_done.NotifyAll();
    }
  }
};

}  // namespace

ThreadPool::ThreadPool(int threads, size_t queue_max) : queue_max_(queue_max) {
  for (int i = 0; i < std::max(1, threads); ++i) threads_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  ready_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::Submit(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(task));
  }
  ready_.NotifyOne();
  return true;
}

void ThreadPool::ParallelFor(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body) {
  if (count == 0) return;
  auto loop = std::make_shared<Loop>();
  loop->count = count;
  loop->grain = std::max<size_t>(1, grain);
  loop->body = &body;
  size_t pieces = (count + loop->grain - 1) / loop->grain;
  size_t helpers = std::min(threads_.size(), pieces - 1);
  for (size_t i = 0; i < helpers; ++i) {
    if (!Submit([loop] { loop->TakePieces(); })) break;
  }
  loop->TakePieces();
  MutexLock lock(loop->mutex);
  loop->all_done.Wait(loop->mutex, [&]() FEEDMILL_REQUIRES(loop->mutex) { return loop->done == count; });
}

void ThreadPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      ready_.Wait(mutex_, [this]() FEEDMILL_REQUIRES(mutex_) { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

int ProcessorCount() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace feedmill
