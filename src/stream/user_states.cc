#include <limits>

#include "base/prefetch.h"
#include "stream/user_states_internal.h"

namespace feedmill::stream {
namespace {

const UserState kNothing;

}  // namespace

UserStates::UserStates(features::BoundedMemory* memory, const LiveStateOptions& options)
    : memory_(memory), options_(options), places_(memory) {
  memory_->Add(this);
}

UserStates::~UserStates() {
  for (size_t user = 0; user < users_.size(); ++user) {
    Kept* kept = users_[user];
    if (kept == nullptr || kept == Cold()) continue;
    memory_->Grew(-static_cast<int64_t>(kept->counted));
    delete kept;
  }
  memory_->Remove(this);
}

void UserStates::Resize(size_t users) {
  if (users <= users_.size()) return;
  users_.resize(users);
  places_.Resize(users);
}

const UserState& UserStates::Of(EntityHandle user) const {
  if (user >= users_.size()) return kNothing;
  Kept* kept = std::atomic_ref(users_[user]).load(std::memory_order_acquire);
  if (kept == nullptr) return kNothing;
  if (kept == Cold()) kept = BringBack(user);
  if (const std::atomic_ref touched(kept->touched); touched.load(std::memory_order_relaxed) == 0)
    touched.store(1, std::memory_order_relaxed);
  return kept->state;
}

void UserStates::Prefetch(EntityHandle user) const {
  const Kept* kept = std::atomic_ref(users_[user]).load(std::memory_order_relaxed);
  if (kept != nullptr && kept != Cold()) PrefetchAll(kept, sizeof(Kept));
}

void UserStates::PrefetchActed(EntityHandle user, EntityHandle post) const {
  const Kept* kept = std::atomic_ref(users_[user]).load(std::memory_order_acquire);
  if (kept == nullptr || kept == Cold()) return;
  kept->state.seen.Prefetch(post);
  kept->state.actions.Prefetch();
}

UserState& UserStates::Mutable(EntityHandle user) {
  Kept* kept = users_[user];
  if (kept == nullptr) kept = users_[user] = new Kept;
  if (kept == Cold()) kept = BringBack(user);
  kept->touched = 1;
  kept->dirty = true;
  if (!std::exchange(kept->listed, true)) changed_.push_back(user);
  return kept->state;
}

void UserStates::Account() {
  for (const EntityHandle user : changed_) {
    Kept* kept = users_[user];
    const uint64_t bytes = sizeof(Kept) - sizeof(UserState) + kept->state.MemoryBytes();
    memory_->Grew(static_cast<int64_t>(bytes) - static_cast<int64_t>(kept->counted));
    kept->counted = bytes;
    kept->listed = false;
  }
  changed_.clear();
}

UserStates::Kept* UserStates::BringBack(EntityHandle user) const {
  std::string bytes;
  memory_->cold().Read(places_[user], &bytes);
  auto fresh = std::make_unique<Kept>();
  BodyReader body(bytes);
  // The bytes are those that were written: the checksum says so, and no handle in them needs to be looked at.
  constexpr size_t kAny = std::numeric_limits<size_t>::max();
  (void)fresh->state.Read(&body, {kAny, kAny, kAny, kAny}, nullptr, options_);
  fresh->counted = sizeof(Kept) - sizeof(UserState) + fresh->state.MemoryBytes();
  fresh->dirty = false;
  Kept* expected = Cold();
  if (!std::atomic_ref(users_[user]).compare_exchange_strong(expected, fresh.get(), std::memory_order_acq_rel))
    return expected;  // another reader was faster
  memory_->Grew(static_cast<int64_t>(fresh->counted));
  return fresh.release();
}

std::string UserStates::BytesOf(const UserState& state) const {
  std::string bytes;
  BodyWriter writer([&bytes](std::string_view piece) { bytes.append(piece); });
  state.Write(&writer);
  return bytes;
}

Status UserStates::Evict(EntityHandle user) {
  Kept* kept = users_[user];
  if (kept->dirty) {
    FEEDMILL_ASSIGN(const features::ColdPlace place, memory_->cold().Append(BytesOf(kept->state)));
    memory_->cold().Drop(places_[user]);
    places_.Mutable(user) = place;
  }
  memory_->Grew(-static_cast<int64_t>(kept->counted));
  users_[user] = Cold();
  delete kept;
  return Ok();
}

Status UserStates::EvictSome(size_t looks) {
  for (; looks > 0 && !users_.empty(); --looks) {
    const size_t user = hand_++ % users_.size();
    Kept* kept = users_[user];
    if (kept == nullptr || kept == Cold()) continue;
    if (kept->touched != 0) {
      kept->touched = 0;
      continue;
    }
    FEEDMILL_TRY(Evict(static_cast<EntityHandle>(user)));
  }
  return Ok();
}

Status UserStates::MoveOutOf(uint32_t segment) {
  std::string bytes;
  for (size_t user = 0; user < users_.size(); ++user) {
    const features::ColdPlace place = places_[user];
    if (place.segment != segment) continue;
    features::ColdPlace moved;
    if (users_[user] == Cold()) {
      memory_->cold().Read(place, &bytes);
      FEEDMILL_ASSIGN(moved, memory_->cold().Append(bytes));
    } else {
      users_[user]->dirty = true;
    }
    memory_->cold().Drop(place);
    places_.Mutable(user) = moved;
  }
  return Ok();
}

Status UserStates::Write(features::ColdReader* reader, BodyWriter* writer) const {
  std::string bytes;
  size_t user = 0;
  Status status;
  FEEDMILL_TRY(places_.ForEach(reader, [&](const features::ColdPlace* places, size_t count) {
    for (size_t i = 0; i < count; ++i, ++user) {
      const Kept* kept = std::atomic_ref(users_[user]).load(std::memory_order_acquire);
      if (kept != Cold()) {
        (kept == nullptr ? kNothing : kept->state).Write(writer);
        continue;
      }
      if (status) status = reader->Read(places[i], &bytes);
      if (status) writer->PutBytes(bytes);
    }
  }));
  return status;
}

}  // namespace feedmill::stream
