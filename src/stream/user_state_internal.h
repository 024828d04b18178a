// What is kept of one user (authors are users): follows, what they saw, hid and did, and what they posted.
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

namespace feedmill::stream {

using features::BodyReader;
using features::BodyWriter;

// The newest `max` distinct handles in order of arrival, with membership. A handle seen again keeps its place.
class SeenSet {
 public:
  bool Contains(EntityHandle post) const;
  void Add(EntityHandle post, size_t max);
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

// Follow edges as of the newest change of each: a late event older than what is known of its edge changes nothing.
class FollowEdges {
 public:
  // An equal time counts as newer: the order of arrival decides.
  void Change(EntityHandle author, bool follows, Micros time);
  bool Follows(EntityHandle author) const;
  std::span<const EntityHandle> followees() const { return followees_; }  // sorted
  bool empty() const { return edges_.empty(); }
  uint64_t MemoryBytes() const {
    return edges_.capacity() * sizeof(Edge) + followees_.capacity() * sizeof(EntityHandle);
  }
  void Write(BodyWriter* writer) const;
  Status Read(BodyReader* reader, size_t user_count);

 private:
  struct Edge {
    EntityHandle author;
    uint32_t follows;
    Micros changed;
  };
  std::vector<Edge>
      edges_;  // sorted by author; an edge taken back stays, so that a late follow does not bring it up again
  std::vector<EntityHandle> followees_;
};

// How a checkpoint names actions: its numbers, and what they are in this program's domain.
struct StoredActions {
  uint64_t stride = domain::kActionsMax;  // numbers are below it
  std::vector<int> places;                // by number; -1: no such action any more. Empty: numbers are places
  // Nothing when the domain has no such action.
  std::optional<features::Action> Find(uint64_t number) const;
};

// The newest actions, in 16 bytes each, oldest first from `oldest`.
class ActionRing {
 public:
  void Add(const LastAction& action, size_t max);
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

// Handles are below these.
struct HandleLimits {
  size_t users;
  size_t posts;
  size_t topics;
  size_t lists;
};

// How a checkpoint names declared fields: what each of its places is in this program's domain, and of which type; -1:
// there is no such field any more.
struct StoredFields {
  bool stored = true;  // false: it is of before there were any
  std::vector<int> places = {};
  std::vector<domain::FieldType> types = {};
  // Whether what is stored at `place` can be of that field.
  Status Check(size_t place, FieldWord word, const HandleLimits& limits) const;
};

// The newest that a user told of one field.
struct ToldField {
  uint32_t field = 0;  // place in the domain
  FieldWord word;      // not given: taken back
  Micros at = 0;
};

struct UserState {
  FollowEdges follows;
  SeenSet seen;
  ActionRing actions;
  std::vector<EntityHandle> hidden_posts;    // sorted
  std::vector<EntityHandle> hidden_authors;  // sorted
  std::vector<EntityHandle> recent_posts;    // own, by time of creation, newest last
  std::vector<EntityHandle> told_topics;     // of the newest identify that has topics, in its order
  Micros told_at = 0;                        // its time; 0: never told any
  std::vector<ToldField> told_fields;        // in no order

  uint64_t MemoryBytes() const;
  bool IsEmpty() const;
  FieldWord Field(size_t field) const;
  Micros ToldAt(size_t field) const;  // 0: never
  // What is told later counts; of one instant, what came later.
  void Tell(const ToldField& told);
  void Write(BodyWriter* writer) const;
  // `fields` null: they stand as they are named now.
  Status Read(BodyReader* body, const HandleLimits& limits, const StoredActions& stored, const StoredFields* fields,
              const LiveStateOptions& options);
  Status ReadFields(BodyReader* body, const HandleLimits& limits, const StoredFields& stored);
};

// Inserts into a sorted vector unless it is there.
void InsertSorted(EntityHandle handle, std::vector<EntityHandle>* sorted);

}  // namespace feedmill::stream
