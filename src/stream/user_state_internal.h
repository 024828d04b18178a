// What is kept of one user (authors are users): edges to others, what they saw, hid and did, and what they posted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "features/body_codec.h"
#include "features/counter_table.h"
#include "stream/field_word.h"
#include "stream/live_state.h"
#include "stream/stored_names_internal.h"

namespace feedmill::stream {

using features::BodyReader;
using features::BodyWriter;

// The newest `max` distinct handles in order of arrival, with membership. A handle seen again keeps its place.
class SeenSet {
 public:
  bool Contains(EntityHandle post) const;
  void Add(EntityHandle post, size_t max);
  void Prefetch(EntityHandle post) const;  // what Add of it will touch
  // Oldest first.
  std::vector<EntityHandle> InOrder() const;
  bool empty() const { return ring_.empty(); }
  uint64_t MemoryBytes() const { return (ring_.capacity() + slots_.capacity()) * sizeof(EntityHandle); }

 private:
  void InsertSlot(EntityHandle post);
  void EraseSlot(EntityHandle post);
  void Rebuild(size_t slots);

  std::vector<EntityHandle> ring_;
  size_t oldest_ = 0;                // place in ring_ once it is full
  std::vector<EntityHandle> slots_;  // open addressing, handle + 1; empty while the ring is short enough to be searched
};

// Edges to other users as of the newest change of each: a late event older than what is known of its edge changes
// nothing.
class Edges {
 public:
  // An equal time counts as newer: the order of arrival decides.
  void Change(EntityHandle end, bool stands, Micros time);
  bool Has(EntityHandle end) const;
  Micros ChangedAt(EntityHandle end) const;                     // 0: never
  std::span<const EntityHandle> ends() const { return ends_; }  // of those that stand, sorted
  bool empty() const { return edges_.empty(); }
  uint64_t MemoryBytes() const { return edges_.capacity() * sizeof(Edge) + ends_.capacity() * sizeof(EntityHandle); }
  void Write(BodyWriter* writer) const;
  Status Read(BodyReader* reader, size_t user_count);

 private:
  struct Edge {
    EntityHandle end;
    uint32_t stands;
    Micros changed;
  };
  std::vector<Edge> edges_;  // sorted by end; one taken back stays, so that a late event does not bring it up again
  std::vector<EntityHandle> ends_;
};

// Edges of a relation that hides, at one of their ends: who stands at the other one is not shown.
struct HidingEdges {
  uint32_t relation = 0;  // place in the domain
  uint32_t is_far = 0;    // 1: this user is the far end
  Edges edges;
};

// The newest actions, in 16 bytes each, oldest first from `oldest`.
class ActionRing {
 public:
  void Add(const LastAction& action, size_t max);
  void Prefetch() const;  // what Add will touch
  std::vector<LastAction> NewestFirst() const;
  size_t size() const { return ring_.size(); }
  uint64_t MemoryBytes() const { return ring_.capacity() * sizeof(Packed); }
  void Write(BodyWriter* writer) const;
  Status Read(BodyReader* reader, const StoredActions& stored, size_t max);

 private:
  struct Packed {
    EntityHandle post;
    EntityHandle author;
    uint64_t time_and_action;  // time * domain::kActionsMax + action
  };
  static LastAction Unpack(const Packed& packed);
  std::vector<Packed> ring_;
  size_t oldest_ = 0;
};

// The newest that a user told of one field.
struct ToldField {
  uint32_t field = 0;  // place in the domain
  FieldWord word;      // not given: taken back
  Micros at = 0;
};

struct UserState {
  Edges follows;
  SeenSet seen;
  ActionRing actions;
  std::vector<EntityHandle> hidden_posts;    // sorted
  std::vector<EntityHandle> hidden_authors;  // sorted
  std::vector<EntityHandle> recent_posts;    // own, by time of creation, newest last
  std::vector<EntityHandle> told_topics;     // of the newest identify that has topics, in its order
  Micros told_at = 0;                        // its time; 0: never told any
  std::vector<ToldField> told_fields;        // in no order
  std::vector<HidingEdges> hiding;           // in no order; none is empty

  uint64_t MemoryBytes() const;
  bool IsEmpty() const;
  FieldWord Field(size_t field) const;
  Micros ToldAt(size_t field) const;  // 0: never
  // What is told later counts; of one instant, what came later.
  void Tell(const ToldField& told);
  Edges& Hiding(size_t relation, bool is_far);
  const Edges* FindHiding(size_t relation, bool is_far) const;
  bool HidesAuthor(EntityHandle author) const;
  void Write(BodyWriter* writer) const;
  // `stored` null: all is named as it is now.
  Status Read(BodyReader* body, const HandleLimits& limits, const StoredNames* stored, const LiveStateOptions& options);
  Status ReadFields(BodyReader* body, const HandleLimits& limits, const StoredFields* stored);
  Status ReadHiding(BodyReader* body, const HandleLimits& limits, const StoredRelations* stored);
};

// Inserts into a sorted vector unless it is there.
void InsertSorted(EntityHandle handle, std::vector<EntityHandle>* sorted);

}  // namespace feedmill::stream
