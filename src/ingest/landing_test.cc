#include "ingest/landing.h"

#include <chrono>
#include <future>
#include <numeric>
#include <thread>

#include "ingest/landing_fixture.h"

namespace feedmill::ingest {
namespace {

using testing::HasSubstr;

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

// After a restart the log is read again for tables that got no rows, in as many batches as it takes.
TEST_F(LandingTest, WhatIsReadAgainForAnotherTableDoesNotLandAgain) {
  options_.batch_bytes_max = 1 << 20;
  const std::string large = R"({"post_id":")" + std::string(900'000, 'p') + "\"}";  // few come with one reading
  Start(*catalog_);
  for (int i = 0; i < 20; ++i) Append(Like("a" + std::to_string(i), large));
  ASSERT_TRUE(Land());
  for (int restart = 0; restart < 3; ++restart) {
    Start(*catalog_);
    Append(Like("b" + std::to_string(restart)));
    ASSERT_TRUE(Land());
  }
  std::vector<uint64_t> offsets;
  for (auto& row : Rows(kEventTable)) offsets.push_back(std::stoull(row["log_offset"]));
  std::ranges::sort(offsets);
  std::vector<uint64_t> each(23);
  std::iota(each.begin(), each.end(), 0);
  EXPECT_EQ(offsets, each);
  EXPECT_EQ(catalog_->LandedOffsets(std::string(kEventTable), options_.stream)->at(0), 23U);
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

TEST_F(LandingTest, DamageIsToldUntilABatchLands) {
  Start(*failing_);
  Append(Like("a"));
  ASSERT_TRUE(Land());
  EXPECT_TRUE(landing_->status());
  const std::string path = catalog_->Load(std::string(kEventTable))->snapshots.back().manifest_list;
  const std::string bytes = *io::ReadWholeFile(io::PosixFileSystem(), path);
  std::filesystem::remove(path);
  Append(Like("b"));
  EXPECT_FALSE(Land());
  ASSERT_FALSE(landing_->status());
  EXPECT_EQ(landing_->status().error().kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(landing_->status().error().message(), HasSubstr(path));
  ASSERT_TRUE(io::WriteFileAtomically(io::PosixFileSystem(), path, bytes));
  ASSERT_TRUE(Land());
  EXPECT_TRUE(landing_->status());
  failing_->FailAlways(true);
  Append(Like("c"));
  EXPECT_FALSE(Land());
  EXPECT_TRUE(landing_->status()) << "what may pass by itself is no damage";
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
