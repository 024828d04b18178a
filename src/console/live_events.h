// What arrives, sent as it comes to all who listen: server-sent events (HTML standard, 9.2). A message is `id` (its
// sequence) and `data` (one row of EventsJson). `event: missed` says how many were not kept long enough for a reader
// who is slow, or who comes back later. Readers are held by their connection; a slow one costs a bounded memory.
#pragma once

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "console/activity.h"
#include "io/http_stream.h"

namespace feedmill::console {

class LiveEvents {
 public:
  // The ring outlives it; it is looked at every so often, while somebody listens.
  LiveEvents(const ActivityRing& ring, Micros every);
  ~LiveEvents() { Stop(); }

  // Begins behind the message `after`; 0: with all that is kept. Any thread.
  void Join(io::HttpStream&& stream, uint64_t after, bool refused_only);
  size_t readers() const;
  // Ends all streams. Idempotent.
  void Stop();

 private:
  struct Message {
    uint64_t sequence = 0;
    bool refused = false;
    std::string text;
  };
  struct Reader {
    io::HttpStream stream;
    uint64_t after = 0;
    bool refused_only = false;
    Micros spoken_at = 0;
  };

  void Run();
  void ReadRing();
  // False when the reader is gone.
  bool Serve(Reader* reader, Micros now) const;

  const ActivityRing& ring_;
  const Micros every_;
  std::deque<Message> kept_;  // oldest first; of its thread
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Reader> readers_ FEEDMILL_GUARDED_BY(mutex_);
  bool stopping_ FEEDMILL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace feedmill::console
