#include "lake/avro_schema.h"

#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "lake/json_nesting.h"

namespace feedmill::lake {

using nlohmann::json;

namespace {

constexpr size_t kSchemaBytesMax = 16u << 20;
constexpr int kSchemaDepthMax = 64;
constexpr size_t kFixedBytesMax = 1u << 20;

const std::map<std::string_view, AvroKind>& Primitives() {
  static const std::map<std::string_view, AvroKind> primitives = {
      {"null", AvroKind::kNull},   {"boolean", AvroKind::kBoolean}, {"int", AvroKind::kInt},
      {"long", AvroKind::kLong},   {"float", AvroKind::kFloat},     {"double", AvroKind::kDouble},
      {"bytes", AvroKind::kBytes}, {"string", AvroKind::kString}};
  return primitives;
}

std::string Text(const json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

class AvroSchemaParser {
 public:
  explicit AvroSchemaParser(AvroSchema& schema) : schema_(schema) {}

  Result<const AvroType*> ParseType(const json& node) {
    if (node.is_string()) return ParseName(node.get<std::string>(), json::object());
    if (node.is_array()) return ParseUnion(node);
    if (!node.is_object())
      return Corrupt("Avro schema: a type is a name, an object or a list, found {}", node.type_name());
    auto type = node.find("type");
    if (type == node.end()) return Corrupt("Avro schema: an object without 'type'");
    if (!type->is_string()) return ParseType(*type);
    const std::string name = type->get<std::string>();
    if (name == "record") return ParseRecord(node);
    if (name == "array") return ParseContainer(node, AvroKind::kArray, "items");
    if (name == "map") return ParseContainer(node, AvroKind::kMap, "values");
    if (name == "fixed") return ParseFixed(node);
    if (name == "enum") return Remember(node, Add(AvroKind::kEnum, node));
    return ParseName(name, node);
  }

 private:
  AvroType* Add(AvroKind kind, const json& node) {
    auto& type = schema_.types_.emplace_back(std::make_unique<AvroType>());
    type->kind = kind;
    type->logical_type = Text(node, "logicalType");
    return type.get();
  }

  // Later uses of a named type give its name only.
  AvroType* Remember(const json& node, AvroType* type) {
    named_[Text(node, "name")] = type;
    return type;
  }

  Result<const AvroType*> ParseName(const std::string& name, const json& node) {
    if (auto primitive = Primitives().find(name); primitive != Primitives().end()) return Add(primitive->second, node);
    if (auto known = named_.find(name); known != named_.end()) return known->second;
    return Corrupt("Avro schema: unknown type '{}'", name);
  }

  Result<const AvroType*> ParseUnion(const json& node) {
    AvroType* type = Add(AvroKind::kUnion, json::object());
    for (const json& branch : node) {
      FEEDMILL_ASSIGN(const AvroType* parsed, ParseType(branch));
      type->branches.push_back(parsed);
    }
    if (type->branches.empty()) return Corrupt("Avro schema: a union without branches");
    return type;
  }

  Result<const AvroType*> ParseRecord(const json& node) {
    AvroType* type = Remember(node, Add(AvroKind::kRecord, node));
    auto fields = node.find("fields");
    if (fields == node.end() || !fields->is_array())
      return Corrupt("Avro schema: record '{}' without fields", Text(node, "name"));
    for (const json& entry : *fields) {
      if (!entry.is_object() || !entry.contains("type")) {
        return Corrupt("Avro schema: record '{}' has a field without a type", Text(node, "name"));
      }
      AvroField field;
      field.name = Text(entry, "name");
      if (auto id = entry.find("field-id"); id != entry.end() && id->is_number_integer())
        field.field_id = id->get<int>();
      FEEDMILL_ASSIGN(field.type, ParseType(entry["type"]));
      type->fields.push_back(std::move(field));
    }
    return type;
  }

  Result<const AvroType*> ParseContainer(const json& node, AvroKind kind, const char* key) {
    AvroType* type = Add(kind, node);
    auto element = node.find(key);
    if (element == node.end()) return Corrupt("Avro schema: an array or map without '{}'", key);
    FEEDMILL_ASSIGN(type->element, ParseType(*element));
    return type;
  }

  Result<const AvroType*> ParseFixed(const json& node) {
    auto size = node.find("size");
    if (size == node.end() || !size->is_number_unsigned() || size->get<uint64_t>() > kFixedBytesMax) {
      return Corrupt("Avro schema: fixed '{}' needs a size of 0 to {}", Text(node, "name"), kFixedBytesMax);
    }
    AvroType* type = Remember(node, Add(AvroKind::kFixed, node));
    type->fixed_size = size->get<size_t>();
    return type;
  }

  AvroSchema& schema_;
  std::map<std::string, const AvroType*> named_;
};

Result<AvroSchema> AvroSchema::Parse(std::string_view text) {
  if (text.size() > kSchemaBytesMax) return Corrupt("Avro schema: {} bytes, allowed {}", text.size(), kSchemaBytesMax);
  if (NestsDeeperThan(text, kSchemaDepthMax)) return Corrupt("Avro schema: nested deeper than {}", kSchemaDepthMax);
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return Corrupt("Avro schema: not JSON");
  AvroSchema schema;
  FEEDMILL_ASSIGN(schema.root_, AvroSchemaParser(schema).ParseType(document));
  return schema;
}

}  // namespace feedmill::lake
