// Landing over the real catalog, with rows kept in memory in place of Parquet and a lake that fails on a seed.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "data/event_codec.h"
#include "ingest/event_tables.h"
#include "ingest/landing.h"
#include "io/harsh_file_system.h"

namespace feedmill::ingest {

using Row = std::map<std::string, std::string>;  // by column; nulls are left out

// All files ever written, by path. Writing a path again replaces it, as on disk.
struct WrittenFiles {
  std::map<std::string, std::vector<Row>> rows;
};

class MemoryRowWriter final : public RowWriter {
 public:
  MemoryRowWriter(WrittenFiles& files, Schema schema, std::string path)
      : files_(files), schema_(std::move(schema)), path_(std::move(path)) {}

  void AppendNull(size_t column) override { Take(column, std::nullopt); }
  void AppendBoolean(size_t column, bool value) override { Take(column, value ? "true" : "false"); }
  void AppendLong(size_t column, int64_t value) override { Take(column, std::to_string(value)); }
  void AppendDouble(size_t column, double value) override { Take(column, fmt::format("{}", value)); }
  void AppendText(size_t column, std::string_view value) override { Take(column, std::string(value)); }
  Status EndRow() override {
    EXPECT_EQ(columns_.size(), schema_.size());
    columns_.clear();
    rows_.push_back(std::exchange(row_, {}));
    return Ok();
  }
  Result<std::vector<lake::DataFile>> Finish() override {
    // One hour is enough here: the rows of these tests are received in one.
    lake::DataFile file;
    file.path = path_;
    file.partition = {std::stoll(rows_.front()["received_time"]) / kMicrosPerHour};
    file.partition_text = {""};
    file.record_count = static_cast<int64_t>(rows_.size());
    file.size_bytes = 100;
    files_.rows[path_] = rows_;
    FEEDMILL_TRY(io::WriteFileAtomically(io::PosixFileSystem(), path_, std::string(100, 'x')));  // the catalog syncs it
    return std::vector<lake::DataFile>{file};
  }

 private:
  void Take(size_t column, std::optional<std::string> value) {
    EXPECT_TRUE(columns_.insert(column).second) << schema_[column].name << " got two values";
    if (value) row_[schema_[column].name] = *value;
  }

  WrittenFiles& files_;
  Schema schema_;
  std::string path_;
  std::set<size_t> columns_;
  Row row_;
  std::vector<Row> rows_;
};

// A catalog whose commits fail on a seed, before or after they happened.
class FailingCatalog final : public lake::Catalog {
 public:
  FailingCatalog(lake::Catalog& catalog, uint64_t seed) : catalog_(catalog), random_(seed) {}
  void FailOften(bool often) { often_ = often; }
  void FailAlways(bool always) { always_ = always; }

  Result<lake::Snapshot> Commit(const std::string& table, const lake::CommitRequest& request) override {
    if (Fails()) return Unavailable("commit failed before");
    auto snapshot = catalog_.Commit(table, request);
    if (snapshot && Fails()) return Unavailable("commit failed after");
    return snapshot;
  }
  Result<std::map<uint32_t, uint64_t>> LandedOffsets(const std::string& table, const std::string& stream) override {
    if (Fails()) return Unavailable("offsets not read");
    return catalog_.LandedOffsets(table, stream);
  }
  Result<std::vector<std::string>> ListTables() override { return catalog_.ListTables(); }
  Result<lake::TableDescription> Load(const std::string& table) override { return catalog_.Load(table); }
  Result<lake::TableDescription> Create(const std::string& table, const Schema& schema,
                                        const lake::PartitionSpec& spec) override {
    return catalog_.Create(table, schema, spec);
  }
  Status Drop(const std::string& table, bool purge) override { return catalog_.Drop(table, purge); }
  Result<lake::TableDescription> AddColumns(const std::string& table, const Schema& columns) override {
    return catalog_.AddColumns(table, columns);
  }
  Result<lake::ScanPlan> PlanScan(const std::string& table, const std::vector<lake::RangeFilter>& filters,
                                  std::optional<int64_t> snapshot_id) override {
    return catalog_.PlanScan(table, filters, snapshot_id);
  }
  Result<int64_t> AcquireWriterEpoch(const std::string& stream) override {
    if (Fails()) return Io("no space for a new epoch");
    return catalog_.AcquireWriterEpoch(stream);
  }
  Result<int64_t> CurrentWriterEpoch(const std::string& stream) override { return catalog_.CurrentWriterEpoch(stream); }
  Status ExpireSnapshots(const std::string& table, Micros older_than, int keep_min) override {
    return catalog_.ExpireSnapshots(table, older_than, keep_min);
  }
  Result<std::string> DataFolder(const std::string& table) override { return catalog_.DataFolder(table); }
  Result<int> AdoptTables() override { return catalog_.AdoptTables(); }
  Result<lake::Inventory> TakeInventory(const std::string& table) override { return catalog_.TakeInventory(table); }

 private:
  bool Fails() { return always_ || (often_ && random_.Chance(0.15)); }

  lake::Catalog& catalog_;
  Random random_;
  std::atomic<bool> often_ = false;
  std::atomic<bool> always_ = false;
};

class LandingTest : public testing::Test {
 protected:
  LandingTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("landing_test_{}", ::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "events");
    Plan("like.json", R"({"type":"object","properties":{"post_id":{"type":"string"},"position":{"type":"integer"},
        "weight":{"type":"number"},"fresh":{"type":"boolean"}}})");
    auto migrations = lake::CatalogMigrations();
    store_ = *meta::OpenStore((folder_ / "meta.db").string(), migrations);
    lake::CatalogOptions catalog_options;
    catalog_options.warehouse = (folder_ / "lake").string();
    catalog_ = *lake::OpenCatalog(io::PosixFileSystem(), *store_, clock_, catalog_options);
    failing_ = std::make_unique<FailingCatalog>(*catalog_, 1);
    log_options_.directory = "log";
    log_ = *OpenEventLog(log_files_, clock_, log_options_);
    options_.interval = kMicrosPerHour;
  }
  ~LandingTest() override {
    landing_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Plan(const std::string& name, std::string_view text) {
    ASSERT_TRUE(io::WriteFileAtomically(io::PosixFileSystem(), (folder_ / "events" / name).string(), text));
  }

  void Start(lake::Catalog& catalog) {
    landing_.reset();
    auto plan = TrackingPlan::Load(io::PosixFileSystem(), (folder_ / "events").string());
    ASSERT_TRUE(plan) << plan.error().ToString();
    plan_ = *plan;
    landing_ = Open(catalog);
  }

  Result<std::unique_ptr<Landing>> TryOpen(lake::Catalog& catalog) {
    LandingParts parts{
        *log_, catalog, *plan_, clock_, metrics_, [this](const std::string& table, const std::string& stem) {
          if (throw_once_.exchange(false)) throw std::bad_alloc();
          auto schema = catalog_->Load(table)->schema;
          auto path = *catalog_->DataFolder(table) + "/" + stem + ".parquet";
          return Result<std::unique_ptr<RowWriter>>(std::make_unique<MemoryRowWriter>(written_, schema, path));
        }};
    return Landing::Start(std::move(parts), options_);
  }

  std::unique_ptr<Landing> Open(lake::Catalog& catalog) {
    auto landing = TryOpen(catalog);
    EXPECT_TRUE(landing) << landing.error().ToString();
    return landing ? std::move(*landing) : nullptr;
  }

  void Append(const LogRecord& record) {
    std::string payload;
    EncodeLogRecord(record, &payload);
    std::promise<bool> done;
    ASSERT_TRUE(log_->Append(0, {payload}, [&](Result<LogPosition> first) { done.set_value(first.has_value()); }));
    ASSERT_TRUE(done.get_future().get());
  }

  LogRecord Like(const std::string& id, std::string properties = R"({"post_id":"p1"})") {
    LogRecord record;
    record.event = {
        id, "track", "like", "u1", "", 5, 4, clock_.Now(), "203.0.113.0", "Phone", "app", "", std::move(properties)};
    return record;
  }

  // The rows of the table as a reader of the lake finds them.
  std::vector<Row> Rows(std::string_view table) {
    std::vector<Row> rows;
    auto plan = catalog_->PlanScan(std::string(table), {});
    EXPECT_TRUE(plan) << plan.error().ToString();
    for (const auto& file : plan->files) {
      EXPECT_EQ(static_cast<size_t>(file.record_count), written_.rows[file.path].size())
          << "a file was written over after its commit";
      for (const auto& row : written_.rows[file.path]) rows.push_back(row);
    }
    return rows;
  }

  Status Land() { return landing_->LandNow(Deadline::After(30 * kMicrosPerSecond)); }

  std::filesystem::path folder_;
  ManualClock clock_{1'790'000'000 * kMicrosPerSecond};
  io::HarshFileSystem log_files_;
  LogOptions log_options_;
  LandingOptions options_;
  MetricsRegistry metrics_;
  WrittenFiles written_;
  std::atomic<bool> throw_once_ = false;
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<FailingCatalog> failing_;
  std::unique_ptr<EventLog> log_;
  std::shared_ptr<const TrackingPlan> plan_;
  std::unique_ptr<Landing> landing_;
};

}  // namespace feedmill::ingest
