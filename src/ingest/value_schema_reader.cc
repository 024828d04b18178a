#include <algorithm>
#include <array>
#include <cmath>

#include "ingest/value_schema_internal.h"

namespace feedmill::ingest {
namespace {

using Kind = LocatedJson::Kind;

constexpr size_t kPropertiesMax = 64;  // bits of ValueSchema::required
constexpr std::string_view kKeywords =
    "$schema, title, description, type, properties, required, anyOf, additionalProperties, enum, minLength, maxLength, "
    "minimum, "
    "maximum, items, minItems, maxItems, format, x-from";

struct NamedType {
  std::string_view name;
  JsonType type;
};
constexpr std::array<NamedType, 7> kTypes = {{{"string", kJsonString},
                                              {"integer", kJsonInteger},
                                              {"number", kJsonNumber},
                                              {"boolean", kJsonBoolean},
                                              {"object", kJsonObject},
                                              {"array", kJsonArray},
                                              {"null", kJsonNull}}};

std::string_view KindName(Kind kind) {
  constexpr std::array<std::string_view, 6> kNames = {"null",     "a boolean", "a number",
                                                      "a string", "an array",  "an object"};
  return kNames[static_cast<size_t>(kind)];
}

class SchemaReader {
 public:
  explicit SchemaReader(std::vector<SchemaFault>* faults) : faults_(*faults) {}

  ValueSchema Read(const LocatedJson& json) {
    ValueSchema schema;
    schema.line = json.line;
    if (!Expect(json, Kind::kObject, "a schema")) return schema;
    // Names that rules speak of must be known first.
    for (const auto& member : json.members) {
      if (member.name == "properties") ReadProperties(member.value, &schema);
    }
    for (const auto& member : json.members) ReadKeyword(member, &schema);
    CheckRanges(json, schema);
    return schema;
  }

 private:
  void Fault(int line, std::string message) { faults_.push_back({line, std::move(message)}); }

  bool Expect(const LocatedJson& json, Kind kind, std::string_view what) {
    if (json.kind == kind) return true;
    Fault(json.line, fmt::format("{}: found {}, allowed is {}", what, KindName(json.kind), KindName(kind)));
    return false;
  }

  void ReadKeyword(const LocatedJson::Member& member, ValueSchema* schema) {
    const auto& [name, line, value] = member;
    if (name == "properties") return;
    if (name == "$schema" || name == "title" || name == "description") return void(Expect(value, Kind::kString, name));
    if (name == "type") return ReadTypes(value, schema);
    if (name == "required") return void(schema->required = ReadNames(value, *schema, name));
    if (name == "anyOf") return ReadAnyOf(value, schema);
    if (name == "enum") return ReadEnumeration(value, schema);
    if (name == "additionalProperties") {
      if (Expect(value, Kind::kBoolean, name)) schema->additional_properties = value.boolean;
      return;
    }
    if (name == "format") return ReadFormat(value, schema);
    if (name == "x-from") return ReadFrom(value, schema);
    if (name == "items") return void(schema->items = std::make_unique<ValueSchema>(Read(value)));
    if (name == "minLength") return ReadCount(value, name, &schema->length_min);
    if (name == "maxLength") return ReadCount(value, name, &schema->length_max);
    if (name == "minItems") return ReadCount(value, name, &schema->items_min);
    if (name == "maxItems") return ReadCount(value, name, &schema->items_max);
    if (name == "minimum") return ReadNumber(value, name, &schema->minimum);
    if (name == "maximum") return ReadNumber(value, name, &schema->maximum);
    Fault(line, fmt::format("unknown keyword '{}'; allowed are: {}", name, kKeywords));
  }

  void ReadFormat(const LocatedJson& json, ValueSchema* schema) {
    schema->is_time = json.kind == Kind::kString && json.text == "date-time";
    if (!schema->is_time) Fault(json.line, "format: allowed is \"date-time\"");
  }

  void ReadFrom(const LocatedJson& json, ValueSchema* schema) {
    const bool is_text = json.kind == Kind::kString;
    schema->servers_only = is_text && json.text == "servers";
    if (!schema->servers_only && !(is_text && json.text == "anyone"))
      Fault(json.line, "x-from: allowed are \"anyone\" and \"servers\"");
  }

  void ReadTypes(const LocatedJson& json, ValueSchema* schema) {
    if (json.kind != Kind::kArray) return ReadType(json, schema);
    for (const auto& item : json.items) ReadType(item, schema);
  }

  void ReadType(const LocatedJson& json, ValueSchema* schema) {
    if (!Expect(json, Kind::kString, "type")) return;
    auto found = std::ranges::find(kTypes, std::string_view(json.text), &NamedType::name);
    if (found != kTypes.end()) return void(schema->types |= found->type);
    Fault(json.line,
          fmt::format("type '{}' is unknown; allowed are: string, integer, number, boolean, object, array, null",
                      json.text));
  }

  void ReadProperties(const LocatedJson& json, ValueSchema* schema) {
    if (!Expect(json, Kind::kObject, "properties")) return;
    if (json.members.size() > kPropertiesMax) {
      return Fault(json.line,
                   fmt::format("{} properties, at most {} are allowed", json.members.size(), kPropertiesMax));
    }
    for (const auto& member : json.members) {
      ValueSchema::Property property{member.name, DescriptionOf(member.value), Read(member.value)};
      property.schema.line = member.line;
      if (property.schema.servers_only) Fault(member.line, "x-from: allowed for an event, not for a property");
      schema->properties.push_back(std::move(property));
    }
  }

  static std::string DescriptionOf(const LocatedJson& json) {
    for (const auto& member : json.members) {
      if (member.name == "description") return member.value.text;
    }
    return "";
  }

  // A list of names of properties, as bits.
  uint64_t ReadNames(const LocatedJson& json, const ValueSchema& schema, std::string_view keyword) {
    uint64_t bits = 0;
    if (!Expect(json, Kind::kArray, keyword)) return bits;
    for (const auto& item : json.items) {
      if (!Expect(item, Kind::kString, keyword)) continue;
      auto found = std::ranges::find(schema.properties, item.text, &ValueSchema::Property::name);
      if (found != schema.properties.end()) {
        bits |= uint64_t{1} << (found - schema.properties.begin());
      } else {
        Fault(item.line, fmt::format("{} names '{}', which is not among the properties", keyword, item.text));
      }
    }
    return bits;
  }

  void ReadAnyOf(const LocatedJson& json, ValueSchema* schema) {
    if (!Expect(json, Kind::kArray, "anyOf")) return;
    for (const auto& choice : json.items) {
      if (!Expect(choice, Kind::kObject, "anyOf")) continue;
      if (choice.members.size() != 1 || choice.members[0].name != "required") {
        Fault(choice.line, "anyOf: each choice must be {\"required\": [...]} and nothing else");
        continue;
      }
      schema->any_of.push_back(ReadNames(choice.members[0].value, *schema, "required"));
    }
  }

  void ReadEnumeration(const LocatedJson& json, ValueSchema* schema) {
    if (!Expect(json, Kind::kArray, "enum")) return;
    if (json.items.empty()) Fault(json.line, "enum: found nothing, at least one string is needed");
    for (const auto& item : json.items) {
      if (Expect(item, Kind::kString, "enum")) schema->enumeration.push_back(item.text);
    }
  }

  void ReadNumber(const LocatedJson& json, std::string_view keyword, std::optional<double>* out) {
    if (Expect(json, Kind::kNumber, keyword)) *out = json.number;
  }

  void ReadCount(const LocatedJson& json, std::string_view keyword, std::optional<uint64_t>* out) {
    if (!Expect(json, Kind::kNumber, keyword)) return;
    if (json.number < 0 || json.number != std::floor(json.number) || json.number > 0x1p53) {
      return Fault(json.line, fmt::format("{}: found {}, allowed are whole numbers from 0", keyword, json.text));
    }
    *out = static_cast<uint64_t>(json.number);
  }

  void CheckRanges(const LocatedJson& json, const ValueSchema& schema) {
    if (schema.minimum && schema.maximum && *schema.minimum > *schema.maximum) {
      Fault(json.line, fmt::format("minimum {} is above maximum {}", *schema.minimum, *schema.maximum));
    }
    if (schema.length_min && schema.length_max && *schema.length_min > *schema.length_max) {
      Fault(json.line, fmt::format("minLength {} is above maxLength {}", *schema.length_min, *schema.length_max));
    }
    if (schema.items_min && schema.items_max && *schema.items_min > *schema.items_max) {
      Fault(json.line, fmt::format("minItems {} is above maxItems {}", *schema.items_min, *schema.items_max));
    }
  }

  std::vector<SchemaFault>& faults_;
};

}  // namespace

ValueSchema ReadValueSchema(const LocatedJson& json, std::vector<SchemaFault>* faults) {
  return SchemaReader(faults).Read(json);
}

}  // namespace feedmill::ingest
