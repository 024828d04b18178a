// Requests that wait until the live state has applied records of the log. They hold no thread of the pool, and there
// is room for a stated number of them.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/deadline.h"
#include "base/mutex.h"
#include "data/event.h"
#include "stream/live_state.h"

namespace feedmill::serve {

class ParkingLot {
 public:
  // Called once, on the lot's thread: must not block.
  using GoOn = std::function<void(bool applied)>;

  // `state` outlives the lot.
  ParkingLot(const stream::LiveState& state, size_t places);
  ~ParkingLot();
  ParkingLot(const ParkingLot&) = delete;
  ParkingLot& operator=(const ParkingLot&) = delete;

  // Calls `go_on` when the records at `positions` are applied, at the deadline, or when the lot closes. False: no
  // place, or closed; then it is not called. Any thread.
  bool Park(std::vector<LogPosition> positions, Deadline deadline, GoOn go_on);
  bool AreApplied(std::span<const LogPosition> positions) const { return !FindMissing(positions); }
  // Lets all go on and takes no more. Idempotent.
  void Close();
  size_t parked() const;

 private:
  struct Place {
    std::vector<LogPosition> positions;
    Deadline deadline;
    GoOn go_on;
  };

  // The first of them that is not applied.
  std::optional<LogPosition> FindMissing(std::span<const LogPosition> positions) const;
  void Attend();
  std::vector<Place> TakeReady() FEEDMILL_REQUIRES(mutex_);

  const stream::LiveState& state_;
  const size_t places_max_;
  mutable Mutex mutex_;
  CondVar arrived_;
  std::vector<Place> places_ FEEDMILL_GUARDED_BY(mutex_);
  bool closed_ FEEDMILL_GUARDED_BY(mutex_) = false;
  std::thread attendant_;
};

}  // namespace feedmill::serve
