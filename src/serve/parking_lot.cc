#include "serve/parking_lot.h"

#include <algorithm>
#include <utility>

namespace feedmill::serve {
namespace {

// How late a request may be that waits for another record than the one looked for, or whose deadline ends.
constexpr Micros kLookEvery = kMicrosPerMilli;

}  // namespace

ParkingLot::ParkingLot(const stream::LiveState& state, size_t places)
    : state_(state), places_max_(places), attendant_([this] { Attend(); }) {}

ParkingLot::~ParkingLot() { Close(); }

bool ParkingLot::Park(LogPosition position, Deadline deadline, GoOn go_on) {
  const std::scoped_lock lock(mutex_);
  if (closed_ || places_.size() >= places_max_) return false;
  places_.push_back({position, deadline, std::move(go_on)});
  arrived_.notify_one();
  return true;
}

void ParkingLot::Close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    arrived_.notify_one();
  }
  if (attendant_.joinable()) attendant_.join();
}

size_t ParkingLot::parked() const {
  const std::scoped_lock lock(mutex_);
  return places_.size();
}

void ParkingLot::Attend() {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [this] { return closed_ || !places_.empty(); });
    const bool last_round = closed_;
    if (!last_round) {
      const LogPosition next = std::ranges::min(places_, {}, &Place::position).position;
      lock.unlock();
      state_.WaitApplied(next, Deadline::After(kLookEvery));
      lock.lock();
    }
    std::vector<Place> ready = last_round ? std::exchange(places_, {}) : TakeReady();
    lock.unlock();
    for (Place& place : ready) place.go_on(IsApplied(place.position));
    if (last_round) return;
    lock.lock();
  }
}

// Under mutex_.
std::vector<ParkingLot::Place> ParkingLot::TakeReady() {
  const auto waits = [this](const Place& place) { return !place.deadline.Expired() && !IsApplied(place.position); };
  const auto first = std::stable_partition(places_.begin(), places_.end(), waits);
  std::vector<Place> ready(std::make_move_iterator(first), std::make_move_iterator(places_.end()));
  places_.erase(first, places_.end());
  return ready;
}

}  // namespace feedmill::serve
