#include "lake/transform.h"

#include "base/clock.h"

namespace feedmill::lake {
namespace {

int64_t FloorDivide(int64_t value, int64_t by) {
  const int64_t quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

}  // namespace

std::string_view TransformName(Transform transform) {
  switch (transform) {
    case Transform::kIdentity:
      return "identity";
    case Transform::kDay:
      return "day";
    case Transform::kHour:
      return "hour";
  }
  return "unknown";
}

std::optional<Transform> TransformFromName(std::string_view name) {
  for (Transform transform : {Transform::kIdentity, Transform::kDay, Transform::kHour}) {
    if (TransformName(transform) == name) return transform;
  }
  return std::nullopt;
}

std::string PartitionFieldName(const PartitionField& field) {
  if (field.transform == Transform::kIdentity) return field.column;
  return fmt::format("{}_{}", field.column, TransformName(field.transform));
}

Status CheckTransform(Transform transform, const Column& column) {
  bool allowed = false;
  switch (transform) {
    case Transform::kHour:
      allowed = column.type == ColumnType::kTimestamptz;
      break;
    case Transform::kDay:
      allowed = column.type == ColumnType::kTimestamptz || column.type == ColumnType::kDate;
      break;
    case Transform::kIdentity:
      allowed = column.type != ColumnType::kFloat && column.type != ColumnType::kDouble &&
                column.type != ColumnType::kListFloat;
      break;
  }
  if (allowed) return Ok();
  return InvalidArgument(
      "column '{}' of type {} cannot be partitioned by {}; allowed are day (timestamptz, date), hour (timestamptz), "
      "identity "
      "(boolean, int, long, date, timestamptz, string)",
      column.name, ColumnTypeName(column.type), TransformName(transform));
}

int64_t ApplyTransform(Transform transform, ColumnType type, int64_t value) {
  if (transform == Transform::kIdentity || type == ColumnType::kDate) return value;
  return FloorDivide(value, transform == Transform::kDay ? kMicrosPerDay : kMicrosPerHour);
}

ColumnType TransformResultType(Transform transform, ColumnType type) {
  switch (transform) {
    case Transform::kDay:
      return ColumnType::kDate;
    case Transform::kHour:
      return ColumnType::kInt;
    case Transform::kIdentity:
      break;
  }
  return type;
}

}  // namespace feedmill::lake
