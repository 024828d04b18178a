#include "lake/metadata.h"

#include <algorithm>
#include <set>

#include "lake/transform.h"

namespace feedmill::lake {
namespace {

// Iceberg numbers partition fields from 1000.
constexpr int kFirstPartitionFieldId = 1000;

template <typename T, typename Id>
const T* FindById(const std::vector<T>& items, Id id) {
  auto found = std::ranges::find(items, id, &T::id);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const Schema& TableMetadata::CurrentSchema() const { return FindSchema(current_schema_id)->columns; }
const TableSpec& TableMetadata::DefaultSpec() const { return *FindSpec(default_spec_id); }
const TableSchema* TableMetadata::FindSchema(int id) const { return FindById(schemas, id); }
const TableSpec* TableMetadata::FindSpec(int id) const { return FindById(specs, id); }
const Snapshot* TableMetadata::FindSnapshot(int64_t id) const { return FindById(snapshots, id); }
const Snapshot* TableMetadata::CurrentSnapshot() const {
  return current_snapshot_id ? FindSnapshot(*current_snapshot_id) : nullptr;
}

void AssignColumnIds(Schema* columns, int* last_column_id) {
  for (Column& column : *columns) column.id = ++*last_column_id;
  for (Column& column : *columns) column.element_id = column.type == ColumnType::kListFloat ? ++*last_column_id : 0;
}

Status CheckSchema(const Schema& columns) {
  std::set<std::string_view> names;
  for (const Column& column : columns) {
    if (column.name.empty()) return InvalidArgument("a column without a name");
    if (!names.insert(column.name).second) return InvalidArgument("column '{}' is given twice", column.name);
  }
  return Ok();
}

const Column* FindColumn(const Schema& columns, std::string_view name) {
  auto found = std::ranges::find(columns, name, &Column::name);
  return found == columns.end() ? nullptr : &*found;
}

const Column* FindColumn(const Schema& columns, int id) { return FindById(columns, id); }

Result<TableSpec> BindSpec(const PartitionSpec& spec, const Schema& columns) {
  TableSpec bound;
  int field_id = kFirstPartitionFieldId;
  for (const PartitionField& field : spec) {
    const Column* column = FindColumn(columns, field.column);
    if (column == nullptr) return InvalidArgument("partition column '{}' is not a column of the table", field.column);
    FEEDMILL_TRY(CheckTransform(field.transform, *column));
    bound.fields.push_back(
        {column->id, field_id++, PartitionFieldName(field), std::string(TransformName(field.transform))});
  }
  return bound;
}

Result<PartitionSpec> UnbindSpec(const TableSpec& spec, const Schema& columns) {
  PartitionSpec names;
  for (const SpecField& field : spec.fields) {
    const Column* column = FindColumn(columns, field.source_id);
    auto transform = TransformFromName(field.transform);
    if (column == nullptr || !transform) {
      return InvalidArgument(
          "partition field '{}' uses {} of column id {}; allowed are identity, day and hour of a column", field.name,
          field.transform, field.source_id);
    }
    names.push_back({column->name, *transform});
  }
  return names;
}

std::vector<PartitionType> PartitionTypes(const TableSpec& spec, const Schema& columns) {
  std::vector<PartitionType> types;
  for (const SpecField& field : spec.fields) {
    PartitionType type{field.field_id, field.name, std::nullopt, field.source_id, {}, {}};
    const Column* column = FindColumn(columns, field.source_id);
    if (auto transform = TransformFromName(field.transform); column != nullptr && transform) {
      type.transform = transform;
      type.source_type = column->type;
      type.type = TransformResultType(*transform, column->type);
    }
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace feedmill::lake
