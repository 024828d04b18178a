// What a JSON value must look like: the part of JSON Schema 2020-12 that a tracking plan may use, ready to be checked
// fast.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ingest/located_json_internal.h"

namespace simdjson::dom {
class element;
}

namespace feedmill::ingest {

enum JsonType : uint8_t {
  kJsonString = 1,
  kJsonInteger = 2,
  kJsonNumber = 4,
  kJsonBoolean = 8,
  kJsonObject = 16,
  kJsonArray = 32,
  kJsonNull = 64,
};

struct ValueSchema {
  struct Property;

  int line = 1;
  uint8_t types = 0;                               // of JsonType; 0 = any
  std::vector<std::string> enumeration;            // allowed strings; empty = any
  std::optional<uint64_t> length_min, length_max;  // in code points
  std::optional<double> minimum, maximum;
  std::vector<Property> properties;  // at most 64
  uint64_t required = 0;             // bit i: properties[i] must be there and not null
  std::vector<uint64_t> any_of;      // of each of these sets, one set must be there whole; empty = no such rule
  bool is_time = false;              // "format": "date-time"; checked of strings
  bool additional_properties = true;
  bool servers_only = false;           // of an event: senders with a key that may stand in a browser are refused
  std::unique_ptr<ValueSchema> items;  // of every item of an array
  std::optional<uint64_t> items_min, items_max;
};

struct ValueSchema::Property {
  std::string name;
  std::string description;
  ValueSchema schema;
};

// Reads a schema. Every fault found is appended to `faults` as {line, message}: unknown keywords are faults.
struct SchemaFault {
  int line = 1;
  std::string message;
};
ValueSchema ReadValueSchema(const LocatedJson& json, std::vector<SchemaFault>* faults);

// The first rule that a value breaks.
struct SchemaViolation {
  std::string field;   // "properties.position"
  std::string rule;    // "wrong_type", "missing_property", ...
  std::string reason;  // "found string \"3\", allowed integer"
};
// `field` is the path of the value itself. Nulls count as absent, also for optional properties of a type that has no
// null.
std::optional<SchemaViolation> CheckValue(const ValueSchema& schema, const simdjson::dom::element& value,
                                          std::string_view field);
// When the value is not there at all (an empty object is checked).
std::optional<SchemaViolation> CheckAbsent(const ValueSchema& schema, std::string_view field);

}  // namespace feedmill::ingest
