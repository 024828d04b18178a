// The loaded schemas behind TrackingPlan.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ingest/tracking_plan.h"
#include "ingest/value_schema_internal.h"

namespace feedmill::ingest {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using SchemasByName = std::unordered_map<std::string, ValueSchema, StringHash, std::equal_to<>>;

struct TrackingPlan::Parts {
  SchemasByName events;  // of track
  SchemasByName types;   // of the other message types
};

}  // namespace feedmill::ingest
