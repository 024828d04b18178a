#include "warehouse/batch_run.h"

#include <algorithm>

#include "base/time_text.h"
#include "lake/orphans.h"
#include "lake/transform.h"
#include "warehouse/model_columns.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

// A history of small days is made a month at a time: a run of the SELECT costs more than so few rows.
constexpr int64_t kSmallRows = 500'000;
constexpr int kSmallIntervals = 31;

std::vector<int64_t> DaysOf(const Batch& batch) {
  std::vector<int64_t> days;
  for (const PendingInterval& interval : batch.intervals) {
    for (Micros day = interval.start; day < interval.end; day += kMicrosPerDay) days.push_back(DayOf(day));
  }
  return days;
}

std::string BatchName(const Batch& batch) {
  if (batch.start == 0) return "as of " + FormatTime(batch.end);
  return FormatTime(batch.start).substr(0, 10) + " .. " + FormatTime(batch.end - 1).substr(0, 10);
}

void RemoveFiles(io::FileSystem& files, const std::vector<lake::DataFile>& staged) {
  // What cannot be removed is found by the lake's search for orphans; the error that led here matters more.
  for (const lake::DataFile& file : staged) (void)files.Remove(file.path);
}

// As a model's header says it.
std::string PartitionText(const lake::PartitionSpec& spec) {
  std::string text;
  for (const lake::PartitionField& field : spec)
    text += fmt::format("{}{}({})", text.empty() ? "" : ", ", lake::TransformName(field.transform), field.column);
  return text.empty() ? "none" : text;
}

// Rows by day of files that are partitioned by day.
std::map<int64_t, int64_t> RowsByDay(const std::vector<lake::DataFile>& files) {
  std::map<int64_t, int64_t> rows;
  for (const lake::DataFile& file : files) {
    if (file.partition.size() == 1 && file.partition[0]) rows[*file.partition[0]] += file.record_count;
  }
  return rows;
}

void KeepCheck(const CheckResult& check, std::vector<CheckResult>* kept) {
  auto known = std::ranges::find_if(*kept, [&](const CheckResult& other) { return other.line == check.line; });
  if (known == kept->end()) {
    kept->push_back(check);
  } else if (known->passed) {
    *known = check;
  }
}

}  // namespace

std::vector<Batch> MakeBatches(const Model& model, const std::vector<PendingInterval>& intervals) {
  const int small = model.batch > 1 ? std::max(model.batch, kSmallIntervals) : 1;
  std::vector<Batch> batches;
  int64_t rows = 0;  // of the last one
  for (const PendingInterval& interval : intervals) {
    const int64_t more = interval.input_rows > 0 ? interval.input_rows : kSmallRows;  // 0: not known
    rows += more;
    const bool joins = !batches.empty() && batches.back().end == interval.start &&
                       static_cast<int>(batches.back().intervals.size()) < (rows <= kSmallRows ? small : model.batch);
    if (!joins) {
      batches.push_back({interval.start, interval.start, {}});
      rows = more;
    }
    batches.back().end = interval.end;
    batches.back().intervals.push_back(interval);
  }
  return batches;
}

Error BatchRun::InFile(const Error& error) const {
  return Error(error.kind(), fmt::format("{}: {}", model_.file, error.message()));
}

Status BatchRun::RegisterInputs(query::Session& session, InputFiles& inputs, const Batch& batch) {
  for (const InputWindow& input : model_.reads) {
    FEEDMILL_ASSIGN(const TableState* table, inputs.Load(input.table));
    if (input.self) {
      FEEDMILL_TRY(RegisterSelf(session, *table));
      continue;
    }
    if (!table->exists)
      return NotFound("{}:{}: table {} does not exist yet; what makes it must run first", model_.file, input.line,
                      TableName(input.table));
    FEEDMILL_ASSIGN(const TimeRange window, inputs.WindowOf(model_, input, batch.start, batch.end));
    auto filters = inputs.Filters(input, window);
    if (!filters)
      return std::unexpected(
          Error(filters.error().kind(), fmt::format("{}:{}: {}", model_.file, input.line, filters.error().message())));
    FEEDMILL_TRY(session.RegisterTable(context_.catalog, TableName(input.table), *filters, table->snapshot_id));
  }
  return Ok();
}

Result<Variables> BatchRun::VariablesOf(InputFiles& inputs, const Batch& batch, int part) const {
  Variables variables = IntervalVariables(batch.start, batch.end, part, parts_);
  auto last = std::ranges::find_if(model_.reads, [](const InputWindow& input) { return input.last_days > 0; });
  if (last == model_.reads.end()) return variables;
  FEEDMILL_ASSIGN(const InputFiles::LastDays days, inputs.LastDaysOf(*last, batch.end));
  AddLastDays(days.since, days.newest, &variables);
  return variables;
}

Status BatchRun::RegisterSelf(query::Session& session, const TableState& table) {
  if (table.exists) return session.RegisterFiles(model_.name, {table.schema, table.files, {}, 0});
  return session.RegisterFiles(model_.name, {model_.columns, {}, {}, 0});
}

// The table is made from the SELECT's columns, and gets the columns that the SELECT has and it has not.
Status BatchRun::EnsureTable(query::Session& session, const std::string& sql) {
  FEEDMILL_ASSIGN(const Schema described, DescribeModel(session, model_, sql));
  std::string name = TableName(model_.name);
  auto table = context_.catalog.Load(name);
  if (!table && table.error().kind() == ErrorKind::kNotFound)
    table = context_.catalog.Create(name, described, model_.partition);
  if (!table) return std::unexpected(InFile(table.error()));
  const std::string wanted = PartitionText(model_.partition), there = PartitionText(table->partition_spec);
  if (wanted != there) {
    return InvalidArgument(
        "{}: the header says 'partition: {}', table {} has 'partition: {}'; give the model another name, or make all "
        "tables anew with `feedmill rebuild`",
        model_.file, wanted, name, there);
  }
  Schema missing;
  for (const Column& column : described) {
    auto known = std::ranges::find(table->schema, column.name, &Column::name);
    if (known == table->schema.end()) {
      missing.push_back(column);
    } else if (known->type != column.type) {
      return InvalidArgument("{}", OtherType(model_, column, known->type));
    }
  }
  if (!missing.empty()) table = context_.catalog.AddColumns(name, missing);
  if (!table) return std::unexpected(InFile(table.error()));
  table_ = std::move(*table);
  return Ok();
}

Status BatchRun::CheckPartitions(const Batch& batch, const std::vector<lake::DataFile>& files) const {
  if (model_.materialization != Materialization::kIncremental) return Ok();
  std::vector<int64_t> days = DaysOf(batch);
  for (const lake::DataFile& file : files) {
    auto day = file.partition.at(0);
    if (day && std::ranges::find(days, *day) != days.end()) continue;
    return InvalidArgument("{}:{}: {} rows are outside the interval {} ({}); filter by @start and @end", model_.file,
                           model_.sql_line, file.record_count, BatchName(batch),
                           day ? "day " + FormatDay(static_cast<Day>(*day)) : std::string("no day"));
  }
  return Ok();
}

// Every day of the batch counts, also one without rows, but for one that has not ended yet.
Result<DayVolumes> BatchRun::Volumes(InputFiles& inputs, const Batch& batch,
                                     const std::vector<lake::DataFile>& files) const {
  DayVolumes volumes;
  if (model_.materialization != Materialization::kIncremental) return volumes;
  volumes.checked = RowsByDay(files);
  for (int64_t day : DaysOf(batch)) volumes.checked.try_emplace(day, 0);
  volumes.checked.erase(volumes.checked.lower_bound(DayOf(context_.clock.Now())), volumes.checked.end());
  FEEDMILL_ASSIGN(const TableState* table, inputs.Load(model_.name));
  volumes.published = RowsByDay(table->files);
  return volumes;
}

Status BatchRun::Audit(query::Session& session, InputFiles& inputs, const Batch& batch,
                       const std::vector<lake::DataFile>& files, ModelJobResult* result) {
  auto checks = project_.checks.find(model_.name);
  if (checks == project_.checks.end()) return Ok();
  lake::ScanPlan staged{table_.schema, files, {}, 0};
  if (model_.materialization == Materialization::kAppend) {
    FEEDMILL_ASSIGN(const TableState* table, inputs.Load(model_.name));
    staged.files.insert(staged.files.end(), table->files.begin(), table->files.end());
  }
  FEEDMILL_TRY(session.RegisterFiles("primary", staged));
  FEEDMILL_TRY(session.RegisterFiles(model_.name, staged));
  auto extra = project_.check_inputs.find(model_.name);
  for (const std::string& table : extra == project_.check_inputs.end() ? std::vector<std::string>{} : extra->second) {
    FEEDMILL_ASSIGN(const TableState* state, inputs.Load(table));
    FEEDMILL_TRY(session.RegisterTable(context_.catalog, TableName(table), {}, state->snapshot_id));
  }
  FEEDMILL_ASSIGN(const DayVolumes volumes, Volumes(inputs, batch, files));
  FEEDMILL_ASSIGN(auto found, RunChecks(session, checks->second.file, checks->second.rules,
                                        IntervalVariables(batch.start, batch.end), volumes));
  std::string failed;
  for (const CheckResult& check : found) {
    KeepCheck(check, &result->checks);
    if (check.passed || !check.blocking) continue;
    failed += fmt::format("{}{}:{}: rule '{}' found {}{}{}", failed.empty() ? "" : "\n", checks->second.file,
                          check.line, check.rule, check.found, check.note.empty() ? "" : ": ", check.note);
  }
  result->refused = !failed.empty();
  if (result->refused) return InvalidArgument("{} ({}); nothing of it was published", failed, BatchName(batch));
  return Ok();
}

Result<lake::Snapshot> BatchRun::Publish(InputFiles& inputs, const Batch& batch,
                                         const std::vector<lake::DataFile>& files) {
  lake::CommitRequest request;
  request.files = files;
  request.summary = {{"feedmill.model", model_.name}, {"feedmill.batch", BatchName(batch)}, {"feedmill.run", run_id_}};
  if (model_.materialization == Materialization::kAppend) {
    // What was left out as known stands in the snapshot that was read, and nowhere else.
    FEEDMILL_ASSIGN(const TableState* self, inputs.Load(model_.name));
    request.read_snapshot_id = self->snapshot_id.value_or(0);
  } else {
    request.operation = lake::CommitRequest::Operation::kReplacePartitions;
    request.read_snapshot_id = table_.current_snapshot_id.value_or(0);
  }
  if (model_.materialization == Materialization::kIncremental) {
    for (int64_t day : DaysOf(batch)) request.replaced_partitions.push_back({day});
  }
  if (model_.materialization == Materialization::kFull && !model_.partition.empty() && table_.current_snapshot_id) {
    FEEDMILL_ASSIGN(lake::ScanPlan plan, context_.catalog.PlanScan(table_.name, {}, table_.current_snapshot_id));
    for (const lake::DataFile& file : plan.files) request.replaced_partitions.push_back(file.partition);
  }
  return context_.catalog.Commit(table_.name, request);
}

Result<std::vector<std::string>> BatchRun::SqlOfParts(InputFiles& inputs, const Batch& batch) const {
  std::vector<std::string> parts;
  for (int part = 0; part < parts_; ++part) {
    FEEDMILL_ASSIGN(const Variables variables, VariablesOf(inputs, batch, part));
    FEEDMILL_ASSIGN(std::string sql, ReplaceVariables(model_.file, model_.sql, variables));
    if (part > 0 && sql == parts.front()) break;
    parts.push_back(std::move(sql));
  }
  return parts;
}

Result<std::vector<lake::DataFile>> BatchRun::Write(query::Session& session, const Batch& batch,
                                                    const std::vector<std::string>& parts) {
  const std::string stem =
      fmt::format("{}-{}-{}", model_.name, FormatTime(batch.end).substr(0, 10), lake::RunMark(run_id_));
  std::vector<lake::DataFile> written;
  for (size_t part = 0; part < parts.size(); ++part) {
    const std::string name = parts.size() == 1 ? stem : fmt::format("{}-{:02}", stem, part);
    auto files = session.WriteQuery(context_.catalog, table_.name, parts[part], name);
    if (!files) {
      RemoveFiles(context_.files, written);
      return std::unexpected(InFile(files.error()));
    }
    std::ranges::move(*files, std::back_inserter(written));
  }
  return written;
}

Status BatchRun::Run(query::Session& session, InputFiles& inputs, const Batch& batch, ModelJobResult* result) {
  Micros began = MonotonicMicros();
  FEEDMILL_TRY(RegisterInputs(session, inputs, batch));
  FEEDMILL_ASSIGN(const std::vector<std::string> parts, SqlOfParts(inputs, batch));
  FEEDMILL_TRY(EnsureTable(session, parts.front()));
  auto files = Write(session, batch, parts);
  if (!files) return std::unexpected(files.error());
  result->select_time += MonotonicMicros() - began;
  began = MonotonicMicros();
  Status fit = CheckPartitions(batch, *files);
  if (fit) fit = Audit(session, inputs, batch, *files, result);
  result->audit_time += MonotonicMicros() - began;
  if (!fit) {
    RemoveFiles(context_.files, *files);
    return fit;
  }
  int64_t snapshot_id = table_.current_snapshot_id.value_or(0);
  if (!files->empty() || table_.current_snapshot_id) {
    FEEDMILL_ASSIGN(lake::Snapshot snapshot, Publish(inputs, batch, *files));
    snapshot_id = snapshot.id;
  }
  result->snapshot_id = snapshot_id;
  for (const lake::DataFile& file : *files) {
    result->rows += file.record_count;
    result->bytes += file.size_bytes;
  }
  return Ok();
}

}  // namespace feedmill::warehouse
