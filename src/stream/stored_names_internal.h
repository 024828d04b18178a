// How a checkpoint names what the domain declares: actions, fields and relations, by their places in its own lists.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "domain/domain.h"
#include "features/compute.h"
#include "stream/field_word.h"

namespace feedmill::stream {

// How a checkpoint names actions: its numbers, and what they are in this program's domain.
struct StoredActions {
  uint64_t stride = domain::kActionsMax;  // numbers are below it
  std::vector<int> places;                // by number; -1: no such action any more. Empty: numbers are places
  // Nothing when the domain has no such action.
  std::optional<features::Action> Find(uint64_t number) const;
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

// How a checkpoint names relations: what each of its places is in this program's domain.
struct StoredRelations {
  struct Relation {
    int place = -1;       // -1: there is no such relation any more, or it does not hide any more
    bool of_far = false;  // it hides at the far end as well
  };
  bool stored = true;   // false: it is of before there were several
  bool follows = true;  // who follows whom is what it was
  std::vector<Relation> places = {};
};

// What a checkpoint calls what a user's state names.
struct StoredNames {
  StoredActions actions;
  StoredFields fields;
  StoredRelations relations;
};

}  // namespace feedmill::stream
