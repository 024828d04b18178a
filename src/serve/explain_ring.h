// The rows of the last feed requests, for GET /v1/explain: bounded by count and by bytes, the oldest leave first. Any
// thread.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"

namespace feedmill::serve {

class ExplainRing {
 public:
  ExplainRing(size_t count_max, size_t bytes_max) : count_max_(count_max), bytes_max_(bytes_max) {}
  void Put(std::string request_id, std::string document);
  // Null when it was never there or has left.
  std::shared_ptr<const std::string> Get(std::string_view request_id) const;
  size_t count_max() const { return count_max_; }
  size_t bytes_max() const { return bytes_max_; }

 private:
  const size_t count_max_;
  const size_t bytes_max_;
  mutable Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const std::string>> documents_ FEEDMILL_GUARDED_BY(mutex_);
  std::deque<std::string> order_ FEEDMILL_GUARDED_BY(mutex_);  // oldest first
  size_t bytes_ FEEDMILL_GUARDED_BY(mutex_) = 0;
};

}  // namespace feedmill::serve
