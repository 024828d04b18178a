// Partition transforms (specification, "Partition Transforms"): from a column's value to a partition's. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/schema.h"
#include "lake/table.h"

namespace feedmill::lake {

std::string_view TransformName(Transform transform);                // "identity", "day", "hour"
std::optional<Transform> TransformFromName(std::string_view name);  // nothing for those this code does not know

// Iceberg's usual name of the partition field: "event_time_day"; the column's own for identity.
std::string PartitionFieldName(const PartitionField& field);

// kInvalidArgument when a column of `type` cannot be partitioned so.
Status CheckTransform(Transform transform, const Column& column);

// Of a kDate (days), kTimestamptz (Micros) or integer value; rounds towards the past. CheckTransform must have passed.
int64_t ApplyTransform(Transform transform, ColumnType type, int64_t value);

// The type in which a partition's value is stored: date for days, int for hours, the column's own for identity.
ColumnType TransformResultType(Transform transform, ColumnType type);

}  // namespace feedmill::lake
