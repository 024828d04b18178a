#include <algorithm>
#include <iterator>

#include "features/feature_tables_internal.h"
#include "lake/ids.h"
#include "lake/orphans.h"
#include "query/sql_text.h"

namespace feedmill::features {
namespace {

Column Make(std::string name, ColumnType type, std::string doc) {
  Column column;
  column.name = std::move(name);
  column.type = type;
  column.doc = std::move(doc);
  return column;
}

void PutKey(query::ParquetWriter& writer, size_t column, EntityHandle key) {
  if (key == kNoEntity) return writer.AppendNull(column);
  writer.AppendLong(column, key);
}

// Those that are neither labels nor features.
Schema OwnSampleColumns(const domain::Domain& domain) {
  Schema columns = {
      Make("event_time", ColumnType::kTimestamptz, "when the item was shown"),
      Make("as_of", ColumnType::kTimestamptz, "first impression of the request that day; features are of that instant"),
      Make("user_key", ColumnType::kLong, ""),
      Make(domain.Shown().Key(), ColumnType::kLong, ""),
      Make("author_key", ColumnType::kLong, ""),
      Make("position", ColumnType::kLong, "place in the feed, 0 is the top")};
  for (const std::string& text : ImpressionTexts(domain)) columns.push_back(Make(text, ColumnType::kString, ""));
  return columns;
}

}  // namespace

Result<TableWriter> TableWriter::Open(query::Session& session, const ReplayArguments& arguments,
                                      const std::string& table, const Schema& columns,
                                      const lake::PartitionSpec& partition, const std::string& file_stem) {
  lake::Catalog& catalog = *arguments.catalog;
  auto described = catalog.Load(table);
  if (!described && described.error().kind() == ErrorKind::kNotFound)
    described = catalog.Create(table, columns, partition);
  if (!described) return std::unexpected(described.error());
  const auto find = [&](const std::string& name) { return std::ranges::find(described->schema, name, &Column::name); };
  Schema missing;
  for (const Column& column : columns) {
    if (find(column.name) == described->schema.end()) missing.push_back(column);
  }
  if (!missing.empty()) {
    described = catalog.AddColumns(table, missing);
    if (!described) return std::unexpected(described.error());
  }
  TableWriter writer;
  writer.catalog_ = &catalog;
  writer.table_ = table;
  for (const Column& column : columns) {
    const auto found = find(column.name);
    if (found == described->schema.end() || found->type != column.type) {
      return InvalidArgument("table {}: column {} is {}; this program writes {}", table, column.name,
                             found == described->schema.end() ? "missing" : ColumnTypeName(found->type),
                             ColumnTypeName(column.type));
    }
    writer.places_.push_back(static_cast<size_t>(found - described->schema.begin()));
  }
  for (size_t i = 0; i < described->schema.size(); ++i) {
    if (std::ranges::find(writer.places_, i) == writer.places_.end()) writer.absent_.push_back(i);
  }
  writer.session_ = &session;
  writer.file_stem_ = file_stem;
  if (!arguments.run_id.empty()) {
    writer.file_stem_ += "-" + lake::RunMark(arguments.run_id);
    FEEDMILL_TRY(lake::RemoveLeftovers(*arguments.files, catalog, table, arguments.run_id));
  }
  FEEDMILL_TRY(writer.OpenFiles());
  return writer;
}

Status TableWriter::OpenFiles() {
  // A run over days that were made before must not write over the files that readers of the former snapshot read.
  const std::string unique = fmt::format("{}-{}", file_stem_, lake::IdSource(std::nullopt).Uuid());
  FEEDMILL_ASSIGN(writer_, session_->OpenWriter(*catalog_, table_, unique));
  return Ok();
}

Status TableWriter::EndRow() {
  for (const size_t column : absent_) writer_->AppendNull(column);
  ++rows_;
  return writer_->EndRow();
}

Status TableWriter::EndFiles() {
  FEEDMILL_ASSIGN(auto written, writer_->Finish());
  std::ranges::move(written, std::back_inserter(files_));
  return OpenFiles();
}

Status TableWriter::Commit(const std::vector<std::vector<std::optional<int64_t>>>& days) {
  lake::CommitRequest request;
  request.operation = lake::CommitRequest::Operation::kReplacePartitions;
  request.replaced_partitions = days;
  FEEDMILL_TRY(EndFiles());
  request.files = std::move(files_);
  FEEDMILL_TRY(catalog_->Commit(table_, request));
  return Ok();
}

Status CheckLabels(const domain::Domain& domain) {
  const Schema own = OwnSampleColumns(domain);
  for (const domain::Action* action : domain.Labelled()) {
    if (std::ranges::find(own, action->name, &Column::name) == own.end()) continue;
    return InvalidArgument(
        "domain.toml: action.{}.label: found a label, allowed for actions of another name: ads_sample_ctr has a column "
        "of its own called {}",
        action->name, action->name);
  }
  return Ok();
}

Schema SampleColumns(const FeatureSet& set) {
  Schema columns = OwnSampleColumns(*set.domain);
  for (const domain::Action* action : set.domain->Labelled())
    columns.push_back(Make(action->name, ColumnType::kInt, "1 when it happened within 24 hours"));
  for (const FeatureDefinition& feature : set.features) {
    columns.push_back(
        Make(std::string(kFeatureColumnPrefix) + feature.name, ColumnType::kFloat, "null where the value is missing"));
  }
  return columns;
}

Status WriteSample(const ImpressionSlice& slice, const Impression& impression, std::span<const float> features,
                   TableWriter* table) {
  query::ParquetWriter& writer = table->writer();
  size_t column = 0;
  const auto next = [&] { return table->place(column++); };
  writer.AppendLong(next(), impression.event_time);
  writer.AppendLong(next(), impression.as_of);
  for (const EntityHandle key : {impression.user, impression.post, impression.author}) PutKey(writer, next(), key);
  if (const size_t place = next(); impression.position < 0) {
    writer.AppendNull(place);
  } else {
    writer.AppendLong(place, impression.position);
  }
  for (const SliceText& text : slice.TextsOf(impression)) {
    const size_t place = next();
    if (text.size == SliceText::kNull) {
      writer.AppendNull(place);
    } else {
      writer.AppendText(place, slice.Text(text));
    }
  }
  for (const int32_t label : slice.LabelsOf(impression)) writer.AppendInt(next(), label);
  for (const float value : features) {
    const size_t place = next();
    if (value != value) {
      writer.AppendNull(place);
    } else {
      writer.AppendFloat(place, value);
    }
  }
  return table->EndRow();
}

std::string DumpTable(const domain::Domain& domain, CounterKey key) {
  return fmt::format("ads.ads_{}_features", CounterKeyName(domain, key));
}

Schema DumpColumns(const FeatureSet& set, CounterKey key) {
  const std::string noun = CounterKeyName(*set.domain, key);
  Schema columns = {Make(noun + "_key", ColumnType::kLong, ""), Make(noun + "_id", ColumnType::kString, ""),
                    Make("as_of", ColumnType::kTimestamptz, "actions strictly earlier are counted"),
                    Make("last_action_time", ColumnType::kTimestamptz, "newest counted action")};
  for (const CounterDefinition& counter : set.counters) {
    if (counter.key == key)
      columns.push_back(
          Make(std::string(kCounterColumnPrefix) + CounterName(set, counter), ColumnType::kDouble, "decayed count"));
  }
  return columns;
}

Status WriteDump(query::Session& session, const ReplayArguments& arguments, CounterKey key, UserPart part,
                 const ReplayState& state, TableWriter* table) {
  // Authors are users.
  const domain::ItemKind& shown = arguments.set->domain->Shown();
  const bool of_items = key == CounterKey::kPost;
  const std::string dimension = of_items ? "dim_" + shown.name : "dim_user";
  FEEDMILL_TRY(session.RegisterTable(*arguments.catalog, "dim." + dimension, {}));
  const auto& counters = arguments.set->counters;
  std::vector<double> values(static_cast<size_t>(std::ranges::count(counters, key, &CounterDefinition::key)));
  const std::string sql = fmt::format("SELECT {0}, {1} FROM {2} ORDER BY {0} ASC NULLS LAST",
                                      query::QuoteName(of_items ? shown.Key() : "user_key"),
                                      query::QuoteName(of_items ? shown.id : "user_id"), dimension);
  return session.Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      const auto handle = static_cast<EntityHandle>(chunk.Longs(0)[row]);
      if (key == CounterKey::kUser && !part.Has(handle)) continue;
      if (!state.counters.Row(key, handle, kNoEntity, state.cut, values)) continue;
      query::ParquetWriter& writer = table->writer();
      writer.AppendLong(table->place(0), handle);
      writer.AppendText(table->place(1), chunk.Text(1, row));
      writer.AppendLong(table->place(2), state.cut);
      writer.AppendLong(table->place(3), state.counters.LastTime(key, handle, kNoEntity, state.cut));
      for (size_t i = 0; i < values.size(); ++i) writer.AppendDouble(table->place(4 + i), values[i]);
      FEEDMILL_TRY(table->EndRow());
    }
    return Ok();
  });
}

}  // namespace feedmill::features
