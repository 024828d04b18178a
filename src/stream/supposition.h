// What events that never came in would change in one user's part of the live state: for a feed that is asked "as if".
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "stream/live_state.h"

namespace feedmill::stream {

// What is told of a declared field.
struct SupposedField {
  bool given = false;
  double number = 0;                // 0 or 1 of a boolean; seconds since 1970 of a time
  std::vector<EntityHandle> texts;  // as topics; kNoEntity for one that nothing has. One of a text
};

struct Supposition {
  std::vector<LastAction> actions;       // newest first
  std::map<EntityHandle, bool> follows;  // whom -> whether they are followed after it
  std::vector<EntityHandle> hidden_posts;
  std::vector<EntityHandle> hidden_authors;
  // Relation and author: edges that would stand. One that is taken away still hides when it stands in the state.
  std::set<std::pair<size_t, EntityHandle>> hidden_by_relation;
  std::vector<EntityHandle> seen_posts;
  std::optional<std::vector<EntityHandle>> told_topics;  // by the last identify that tells some
  std::map<size_t, SupposedField> told_fields;           // by place in the domain
};

// `events` in their order, all of one user; read as the live state reads them. Under a ReadGuard of `state`. Whoever
// and whatever the state does not know changes nothing, and counters stay as they are.
Supposition Suppose(const LiveState& state, std::span<const LogRecord> events);

}  // namespace feedmill::stream
