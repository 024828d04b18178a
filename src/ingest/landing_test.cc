// Landing over the real catalog, with rows kept in memory in place of Parquet and a lake that fails on a seed.
#include "ingest/landing.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "data/event_codec.h"
#include "ingest/event_tables.h"
#include "io/harsh_file_system.h"

namespace feedmill::ingest {
namespace {

using testing::HasSubstr;
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

TEST_F(LandingTest, EachKindOfRecordHasItsTable) {
  Start(*catalog_);
  auto like = Like("m1", R"({"post_id":"p1","position":3.0,"weight":2,"fresh":true,"other":1})");
  like.event.context = R"({"location":{"country":"DE","city":"Bonn"}})";
  Append(like);
  Append(Like("m2", R"({"post_id":7,"position":"x","weight":null})"));
  LogRecord rejected = Like("m3");
  rejected.kind = RecordKind::kRejected;
  rejected.rejection = {"why", "properties.x", "wrong_type", "{}"};
  Append(rejected);
  LogRecord request;
  request.kind = RecordKind::kFeedRequest;
  request.document =
      R"({"request_id":"r1","user_id":"u1","scene":"home","n":20,"time":"2026-09-21T00:00:00Z","bundle":null,
      "degraded":[],"total_ms":1.5,"items":[{"post_id":"p1"}],"unknown":1})";
  Append(request);
  ASSERT_TRUE(Land());
  EXPECT_EQ(landing_->LandedOffset(0), 4u);

  auto events = Rows(kEventTable);
  ASSERT_EQ(events.size(), 2u);
  Row expected = {{"event_id", "m1"},
                  {"type", "track"},
                  {"event", "like"},
                  {"user_id", "u1"},
                  {"event_time", "5"},
                  {"original_time", "4"},
                  {"received_time", std::to_string(clock_.Now())},
                  {"ip", "203.0.113.0"},
                  {"country", "DE"},
                  {"city", "Bonn"},
                  {"user_agent", "Phone"},
                  {"is_bot", "false"},
                  {"write_source", "app"},
                  {"context", like.event.context},
                  {"properties", like.event.properties},
                  {"log_partition", "0"},
                  {"log_offset", "0"},
                  {"post_id", "p1"},
                  {"position", "3"},
                  {"weight", "2"},
                  {"fresh", "true"}};
  EXPECT_EQ(events[0], expected);
  EXPECT_FALSE(events[1].contains("post_id") || events[1].contains("position") || events[1].contains("weight"));
  auto refused = Rows(kRejectedTable);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0]["rule"], "wrong_type");
  EXPECT_EQ(refused[0]["log_offset"], "2");
  auto requests = Rows(kFeedRequestTable);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0]["request_id"], "r1");
  EXPECT_EQ(requests[0]["items"], R"([{"post_id":"p1"}])");
  EXPECT_EQ(requests[0]["total_ms"], "1.5");
  EXPECT_EQ(requests[0]["n"], "20");
  EXPECT_FALSE(requests[0].contains("bundle"));
}

TEST_F(LandingTest, RowsSayWhoseTheyAreAndWhetherABotSentThem) {
  Start(*catalog_);
  Append(Like("m1"));
  LogRecord imported = Like("m1");
  imported.event.source = "import";
  imported.event.user_agent = "Mozilla/5.0 (compatible; bingbot/2.0)";
  Append(imported);
  LogRecord phone = Like("m2");
  phone.event.user_agent = "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20)";
  Append(phone);
  ASSERT_TRUE(Land());
  auto rows = Rows(kEventTable);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["event_id"], "m1");
  EXPECT_EQ(rows[1]["event_id"], "import:m1");
  EXPECT_EQ(rows[1]["is_bot"], "true");
  EXPECT_EQ(rows[2]["is_bot"], "false");
}

TEST_F(LandingTest, GoesOnWhereItStoodAfterARestart) {
  Start(*catalog_);
  ASSERT_TRUE(Land());  // nothing yet
  for (int i = 0; i < 10; ++i) {
    Append(Like(fmt::format("m{}", i)));
    ASSERT_TRUE(Land());
    if (i % 3 == 0) Start(*catalog_);
  }
  EXPECT_EQ(Rows(kEventTable).size(), 10u);
}

TEST_F(LandingTest, LandsByItselfWhenTheIntervalIsOver) {
  options_.interval = kMicrosPerMilli;
  Start(*catalog_);
  Append(Like("m"));
  for (int i = 0; i < 5000 && landing_->LandedOffset(0) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(Rows(kEventTable).size(), 1u);
}

TEST_F(LandingTest, EveryRecordLandsOnceThoughTheLakeFails) {
  options_.batch_records_max = 7;
  Start(*failing_);
  failing_->FailOften(true);
  Random random(3);
  int appended = 0, failures = 0;
  for (int round = 0; round < 60; ++round) {
    for (uint64_t i = random.Below(20); i > 0; --i) {
      LogRecord record = Like(fmt::format("m{}", appended++));
      if (random.Chance(0.2)) record.kind = RecordKind::kRejected;
      Append(record);
    }
    if (!Land()) ++failures;
    if (random.Chance(0.2)) {
      failing_->FailOften(false);
      Start(*failing_);
      failing_->FailOften(true);
    }
  }
  failing_->FailOften(false);
  EXPECT_GT(failures, 5);
  Status landed = Land();
  for (int i = 0; i < 10 && !landed; ++i) landed = Land();
  ASSERT_TRUE(landed) << landed.error().ToString();
  std::multiset<uint64_t> offsets;
  for (auto table : {kEventTable, kRejectedTable}) {
    for (auto& row : Rows(table)) offsets.insert(std::stoull(row["log_offset"]));
  }
  EXPECT_EQ(offsets.size(), static_cast<size_t>(appended));
  EXPECT_EQ(std::set<uint64_t>(offsets.begin(), offsets.end()).size(), static_cast<size_t>(appended));
}

TEST_F(LandingTest, AnOlderWriterIsFencedOff) {
  Start(*catalog_);
  Append(Like("a"));
  ASSERT_TRUE(Land());
  auto younger = Open(*catalog_);
  Append(Like("b"));
  Status old = Land();
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().kind(), ErrorKind::kAborted) << old.error().ToString();
  EXPECT_THAT(old.error().message(), HasSubstr("taken over"));
  ASSERT_TRUE(younger->LandNow(Deadline::After(30 * kMicrosPerSecond)));
  EXPECT_EQ(Rows(kEventTable).size(), 2u);
}

// As on a full disk: the store takes no new epoch.
TEST_F(LandingTest, StartsWithoutSpaceAndLandsOnceThereIsSome) {
  failing_->FailAlways(true);
  Start(*failing_);
  ASSERT_NE(landing_, nullptr);
  Append(Like("a"));
  EXPECT_FALSE(Land());
  failing_->FailAlways(false);
  ASSERT_TRUE(Land());
  EXPECT_EQ(Rows(kEventTable).size(), 1u);
}

TEST_F(LandingTest, LostRecordsArePassedOver) {
  log_.reset();
  ASSERT_TRUE(SkipLogRecords(log_files_, clock_, log_options_, 0, {0, 5}));
  log_ = *OpenEventLog(log_files_, clock_, log_options_);
  Start(*catalog_);
  Append(Like("a"));
  ASSERT_TRUE(Land());
  auto rows = Rows(kEventTable);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["log_offset"], "5");
  EXPECT_EQ(metrics_.GetCounter("feedmill_landing_lost_records_total", "").Value(), 5u);
}

// A log that was reset above what has landed, before anything new arrived.
TEST_F(LandingTest, ALogThatBeginsAboveEverythingIsLanded) {
  log_.reset();
  ASSERT_TRUE(SkipLogRecords(log_files_, clock_, log_options_, 0, {3, 3}));
  log_ = *OpenEventLog(log_files_, clock_, log_options_);
  ASSERT_EQ(log_->BeginOffset(0), 3u);
  Start(*catalog_);
  EXPECT_EQ(landing_->LandedOffset(0), 3u);
  EXPECT_TRUE(landing_->LandNow(Deadline::After(5 * kMicrosPerSecond)));
}

TEST_F(LandingTest, ABatchWithoutMemoryIsTriedAgain) {
  Start(*catalog_);
  throw_once_ = true;
  Append(Like("a"));
  Status landed = Land();
  ASSERT_FALSE(landed);
  EXPECT_EQ(landed.error().kind(), ErrorKind::kResourceExhausted);
  ASSERT_TRUE(Land());
  EXPECT_EQ(Rows(kEventTable).size(), 1u);
}

TEST_F(LandingTest, AColumnIsAddedWhenThePlanGainsAProperty) {
  Start(*catalog_);
  Append(Like("a"));
  ASSERT_TRUE(Land());
  Plan("search.json", R"({"type":"object","properties":{"query":{"type":"string"}}})");
  Start(*catalog_);
  Append(Like("b", R"({"query":"x"})"));
  ASSERT_TRUE(Land());
  auto rows = Rows(kEventTable);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_FALSE(rows[0].contains("query"));
  EXPECT_EQ(rows[1]["query"], "x");
}

// Its values would be in no column from then on, and nobody would know.
TEST_F(LandingTest, APropertyKeepsItsType) {
  Plan("search.json", R"({"type":"object","properties":{"query":{"type":"string"}}})");
  Start(*catalog_);
  landing_.reset();
  Plan("search.json", R"({"type":"object","properties":{"query":{"type":"number"}}})");
  plan_ = *TrackingPlan::Load(io::PosixFileSystem(), (folder_ / "events").string());
  const auto refused = TryOpen(*catalog_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(
      refused.error().message(),
      "events/: property 'query' is double in the tracking plan, its column in ods.ods_event is string; a property "
      "keeps its type: give the new one another name");
}

TEST_F(LandingTest, LandedSegmentsLeaveTheLogAfterTheirRetention) {
  log_.reset();
  log_options_.segment_bytes_max = 500;
  log_options_.directory = "other";
  log_ = *OpenEventLog(log_files_, clock_, log_options_);
  options_.log_retention = kMicrosPerDay;
  Start(*catalog_);
  for (int i = 0; i < 20; ++i) Append(Like(fmt::format("m{}", i)));
  ASSERT_TRUE(Land());
  EXPECT_EQ(log_->BeginOffset(0), 0u);
  clock_.Advance(2 * kMicrosPerDay);
  LogRecord rejected = Like("x");
  rejected.kind = RecordKind::kRejected;
  Append(rejected);
  ASSERT_TRUE(Land());
  // The table of feed requests has no row yet and its offsets lag: what it might still need stays.
  EXPECT_EQ(log_->BeginOffset(0), 0u);
  LogRecord request;
  request.kind = RecordKind::kFeedRequest;
  request.document = "{}";
  Append(request);
  Append(Like("last"));
  ASSERT_TRUE(Land());
  // The log is trimmed after the answer.
  for (int i = 0; i < 5000 && log_->BeginOffset(0) <= 10; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GT(log_->BeginOffset(0), 10u);
}

}  // namespace
}  // namespace feedmill::ingest
