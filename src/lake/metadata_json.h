// JSON of metadata files (specification, appendix C).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "lake/metadata.h"

namespace feedmill::lake {

std::string WriteMetadataJson(const TableMetadata& metadata);
// kCorrupt when it is not JSON or not a table's metadata; kInvalidArgument when it is one that this code cannot read,
// such as another format version or a column type that feedmill::ColumnType does not have. What was accepted is
// consistent: the current schema, spec and snapshot exist.
Result<TableMetadata> ReadMetadataJson(std::string_view json);

// Parts that manifests carry in their header.
std::string WriteSchemaJson(const TableSchema& schema);
std::string WriteSpecFieldsJson(const TableSpec& spec);

}  // namespace feedmill::lake
