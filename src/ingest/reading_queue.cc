#include "ingest/reading_queue_internal.h"

#include <utility>

#include "base/thread_priority.h"

namespace feedmill::ingest {

bool ReadingQueue::Submit(size_t bytes, std::function<void()> read) {
  const size_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  auto task = [this, bytes, read = std::move(read)] {
    thread_local bool is_new = true;
    if (std::exchange(is_new, false) && options_.niceness > 0) LowerThreadPriority(options_.niceness);
    read();
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  };
  if ((before == 0 || before + bytes <= options_.bytes_max) && threads_.Submit(std::move(task))) return true;
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

}  // namespace feedmill::ingest
