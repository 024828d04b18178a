#include <limits>
#include <utility>

#include "lake/schema_json_internal.h"

namespace feedmill::lake {

using nlohmann::json;

namespace {

constexpr int64_t kMillisMax = std::numeric_limits<int64_t>::max() / kMicrosPerMilli;

constexpr ColumnType kPrimitives[] = {ColumnType::kBoolean,     ColumnType::kInt,    ColumnType::kLong,
                                      ColumnType::kFloat,       ColumnType::kDouble, ColumnType::kDate,
                                      ColumnType::kTimestamptz, ColumnType::kString};

Result<int> ReadId(const json& node, const char* key) {
  FEEDMILL_ASSIGN(int64_t id, ReadInteger(node, key));
  if (id < 0 || id > std::numeric_limits<int>::max())
    return Corrupt("metadata: '{}' is {}, allowed is 0 to 2^31 - 1", key, id);
  return static_cast<int>(id);
}

json ColumnTypeToJson(const Column& column) {
  if (column.type != ColumnType::kListFloat) return std::string(ColumnTypeName(column.type));
  return {{"type", "list"}, {"element-id", column.element_id}, {"element", "float"}, {"element-required", false}};
}

Status ColumnTypeFromJson(const json& node, Column* column) {
  if (node.is_string()) {
    for (ColumnType type : kPrimitives) {
      if (ColumnTypeName(type) == node.get_ref<const std::string&>()) {
        column->type = type;
        return Ok();
      }
    }
  }
  if (node.is_object() && node.value("type", json()) == "list" && node.value("element", json()) == "float") {
    column->type = ColumnType::kListFloat;
    FEEDMILL_ASSIGN(column->element_id, ReadId(node, "element-id"));
    return Ok();
  }
  return InvalidArgument(
      "metadata: column '{}' has type {}; allowed are boolean, int, long, float, double, date, timestamptz, string and "
      "list of float",
      column->name, node.dump(-1, ' ', false, json::error_handler_t::replace));
}

Result<const json*> Field(const json& node, const char* key) {
  if (!node.is_object()) return Corrupt("metadata: an object with '{}' is wanted, found {}", key, node.type_name());
  auto found = node.find(key);
  if (found == node.end()) return Corrupt("metadata: '{}' is missing", key);
  return &*found;
}

}  // namespace

Result<int64_t> ReadInteger(const json& node, const char* key) {
  FEEDMILL_ASSIGN(const json* field, Field(node, key));
  if (!field->is_number_integer())
    return Corrupt("metadata: '{}' is {}, allowed is a whole number", key, field->type_name());
  return field->get<int64_t>();
}

Result<Micros> ReadMillis(const json& node, const char* key) {
  FEEDMILL_ASSIGN(int64_t millis, ReadInteger(node, key));
  if (millis < -kMillisMax || millis > kMillisMax) return Corrupt("metadata: '{}' is {}, out of range", key, millis);
  return millis * kMicrosPerMilli;
}

Result<std::string> ReadText(const json& node, const char* key) {
  FEEDMILL_ASSIGN(const json* field, Field(node, key));
  if (!field->is_string()) return Corrupt("metadata: '{}' is {}, allowed is a string", key, field->type_name());
  return field->get<std::string>();
}

Result<std::map<std::string, std::string>> ReadTextMap(const json& node, const char* key) {
  FEEDMILL_ASSIGN(const json* field, Field(node, key));
  if (!field->is_object()) return Corrupt("metadata: '{}' is {}, allowed is an object", key, field->type_name());
  std::map<std::string, std::string> map;
  for (const auto& [name, value] : field->items()) {
    if (!value.is_string())
      return Corrupt("metadata: '{}.{}' is {}, allowed is a string", key, name, value.type_name());
    map[name] = value.get<std::string>();
  }
  return map;
}

Result<const json*> ReadList(const json& node, const char* key) {
  FEEDMILL_ASSIGN(const json* field, Field(node, key));
  if (!field->is_array()) return Corrupt("metadata: '{}' is {}, allowed is a list", key, field->type_name());
  return field;
}

json SchemaToJson(const TableSchema& schema) {
  json fields = json::array();
  for (const Column& column : schema.columns) {
    json field = {
        {"id", column.id}, {"name", column.name}, {"required", column.required}, {"type", ColumnTypeToJson(column)}};
    if (!column.doc.empty()) field["doc"] = column.doc;
    fields.push_back(std::move(field));
  }
  return {{"type", "struct"}, {"schema-id", schema.id}, {"fields", std::move(fields)}};
}

Result<TableSchema> SchemaFromJson(const json& node) {
  TableSchema schema;
  FEEDMILL_ASSIGN(schema.id, ReadId(node, "schema-id"));
  FEEDMILL_ASSIGN(const json* fields, ReadList(node, "fields"));
  for (const json& field : *fields) {
    Column column;
    FEEDMILL_ASSIGN(column.id, ReadId(field, "id"));
    FEEDMILL_ASSIGN(column.name, ReadText(field, "name"));
    if (!field.contains("required") || !field["required"].is_boolean()) {
      return Corrupt("metadata: column '{}' does not say whether it is required", column.name);
    }
    column.required = field["required"].get<bool>();
    if (field.contains("doc")) {
      FEEDMILL_ASSIGN(column.doc, ReadText(field, "doc"));
    }
    FEEDMILL_ASSIGN(const json* type, Field(field, "type"));
    FEEDMILL_TRY(ColumnTypeFromJson(*type, &column));
    schema.columns.push_back(std::move(column));
  }
  return schema;
}

json SpecFieldsToJson(const TableSpec& spec) {
  json fields = json::array();
  for (const SpecField& field : spec.fields) {
    fields.push_back({{"source-id", field.source_id},
                      {"field-id", field.field_id},
                      {"name", field.name},
                      {"transform", field.transform}});
  }
  return fields;
}

Result<TableSpec> SpecFromJson(const json& node) {
  TableSpec spec;
  FEEDMILL_ASSIGN(spec.id, ReadId(node, "spec-id"));
  FEEDMILL_ASSIGN(const json* fields, ReadList(node, "fields"));
  for (const json& entry : *fields) {
    SpecField& field = spec.fields.emplace_back();
    FEEDMILL_ASSIGN(field.source_id, ReadId(entry, "source-id"));
    FEEDMILL_ASSIGN(field.field_id, ReadId(entry, "field-id"));
    FEEDMILL_ASSIGN(field.name, ReadText(entry, "name"));
    FEEDMILL_ASSIGN(field.transform, ReadText(entry, "transform"));
  }
  return spec;
}

}  // namespace feedmill::lake
