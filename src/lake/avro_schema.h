// Avro schemas (avro.apache.org/docs/1.12.0/specification) with Iceberg's field ids: what a file says its records look
// like.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::lake {

enum class AvroKind {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kBytes,
  kString,
  kFixed,
  kEnum,
  kRecord,
  kArray,
  kMap,
  kUnion
};

struct AvroType;

struct AvroField {
  std::string name;
  int field_id = -1;  // Iceberg's "field-id"; -1 when the schema has none
  const AvroType* type = nullptr;
};

struct AvroType {
  AvroKind kind = AvroKind::kNull;
  std::string logical_type;               // "" when there is none
  std::vector<AvroField> fields;          // of a record
  std::vector<const AvroType*> branches;  // of a union
  const AvroType* element = nullptr;      // items of an array, values of a map
  size_t fixed_size = 0;                  // of a fixed
};

// Owns its types; a recursive schema is a graph, so nothing walks types without the data that bounds it.
class AvroSchema {
 public:
  // kCorrupt when `json` is no Avro schema or is larger than any that Iceberg needs.
  static Result<AvroSchema> Parse(std::string_view json);
  const AvroType& root() const { return *root_; }

 private:
  friend class AvroSchemaParser;
  std::vector<std::unique_ptr<AvroType>> types_;
  const AvroType* root_ = nullptr;
};

}  // namespace feedmill::lake
