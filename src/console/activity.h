// The last messages that came in, those that were taken and those that were refused, for people who want to see what
// arrives. Any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "data/event.h"

namespace feedmill::console {

struct ActivityRow {
  uint64_t sequence = 0;  // rises by one a message
  Micros time = 0;        // when the server had it
  std::string kind;       // "event" | "refused" | "feed"
  std::string type;       // "track", "identify", ...; "" when it could not be read
  std::string name;       // of a track event
  std::string user_id;    // or the anonymous id
  std::string message_id;
  std::string source;   // name of the write key
  std::string payload;  // JSON of its properties or traits; of a refused one what was received; cut at a limit
  // Of a refused one.
  std::string rule;
  std::string field;
  std::string reason;
};

// Taken and refused messages are kept apart, so that a flood of the ones does not wash the others away.
class ActivityRing {
 public:
  explicit ActivityRing(size_t count_max = 200) : count_max_(count_max) {}
  // Cheap enough for every record of the log.
  void Observe(const LogRecord& record);
  // Newest first, those after `sequence`.
  std::vector<ActivityRow> Newest(size_t count, uint64_t after_sequence = 0) const;
  std::vector<ActivityRow> NewestRefused(size_t count, uint64_t after_sequence = 0) const;

 private:
  const size_t count_max_;  // of each
  mutable Mutex mutex_;
  std::deque<ActivityRow> taken_ FEEDMILL_GUARDED_BY(mutex_);    // oldest first
  std::deque<ActivityRow> refused_ FEEDMILL_GUARDED_BY(mutex_);  // oldest first
  uint64_t sequence_ FEEDMILL_GUARDED_BY(mutex_) = 0;
};

}  // namespace feedmill::console
