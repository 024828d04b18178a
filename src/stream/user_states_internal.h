// The states of all users by handle, of which those not touched lately stand in cold files as the bytes that a
// checkpoint has of them. A user of whom nothing is kept costs a pointer.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "features/bounded_memory.h"
#include "features/paged_array.h"
#include "stream/user_state_internal.h"

namespace feedmill::stream {

class UserStates final : public features::Evictable {
 public:
  // The memory outlives it.
  UserStates(features::BoundedMemory* memory, const LiveStateOptions& options);
  ~UserStates() override;

  size_t size() const { return users_.size(); }
  void Resize(size_t users);
  // Readers, many at a time: good until the memory is trimmed.
  const UserState& Of(EntityHandle user) const;
  void Prefetch(EntityHandle user) const;
  // What an action on `post` will touch, once Prefetch had its time.
  void PrefetchActed(EntityHandle user, EntityHandle post) const;
  // The writer, alone: good until the next call of Mutable or the memory is trimmed... of this user until Account.
  UserState& Mutable(EntityHandle user);
  // Tells the memory what the states handed out since the last call hold now.
  void Account();
  // All of them in order, as in a checkpoint.
  Status Write(features::ColdReader* reader, BodyWriter* writer) const;
  uint64_t MemoryBytes() const { return users_.capacity() * sizeof(Kept*) + places_.MemoryBytes(); }  // what never goes

  size_t pieces() const override { return users_.size(); }
  Status EvictSome(size_t looks) override;
  Status MoveOutOf(uint32_t segment) override;

 private:
  struct Kept {
    UserState state;
    uint64_t counted = 0;  // bytes told to the memory
    uint8_t touched = 1;
    bool dirty = true;
    bool listed = false;  // in changed_
  };
  static Kept* Cold() { return reinterpret_cast<Kept*>(1); }
  Kept* BringBack(EntityHandle user) const;
  Status Evict(EntityHandle user);
  std::string BytesOf(const UserState& state) const;

  features::BoundedMemory* const memory_;
  const LiveStateOptions options_;
  mutable std::vector<Kept*>
      users_;  // null: nothing kept; Cold(): in places_; readers bring back through an atomic_ref
  features::PagedArray<features::ColdPlace> places_;
  std::vector<EntityHandle> changed_;
  size_t hand_ = 0;
};

}  // namespace feedmill::stream
