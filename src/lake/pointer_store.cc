#include "lake/pointer_store.h"

#include <utility>

#include "lake/catalog.h"
#include "lake/pointer_rows_internal.h"
#include "lake/recover.h"
#include "meta/store_file.h"

namespace feedmill::lake {
namespace {

// How long a batch is recognised by its name. After that its offsets still refuse it.
constexpr int64_t kBatchMemorySeconds = 30 * 24 * 3600;

constexpr char kCreateTables[] = R"sql(
CREATE TABLE lake_table (
  name TEXT PRIMARY KEY,
  metadata_location TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE lake_offset (
  table_name TEXT NOT NULL,
  stream TEXT NOT NULL,
  log_partition INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  PRIMARY KEY (table_name, stream, log_partition)
) WITHOUT ROWID;
CREATE TABLE lake_writer (
  stream TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE lake_batch (
  table_name TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  snapshot_id INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('prepared', 'committed')),
  files TEXT,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (table_name, batch_id)
) WITHOUT ROWID;
CREATE INDEX lake_batch_age ON lake_batch (changed_at);
)sql";

constexpr char kCreateRunTables[] = R"sql(
CREATE TABLE lake_run (
  run_id TEXT PRIMARY KEY,
  began_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE lake_run_table (
  run_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  snapshot_id INTEGER NOT NULL,
  staged INTEGER NOT NULL,
  PRIMARY KEY (run_id, table_name)
) WITHOUT ROWID;
)sql";

// Pointers were absolute: <somewhere>/<namespace>/<name>/metadata/<file>. The file's name is what follows the last
// slash, the table's what follows a run's id; `files` named files by absolute paths and was never read.
constexpr char kRelativePointers[] = R"sql(
UPDATE lake_table SET metadata_location = replace(substr(name, instr(name, '/') + 1), '.', '/') || '/metadata/' ||
  replace(metadata_location, rtrim(metadata_location, replace(metadata_location, '/', '')), '');
UPDATE lake_batch SET files = NULL;
)sql";

using meta::Row;
using meta::Transaction;
using meta::Value;

Result<Offsets> ReadOffsets(Transaction& transaction, const std::string& table, const std::string& stream) {
  const Value key[] = {table, stream};
  FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT log_partition, next_offset FROM lake_offset "
                                               "WHERE table_name = ?1 AND stream = ?2",
                                               key));
  Offsets offsets;
  for (const Row& row : rows) offsets[static_cast<uint32_t>(Integer(row[0]))] = static_cast<uint64_t>(Integer(row[1]));
  return offsets;
}

Result<int64_t> ReadEpoch(Transaction& transaction, const std::string& stream) {
  const Value key[] = {stream};
  FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT epoch FROM lake_writer WHERE stream = ?1", key));
  return rows.empty() ? 0 : Integer(rows[0][0]);
}

Status WriteLanding(Transaction& transaction, const PointerChange& change) {
  const LandingMark& landing = *change.landing;
  for (auto [partition, next] : landing.next) {
    FEEDMILL_TRY(Run(transaction, "INSERT OR REPLACE INTO lake_offset VALUES (?1, ?2, ?3, ?4)",
                     {change.table, landing.stream, int64_t{partition}, static_cast<int64_t>(next)}));
  }
  FEEDMILL_TRY(Run(transaction,
                   "INSERT INTO lake_writer VALUES (?1, ?2) ON CONFLICT DO UPDATE SET epoch = max(epoch, ?2)",
                   {landing.stream, landing.writer_epoch}));
  FEEDMILL_TRY(Run(transaction, "INSERT OR REPLACE INTO lake_batch VALUES (?1, ?2, ?3, 'committed', NULL, unixepoch())",
                   {change.table, landing.batch_id, change.snapshot_id}));
  return Run(transaction, "DELETE FROM lake_batch WHERE changed_at < unixepoch() - ?1", {kBatchMemorySeconds});
}

Status ForgetTable(Transaction& transaction, const std::string& table) {
  FEEDMILL_TRY(Run(transaction, "DELETE FROM lake_table WHERE name = ?1", {table}));
  FEEDMILL_TRY(Run(transaction, "DELETE FROM lake_offset WHERE table_name = ?1", {table}));
  return Run(transaction, "DELETE FROM lake_batch WHERE table_name = ?1", {table});
}

class SqlPointerStore final : public PointerStore {
 public:
  explicit SqlPointerStore(meta::Store& store) : store_(store) {}

  Result<bool> Settle() override { return meta::SettleStore(store_); }

  Result<std::vector<std::string>> List() override {
    std::vector<std::string> names;
    FEEDMILL_TRY(store_.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(auto rows,
                      transaction.Query("SELECT name FROM lake_table WHERE instr(name, '/') = 0 ORDER BY name"));
      for (const Row& row : rows) names.push_back(Text(row[0]));
      return Ok();
    }));
    return names;
  }

  Result<std::string> Location(const std::string& table) override {
    std::string location;
    FEEDMILL_TRY(store_.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(location, ReadLocation(transaction, table));
      return Ok();
    }));
    return location;
  }

  Status Insert(const std::string& table, const std::string& location) override {
    return store_.Write([&](Transaction& transaction) -> Status {
      auto inserted = Run(transaction, "INSERT INTO lake_table VALUES (?1, ?2)", {table, location});
      if (!inserted && inserted.error().kind() == ErrorKind::kAlreadyExists)
        return AlreadyExists("table '{}' exists", table);
      return inserted;
    });
  }

  Status Delete(const std::string& table) override {
    return store_.Write([&](Transaction& transaction) -> Status {
      FEEDMILL_TRY(ReadLocation(transaction, table));
      return ForgetTable(transaction, table);
    });
  }

  Result<SwapOutcome> Swap(const PointerChange& change) override {
    SwapOutcome outcome = SwapOutcome::kSwapped;
    FEEDMILL_TRY(store_.Write([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(std::string location, ReadLocation(transaction, change.table));
      if (change.landing) FEEDMILL_TRY(CheckLanding(transaction, change));
      if (location != change.expected_location) {
        outcome = SwapOutcome::kPointerMoved;
        return Ok();
      }
      if (change.landing) FEEDMILL_TRY(WriteLanding(transaction, change));
      if (!change.run_id.empty()) {
        FEEDMILL_TRY(Run(transaction,
                         "INSERT OR REPLACE INTO lake_run_table SELECT ?1, ?2, ?3, 0 WHERE EXISTS (SELECT 1 FROM "
                         "lake_run WHERE run_id = ?1)",
                         {change.run_id, change.table, change.snapshot_id}));
      }
      return Run(transaction, "UPDATE lake_table SET metadata_location = ?2 WHERE name = ?1",
                 {change.table, change.location});
    }));
    return outcome;
  }

  Result<Offsets> LandedOffsets(const std::string& table, const std::string& stream) override {
    Offsets offsets;
    FEEDMILL_TRY(store_.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_TRY(ReadLocation(transaction, table));
      FEEDMILL_ASSIGN(offsets, ReadOffsets(transaction, table, stream));
      return Ok();
    }));
    return offsets;
  }

  Result<int64_t> RaiseWriterEpoch(const std::string& stream) override {
    int64_t epoch = 0;
    FEEDMILL_TRY(store_.Write([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(epoch, ReadEpoch(transaction, stream));
      ++epoch;
      return Run(transaction, "INSERT OR REPLACE INTO lake_writer VALUES (?1, ?2)", {stream, epoch});
    }));
    return epoch;
  }

  Result<int64_t> WriterEpoch(const std::string& stream) override {
    int64_t epoch = 0;
    FEEDMILL_TRY(store_.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(epoch, ReadEpoch(transaction, stream));
      return Ok();
    }));
    return epoch;
  }

  Result<PreparedBatch> PrepareBatch(const std::string& table, const std::string& batch_id,
                                     int64_t snapshot_id) override {
    PreparedBatch batch;
    FEEDMILL_TRY(store_.Write([&](Transaction& transaction) -> Status {
      FEEDMILL_TRY(Run(transaction,
                       "INSERT INTO lake_batch VALUES (?1, ?2, ?3, 'prepared', NULL, unixepoch()) ON CONFLICT DO "
                       "UPDATE SET changed_at = unixepoch() WHERE state = 'prepared'",
                       {table, batch_id, snapshot_id}));
      const Value key[] = {table, batch_id};
      FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT snapshot_id, state = 'committed' FROM lake_batch "
                                                   "WHERE table_name = ?1 AND batch_id = ?2",
                                                   key));
      batch = {Integer(rows[0][0]), Integer(rows[0][1]) == 1};
      return Ok();
    }));
    return batch;
  }

  Result<std::set<int64_t>> PinnedSnapshots(const std::string& table) override {
    std::set<int64_t> pinned;
    FEEDMILL_TRY(store_.Read([&](Transaction& transaction) -> Status {
      const Value key[] = {table};
      FEEDMILL_ASSIGN(auto rows,
                      transaction.Query("SELECT DISTINCT snapshot_id FROM lake_run_table WHERE table_name = ?1", key));
      for (const Row& row : rows) pinned.insert(Integer(row[0]));
      return Ok();
    }));
    return pinned;
  }

 private:
  static Result<std::string> ReadLocation(Transaction& transaction, const std::string& table) {
    const Value key[] = {table};
    FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT metadata_location FROM lake_table WHERE name = ?1", key));
    if (rows.empty()) return NotFound("table '{}' does not exist", table);
    return Text(rows[0][0]);
  }

  static Status CheckLanding(Transaction& transaction, const PointerChange& change) {
    FEEDMILL_ASSIGN(Offsets found, ReadOffsets(transaction, change.table, change.landing->stream));
    FEEDMILL_ASSIGN(int64_t epoch, ReadEpoch(transaction, change.landing->stream));
    return CheckFence(*change.landing, found, epoch);
  }

  meta::Store& store_;
};

}  // namespace

std::vector<meta::Migration> CatalogMigrations() {
  return {{"lake/001_catalog", kCreateTables},
          {"lake/002_run_tables", kCreateRunTables},
          {"lake/003_relative_pointers", kRelativePointers}};
}

namespace {

Status KeepTable(Transaction& transaction, const FoundTable& table) {
  FEEDMILL_TRY(Run(transaction, "INSERT INTO lake_table VALUES (?1, ?2)", {table.name, table.pointer}));
  for (const auto& [stream, offsets] : table.landed) {
    for (auto [partition, next] : offsets) {
      FEEDMILL_TRY(Run(transaction, "INSERT INTO lake_offset VALUES (?1, ?2, ?3, ?4)",
                       {table.name, stream, int64_t{partition}, static_cast<int64_t>(next)}));
    }
    FEEDMILL_TRY(Run(transaction,
                     "INSERT INTO lake_writer VALUES (?1, ?2) ON CONFLICT DO UPDATE SET epoch = max(epoch, ?2)",
                     {stream, table.writer_epoch}));
  }
  return Ok();
}

}  // namespace

Status KeepTables(meta::Store& store, const std::vector<FoundTable>& tables) {
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(const auto known, transaction.Query("SELECT name FROM lake_table LIMIT 1"));
    if (!known.empty())
      return AlreadyExists("the catalog has tables ({}, ...); nothing was changed", Text(known[0][0]));
    for (const FoundTable& table : tables) {
      if (!table.pointer.empty()) FEEDMILL_TRY(KeepTable(transaction, table));
    }
    return Ok();
  });
}

Status ReplaceTable(meta::Store& store, const FoundTable& table) {
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_TRY(ForgetTable(transaction, table.name));
    return KeepTable(transaction, table);
  });
}

std::string OffsetsToString(const Offsets& offsets) {
  std::string text;
  for (auto [partition, next] : offsets) text += fmt::format("{}{}:{}", text.empty() ? "" : ",", partition, next);
  return text.empty() ? "none" : text;
}

Status CheckFence(const LandingMark& landing, const Offsets& found, int64_t current_epoch) {
  if (landing.writer_epoch < current_epoch) {
    return Conflict("stream '{}': writer epoch {} was taken over by {}", landing.stream, landing.writer_epoch,
                    current_epoch);
  }
  for (auto [partition, expected] : landing.expected) {
    auto held = found.find(partition);
    if ((held == found.end() ? 0 : held->second) == expected) continue;
    return Conflict("stream '{}', batch '{}': expected landed offsets {}, found {}", landing.stream, landing.batch_id,
                    OffsetsToString(landing.expected), OffsetsToString(found));
  }
  return Ok();
}

std::unique_ptr<PointerStore> MakeSqlPointerStore(meta::Store& store) {
  return std::make_unique<SqlPointerStore>(store);
}

}  // namespace feedmill::lake
