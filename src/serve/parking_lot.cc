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

std::optional<LogPosition> ParkingLot::FindMissing(std::span<const LogPosition> positions) const {
  for (const LogPosition& position : positions) {
    if (state_.AppliedOffset(position.partition) <= position.offset) return position;
  }
  return std::nullopt;
}

bool ParkingLot::Park(std::vector<LogPosition> positions, Deadline deadline, GoOn go_on) {
  const MutexLock lock(mutex_);
  if (closed_ || places_.size() >= places_max_) return false;
  places_.push_back({std::move(positions), deadline, std::move(go_on)});
  arrived_.NotifyOne();
  return true;
}

void ParkingLot::Close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    arrived_.NotifyOne();
  }
  if (attendant_.joinable()) attendant_.join();
}

size_t ParkingLot::parked() const {
  const MutexLock lock(mutex_);
  return places_.size();
}

void ParkingLot::Attend() {
  MutexLock lock(mutex_);
  for (;;) {
    arrived_.Wait(mutex_, [this]() FEEDMILL_REQUIRES(mutex_) { return closed_ || !places_.empty(); });
    const bool last_round = closed_;
    if (!last_round) {
      std::optional<LogPosition> next;
      for (const Place& place : places_) {
        const auto missing = FindMissing(place.positions);
        if (missing && (!next || *missing < *next)) next = missing;
      }
      lock.Unlock();
      if (next) state_.WaitApplied(*next, Deadline::After(kLookEvery));
      lock.Lock();
    }
    std::vector<Place> ready = last_round ? std::exchange(places_, {}) : TakeReady();
    lock.Unlock();
    for (Place& place : ready) place.go_on(AreApplied(place.positions));
    if (last_round) return;
    lock.Lock();
  }
}

std::vector<ParkingLot::Place> ParkingLot::TakeReady() {
  const auto waits = [this](const Place& place) { return !place.deadline.Expired() && !AreApplied(place.positions); };
  const auto first = std::stable_partition(places_.begin(), places_.end(), waits);
  std::vector<Place> ready(std::make_move_iterator(first), std::make_move_iterator(places_.end()));
  places_.erase(first, places_.end());
  return ready;
}

}  // namespace feedmill::serve
