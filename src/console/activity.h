// The last events that came in, for people who want to see something move. Any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "data/event.h"

namespace feedmill::console {

struct ActivityRow {
  uint64_t sequence = 0;  // rises by one an event
  Micros time = 0;
  std::string kind;  // "track" | "identify" | "rejected" | "feed"
  std::string name;  // "like"; the rule for a refused event
  std::string user_id;
  std::string detail;  // properties, cut; the reason for a refused event
};

class ActivityRing {
 public:
  explicit ActivityRing(size_t count_max = 200) : count_max_(count_max) {}
  // Cheap enough for every record of the log.
  void Observe(const LogRecord& record);
  // Newest first, those after `sequence`.
  std::vector<ActivityRow> Newest(size_t count, uint64_t after_sequence = 0) const;

 private:
  const size_t count_max_;
  mutable std::mutex mutex_;
  std::deque<ActivityRow> rows_;  // GUARDED_BY(mutex_), oldest first
  uint64_t sequence_ = 0;         // GUARDED_BY(mutex_)
};

}  // namespace feedmill::console
