#include "lake/run_tables.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lake/pointer_rows_internal.h"
#include "lake/staged_pointers_internal.h"

namespace feedmill::lake {
namespace {

using meta::Row;
using meta::Transaction;
using meta::Value;

Result<std::vector<Row>> Rows(meta::Store& store, std::string_view sql, std::vector<Value> values) {
  std::vector<Row> rows;
  FEEDMILL_TRY(store.Read([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(rows, transaction.Query(sql, values));
    return Ok();
  }));
  return rows;
}

// Rows of staged tables in the three tables that know tables by name.
Status ForgetStaged(Transaction& transaction, const std::string& run_id) {
  const std::string prefix = StagedName(run_id, "");
  for (const char* sql : {"DELETE FROM lake_table WHERE substr(name, 1, length(?1)) = ?1",
                          "DELETE FROM lake_offset WHERE substr(table_name, 1, length(?1)) = ?1",
                          "DELETE FROM lake_batch WHERE substr(table_name, 1, length(?1)) = ?1"}) {
    FEEDMILL_TRY(Run(transaction, sql, {prefix}));
  }
  return Ok();
}

Status TakePlace(Transaction& transaction, const std::string& staged, const std::string& table) {
  for (const char* sql : {"DELETE FROM lake_table WHERE name = ?1", "DELETE FROM lake_offset WHERE table_name = ?1",
                          "DELETE FROM lake_batch WHERE table_name = ?1"}) {
    FEEDMILL_TRY(Run(transaction, sql, {table}));
  }
  for (const char* sql : {"UPDATE lake_table SET name = ?2 WHERE name = ?1",
                          "UPDATE lake_offset SET table_name = ?2 WHERE table_name = ?1",
                          "UPDATE lake_batch SET table_name = ?2 WHERE table_name = ?1"}) {
    FEEDMILL_TRY(Run(transaction, sql, {staged, table}));
  }
  return Ok();
}

struct Pin {
  int64_t snapshot_id = 0;
  bool staged = false;
};

class RunCatalog final : public Catalog {
 public:
  RunCatalog(Catalog& inner, meta::Store& store, std::string run_id)
      : inner_(inner), store_(store), run_id_(std::move(run_id)) {}

  Result<std::vector<std::string>> ListTables() override { return inner_.ListTables(); }

  Result<TableDescription> Load(const std::string& table) override {
    FEEDMILL_ASSIGN(const Pin pin, PinOf(table));
    FEEDMILL_ASSIGN(TableDescription description, inner_.Load(table));
    if (pin.staged) return description;
    description.current_snapshot_id = pin.snapshot_id == 0 ? std::nullopt : std::optional(pin.snapshot_id);
    return description;
  }

  Result<TableDescription> Create(const std::string& table, const Schema& schema,
                                  const PartitionSpec& partition_spec) override {
    return inner_.Create(table, schema, partition_spec);
  }
  Status Drop(const std::string& table, bool purge) override { return inner_.Drop(table, purge); }

  Result<TableDescription> AddColumns(const std::string& table, const Schema& columns) override {
    FEEDMILL_TRY(inner_.AddColumns(table, columns));
    return Load(table);
  }

  Result<Snapshot> Commit(const std::string& table, const CommitRequest& request) override {
    FEEDMILL_ASSIGN(const Pin pin, PinOf(table));
    if (pin.staged) return inner_.Commit(table, request);
    CommitRequest fenced = request;
    fenced.summary[kRunSummary] = run_id_;
    if (!fenced.read_snapshot_id) fenced.read_snapshot_id = pin.snapshot_id;
    return inner_.Commit(table, fenced);
  }

  Result<ScanPlan> PlanScan(const std::string& table, const std::vector<RangeFilter>& filters,
                            std::optional<int64_t> snapshot_id) override {
    if (!snapshot_id) {
      FEEDMILL_ASSIGN(const Pin pin, PinOf(table));
      if (!pin.staged) snapshot_id = pin.snapshot_id;
    }
    return inner_.PlanScan(table, filters, snapshot_id);
  }

  Result<std::map<uint32_t, uint64_t>> LandedOffsets(const std::string& table, const std::string& stream) override {
    return inner_.LandedOffsets(table, stream);
  }
  Result<int64_t> AcquireWriterEpoch(const std::string& stream) override { return inner_.AcquireWriterEpoch(stream); }
  Result<int64_t> CurrentWriterEpoch(const std::string& stream) override { return inner_.CurrentWriterEpoch(stream); }
  Status ExpireSnapshots(const std::string& table, Micros older_than, int keep_min) override {
    return inner_.ExpireSnapshots(table, older_than, keep_min);
  }
  Result<std::string> DataFolder(const std::string& table) override { return inner_.DataFolder(table); }
  Result<int> AdoptTables() override { return inner_.AdoptTables(); }
  Result<Inventory> TakeInventory(const std::string& table) override { return inner_.TakeInventory(table); }

 private:
  // Asked each time: other steps of the run publish meanwhile. A table that came later is empty to the run.
  Result<Pin> PinOf(const std::string& table) {
    FEEDMILL_ASSIGN(const auto rows,
                    Rows(store_, "SELECT snapshot_id, staged FROM lake_run_table WHERE run_id = ?1 AND table_name = ?2",
                         {run_id_, table}));
    return rows.empty() ? Pin{} : Pin{Integer(rows[0][0]), Integer(rows[0][1]) != 0};
  }

  Catalog& inner_;
  meta::Store& store_;
  const std::string run_id_;
};

Status CheckPins(Catalog& catalog, const std::string& run_id, const std::map<std::string, int64_t>& pins) {
  for (const auto& [table, snapshot_id] : pins) {
    if (snapshot_id == 0) continue;
    auto described = catalog.Load(table);
    if (!described) return std::unexpected(described.error().WithContext("run " + run_id));
    if (std::ranges::find(described->snapshots, snapshot_id, &Snapshot::id) != described->snapshots.end()) continue;
    return NotFound("run {} read table '{}' at snapshot {}, which is gone; begin a new run", run_id, table,
                    snapshot_id);
  }
  return Ok();
}

}  // namespace

Status StageRun(meta::Store& store, const std::string& run_id, const std::vector<std::string>& tables) {
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_TRY(ForgetStaged(transaction, run_id));
    for (const std::string& table : tables) {
      FEEDMILL_TRY(Run(transaction, "INSERT OR REPLACE INTO lake_run_table VALUES (?1, ?2, 0, 1)", {run_id, table}));
    }
    return Ok();
  });
}

Status PinRun(meta::Store& store, Catalog& catalog, const std::string& run_id) {
  FEEDMILL_ASSIGN(const bool pinned, IsPinned(store, run_id));
  if (pinned) {
    FEEDMILL_ASSIGN(const auto pins, PinsOf(store, run_id));
    return CheckPins(catalog, run_id, pins);
  }
  FEEDMILL_ASSIGN(const auto staged, StagedTables(store, run_id));
  FEEDMILL_ASSIGN(const auto tables, catalog.ListTables());
  std::map<std::string, int64_t> pins;
  for (const std::string& table : tables) {
    if (std::ranges::find(staged, table) != staged.end()) continue;
    FEEDMILL_ASSIGN(const TableDescription description, catalog.Load(table));
    pins[table] = description.current_snapshot_id.value_or(0);
  }
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_TRY(Run(transaction, "INSERT OR REPLACE INTO lake_run VALUES (?1, unixepoch())", {run_id}));
    for (const auto& [table, snapshot_id] : pins) {
      FEEDMILL_TRY(Run(transaction, "INSERT OR REPLACE INTO lake_run_table VALUES (?1, ?2, ?3, 0)",
                       {run_id, table, snapshot_id}));
    }
    return Ok();
  });
}

Result<bool> IsPinned(meta::Store& store, const std::string& run_id) {
  FEEDMILL_ASSIGN(const auto rows, Rows(store, "SELECT 1 FROM lake_run WHERE run_id = ?1", {run_id}));
  return !rows.empty();
}

Result<std::map<std::string, int64_t>> PinsOf(meta::Store& store, const std::string& run_id) {
  FEEDMILL_ASSIGN(
      const auto rows,
      Rows(store, "SELECT table_name, snapshot_id FROM lake_run_table WHERE run_id = ?1 AND staged = 0", {run_id}));
  std::map<std::string, int64_t> pins;
  for (const Row& row : rows) pins[Text(row[0])] = Integer(row[1]);
  return pins;
}

Result<std::vector<std::string>> StagedTables(meta::Store& store, const std::string& run_id) {
  FEEDMILL_ASSIGN(
      const auto rows,
      Rows(store, "SELECT table_name FROM lake_run_table WHERE run_id = ?1 AND staged = 1 ORDER BY table_name",
           {run_id}));
  std::vector<std::string> tables;
  for (const Row& row : rows) tables.push_back(Text(row[0]));
  return tables;
}

std::unique_ptr<Catalog> MakeRunCatalog(Catalog& inner, meta::Store& store, const std::string& run_id) {
  return std::make_unique<RunCatalog>(inner, store, run_id);
}

Status PublishStaged(meta::Store& store, const std::string& run_id,
                     const std::function<Status(meta::Transaction&)>& also) {
  FEEDMILL_ASSIGN(const auto tables, StagedTables(store, run_id));
  return store.Write([&](Transaction& transaction) -> Status {
    for (const std::string& table : tables) FEEDMILL_TRY(TakePlace(transaction, StagedName(run_id, table), table));
    FEEDMILL_TRY(Run(transaction, "DELETE FROM lake_run_table WHERE run_id = ?1", {run_id}));
    FEEDMILL_TRY(Run(transaction, "DELETE FROM lake_run WHERE run_id = ?1", {run_id}));
    return also(transaction);
  });
}

Status ForgetRun(meta::Store& store, const std::string& run_id) {
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_TRY(ForgetStaged(transaction, run_id));
    FEEDMILL_TRY(Run(transaction, "DELETE FROM lake_run_table WHERE run_id = ?1", {run_id}));
    return Run(transaction, "DELETE FROM lake_run WHERE run_id = ?1", {run_id});
  });
}

Result<std::vector<std::string>> RunsWithTables(meta::Store& store) {
  FEEDMILL_ASSIGN(const auto rows,
                  Rows(store, "SELECT run_id FROM lake_run UNION SELECT run_id FROM lake_run_table ORDER BY 1", {}));
  std::vector<std::string> runs;
  for (const Row& row : rows) runs.push_back(Text(row[0]));
  return runs;
}

}  // namespace feedmill::lake
