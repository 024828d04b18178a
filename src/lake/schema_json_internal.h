// JSON of schemas and partition specs, and readers of single fields that name what is wrong. For metadata_json.cc.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "lake/metadata.h"

namespace feedmill::lake {

Result<int64_t> ReadInteger(const nlohmann::json& node, const char* key);
Result<Micros> ReadMillis(const nlohmann::json& node, const char* key);
Result<std::string> ReadText(const nlohmann::json& node, const char* key);
Result<std::map<std::string, std::string>> ReadTextMap(const nlohmann::json& node, const char* key);
Result<const nlohmann::json*> ReadList(const nlohmann::json& node, const char* key);

nlohmann::json SchemaToJson(const TableSchema& schema);
Result<TableSchema> SchemaFromJson(const nlohmann::json& node);
nlohmann::json SpecFieldsToJson(const TableSpec& spec);
Result<TableSpec> SpecFromJson(const nlohmann::json& node);

}  // namespace feedmill::lake
