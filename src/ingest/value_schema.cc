#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include "base/time_text.h"
#include "ingest/json_access_internal.h"
#include "ingest/value_schema_internal.h"

namespace feedmill::ingest {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using Violation = std::optional<SchemaViolation>;

constexpr size_t kShownBytesMax = 80;
constexpr std::array<std::pair<JsonType, std::string_view>, 7> kTypeNames = {{{kJsonString, "string"},
                                                                              {kJsonInteger, "integer"},
                                                                              {kJsonNumber, "number"},
                                                                              {kJsonBoolean, "boolean"},
                                                                              {kJsonObject, "object"},
                                                                              {kJsonArray, "array"},
                                                                              {kJsonNull, "null"}}};

std::string NamesOf(uint8_t types) {
  std::string names;
  for (auto [bit, name] : kTypeNames) {
    if (types & bit) names += (names.empty() ? "" : " or ") + std::string(name);
  }
  return names;
}

// Types that the value has: 3 is an integer and a number, 3.0 too (as JSON Schema says), 3.5 a number only.
uint8_t TypesOf(const element& value) {
  switch (value.type()) {
    case element_type::STRING:
      return kJsonString;
    case element_type::INT64:
    case element_type::UINT64:
      return kJsonInteger | kJsonNumber;
    case element_type::DOUBLE: {
      double number = NumberOf(value);
      return number == std::trunc(number) && std::abs(number) < 0x1p63 ? kJsonInteger | kJsonNumber : kJsonNumber;
    }
    case element_type::BOOL:
      return kJsonBoolean;
    case element_type::OBJECT:
      return kJsonObject;
    case element_type::ARRAY:
      return kJsonArray;
    case element_type::NULL_VALUE:
      return kJsonNull;
  }
  return 0;
}

// A value for a message, cut.
std::string Shown(const element& value) {
  std::string text = simdjson::minify(value);
  if (text.size() <= kShownBytesMax) return text;
  size_t cut = kShownBytesMax;
  while (cut > 0 && (text[cut] & 0xc0) == 0x80) --cut;
  return text.substr(0, cut) + "...";
}

SchemaViolation Broken(std::string_view field, std::string_view rule, std::string reason) {
  return {std::string(field), std::string(rule), std::move(reason)};
}

uint64_t CodePoints(std::string_view text) {
  return static_cast<uint64_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

Violation CheckText(const ValueSchema& schema, const element& value, std::string_view field) {
  std::string_view text = TextOf(value);
  if (!schema.enumeration.empty() && std::ranges::find(schema.enumeration, text) == schema.enumeration.end()) {
    return Broken(field, "not_in_enum",
                  fmt::format("found {}, allowed \"{}\"", Shown(value), fmt::join(schema.enumeration, "\", \"")));
  }
  if (schema.is_time && !ParseTime(text)) {
    return Broken(field, "no_time",
                  fmt::format("found {}, allowed: an instant like 2026-11-22T21:52:06Z", Shown(value)));
  }
  if (!schema.length_min && !schema.length_max) return std::nullopt;
  uint64_t length = CodePoints(text);
  if (schema.length_min && length < *schema.length_min) {
    return Broken(field, "too_short",
                  fmt::format("found {} characters, at least {} are allowed", length, *schema.length_min));
  }
  if (schema.length_max && length > *schema.length_max) {
    return Broken(field, "too_long",
                  fmt::format("found {} characters, at most {} are allowed", length, *schema.length_max));
  }
  return std::nullopt;
}

Violation CheckNumber(const ValueSchema& schema, const element& value, std::string_view field) {
  if (!schema.minimum && !schema.maximum) return std::nullopt;
  double number = NumberOf(value);
  if (schema.minimum && number < *schema.minimum) {
    return Broken(field, "too_small", fmt::format("found {}, at least {} is allowed", Shown(value), *schema.minimum));
  }
  if (schema.maximum && number > *schema.maximum) {
    return Broken(field, "too_large", fmt::format("found {}, at most {} is allowed", Shown(value), *schema.maximum));
  }
  return std::nullopt;
}

Violation CheckArray(const ValueSchema& schema, const element& value, std::string_view field) {
  simdjson::dom::array array = ArrayOf(value);
  if (schema.items_min && array.size() < *schema.items_min) {
    return Broken(field, "too_few_items",
                  fmt::format("found {} items, at least {} are allowed", array.size(), *schema.items_min));
  }
  if (schema.items_max && array.size() > *schema.items_max) {
    return Broken(field, "too_many_items",
                  fmt::format("found {} items, at most {} are allowed", array.size(), *schema.items_max));
  }
  if (!schema.items) return std::nullopt;
  size_t index = 0;
  for (element item : array) {
    // The path is only spelled out when it is needed.
    if (auto broken = CheckValue(*schema.items, item, "")) {
      broken->field = fmt::format("{}[{}]{}", field, index, broken->field);
      return broken;
    }
    ++index;
  }
  return std::nullopt;
}

std::string JoinPath(std::string_view field, std::string_view name) {
  return field.empty() ? fmt::format(".{}", name) : fmt::format("{}.{}", field, name);
}

// The rules over which properties are there.
Violation CheckPresence(const ValueSchema& schema, uint64_t present, std::string_view field) {
  if (uint64_t missing = schema.required & ~present) {
    const auto& property = schema.properties[static_cast<size_t>(std::countr_zero(missing))];
    return Broken(JoinPath(field, property.name), "missing_property", "found nothing, a value is required");
  }
  auto whole = [&](uint64_t set) { return (set & ~present) == 0; };
  if (schema.any_of.empty() || std::ranges::any_of(schema.any_of, whole)) return std::nullopt;
  std::string names;
  for (size_t i = 0; i < schema.properties.size(); ++i) {
    bool named = std::ranges::any_of(schema.any_of, [&](uint64_t set) { return (set >> i & 1) != 0; });
    if (named) names += (names.empty() ? "" : ", ") + schema.properties[i].name;
  }
  return Broken(field, "missing_property", fmt::format("found none, one of {} is required", names));
}

Violation CheckObject(const ValueSchema& schema, const element& value, std::string_view field) {
  uint64_t present = 0;
  for (simdjson::dom::key_value_pair member : ObjectOf(value)) {
    if (member.value.is_null()) continue;
    auto property = std::ranges::find(schema.properties, member.key, &ValueSchema::Property::name);
    if (property == schema.properties.end()) {
      if (schema.additional_properties) continue;
      std::string names;
      for (const auto& allowed : schema.properties) names += (names.empty() ? "" : ", ") + allowed.name;
      return Broken(JoinPath(field, member.key.substr(0, kShownBytesMax)), "unknown_property",
                    fmt::format("no such property; allowed are: {}", names.empty() ? "none" : names));
    }
    if (auto broken = CheckValue(property->schema, member.value, "")) {
      broken->field = JoinPath(field, property->name) + broken->field;
      return broken;
    }
    present |= uint64_t{1} << (property - schema.properties.begin());
  }
  return CheckPresence(schema, present, field);
}

}  // namespace

std::optional<SchemaViolation> CheckValue(const ValueSchema& schema, const element& value, std::string_view field) {
  uint8_t types = TypesOf(value);
  if (schema.types != 0 && (schema.types & types) == 0) {
    // The narrowest name of what was found: an integer is also a number.
    uint8_t narrowest = static_cast<uint8_t>(types & -types);
    return Broken(field, "wrong_type",
                  fmt::format("found {} {}, allowed {}", NamesOf(narrowest), Shown(value), NamesOf(schema.types)));
  }
  if (types & kJsonString) return CheckText(schema, value, field);
  if (types & kJsonNumber) return CheckNumber(schema, value, field);
  if (types & kJsonObject) return CheckObject(schema, value, field);
  if (types & kJsonArray) return CheckArray(schema, value, field);
  return std::nullopt;
}

std::optional<SchemaViolation> CheckAbsent(const ValueSchema& schema, std::string_view field) {
  return CheckPresence(schema, 0, field);
}

}  // namespace feedmill::ingest
