// The tracking plan: which events exist and what they must carry; one JSON Schema file an event
// (template/events/README.md says which keywords). Files named identify, page, screen, group and alias describe the
// traits or properties of these message types.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/property_type.h"
#include "data/schema.h"
#include "io/file_system.h"

namespace feedmill::ingest {

struct ValueSchema;

// Immutable once loaded: any thread.
class TrackingPlan {
 public:
  // Reads every *.json of the folder. kInvalidArgument holds all faults found, one a line: "folder/file.json:7: what,
  // what is allowed".
  static Result<std::shared_ptr<const TrackingPlan>> Load(io::FileSystem& files, const std::string& folder);
  ~TrackingPlan();

  // Names of track events, sorted.
  const std::vector<std::string>& event_names() const { return event_names_; }

  // Columns of ods_event for the scalar properties of track, page and screen events, sorted by name: the union over the
  // schemas. The property of that name, of whatever event, is the column's value.
  const Schema& typed_columns() const { return typed_columns_; }

  // The schema of the properties (identify, group: traits) of such a message. Null when the plan has none: an unknown
  // event when `type` is "track", anything goes for the others.
  const ValueSchema* Find(std::string_view type, std::string_view event) const;

  // Whether keys that may stand in a browser are refused for a track event of that name ("x-from": "servers").
  bool FromServersAlone(std::string_view event) const;

  // The declared type of a property (identify, group: trait) of such a message; nothing when none is declared.
  std::optional<PropertyType> TypeOf(std::string_view type, std::string_view event, std::string_view property) const;

 private:
  struct Parts;
  friend class PlanLoader;
  TrackingPlan();

  std::vector<std::string> event_names_;
  Schema typed_columns_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace feedmill::ingest
