// The raw tables of a server whose clock was ahead for a while: what a slow look through all records gives them.
#include "app/receipt_healing.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "data/receipt_times.h"
#include "ingest/event_tables.h"

namespace feedmill::app {
namespace {

constexpr Micros kT = 20'000 * kMicrosPerDay + kMicrosPerHour / 2;

struct Row {
  uint64_t offset;
  Micros received;
  Micros event;
};

class ReceiptHealing : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/receipt_healing_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = meta::OpenStore(folder_ + "/meta.db", lake::CatalogMigrations()).value();
    lake::CatalogOptions options;
    options.warehouse = folder_ + "/lake";
    catalog_ = lake::OpenCatalog(io::PosixFileSystem(), *store_, clock_, options).value();
    engine_ = query::OpenEngine({.temporary_directory = folder_}).value();
    session_ = engine_->NewSession().value();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Land(std::string_view name, const std::vector<Row>& rows) {
    const std::string table(name);
    std::string values;
    for (const Row& row : rows) {
      values += fmt::format("{}({}, make_timestamptz({}), make_timestamptz({}))", values.empty() ? "" : ", ",
                            row.offset, row.received, row.event);
    }
    const std::string select = fmt::format(
        "SELECT 'e' || o AS event_id, t AS event_time, r AS received_time, CAST(0 AS BIGINT) AS log_partition, "
        "CAST(o AS BIGINT) AS log_offset FROM (VALUES {}) v(o, r, t)",
        values);
    if (!catalog_->Load(table).has_value()) {
      const Schema columns = session_->DescribeQuery(select).value();
      ASSERT_TRUE(catalog_->Create(table, columns, ingest::RawTablePartition()).has_value());
    }
    auto files = session_->WriteQuery(*catalog_, table, select, fmt::format("landed-{}", ++landed_));
    ASSERT_TRUE(files.has_value()) << files.error().ToString();
    lake::CommitRequest request;
    request.files = *files;
    ASSERT_TRUE(catalog_->Commit(table, request).has_value());
  }

  // (offset, received, event time) of all rows.
  std::vector<std::array<int64_t, 3>> Read() {
    EXPECT_TRUE(session_->RegisterTable(*catalog_, std::string(ingest::kEventTable)).has_value());
    const auto rows =
        session_->Query("SELECT log_offset, received_time, event_time FROM ods_event ORDER BY log_offset").value();
    std::vector<std::array<int64_t, 3>> found;
    for (const auto& row : rows.rows)
      found.push_back({std::get<int64_t>(row[0]), std::get<int64_t>(row[1]), std::get<int64_t>(row[2])});
    return found;
  }
  int64_t Heal() {
    auto healed = HealReceiptTimes(*session_, *catalog_, kT - kReceiptsLookedAt);
    EXPECT_TRUE(healed.has_value()) << healed.error().ToString();
    return healed.value_or(-1);
  }

  std::string folder_;
  SystemClock clock_;
  int landed_ = 0;
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
};

TEST_F(ReceiptHealing, EventsReceivedAheadGetTheTimeAtWhichTheClockWasBack) {
  EXPECT_EQ(Heal(), 0) << "no table yet";
  for (const Micros ahead : {10 * kMicrosPerDay, 3650 * kMicrosPerDay}) {
    const uint64_t first = static_cast<uint64_t>(landed_) * 100;
    const Micros now = kT + static_cast<Micros>(first) * kMicrosPerMinute;
    std::vector<Row> all;
    for (uint64_t commit = 0; commit < 5; ++commit) {
      std::vector<Row> rows;
      for (uint64_t i = 0; i < 20; ++i) {
        const Micros time = now + static_cast<Micros>(commit * 20 + i) * kMicrosPerMinute;
        const Micros by = commit == 2 ? ahead : 0;
        rows.push_back({first + commit * 20 + i, time + by, time + by - static_cast<Micros>(i % 3) * kMicrosPerHour});
      }
      Land(ingest::kEventTable, rows);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    ReceiptTimes times;
    for (const Row& row : all) times.Observe(row.offset, row.received);
    EXPECT_EQ(Heal(), 20);
    EXPECT_EQ(Heal(), 0) << "once";
    const auto found = Read();
    ASSERT_EQ(found.size(), static_cast<size_t>(landed_) * 20);
    for (const Row& row : all) {
      const auto& here = found[found.size() - all.size() + (row.offset - first)];
      EXPECT_EQ(here[0], static_cast<int64_t>(row.offset));
      EXPECT_EQ(here[1], times.Clamp(row.offset, row.received)) << row.offset;
      EXPECT_EQ(here[2], times.Clamp(row.offset, row.event)) << row.offset;
    }
  }
}

TEST_F(ReceiptHealing, AFeedRequestTellsTooThatTheClockIsBack) {
  Land(ingest::kEventTable, {{0, kT, kT}});
  Land(ingest::kEventTable, {{1, kT + 10 * kMicrosPerDay, kT + 10 * kMicrosPerDay}});
  Land(ingest::kFeedRequestTable, {{2, kT + 5 * kMicrosPerMinute, 0}});
  Land(ingest::kEventTable, {{3, kT + 9 * kMicrosPerMinute, kT}});
  EXPECT_EQ(Heal(), 1);
  EXPECT_EQ(Read()[1][1], kT + 5 * kMicrosPerMinute);
  EXPECT_EQ(Read()[1][2], kT + 5 * kMicrosPerMinute);
}

TEST_F(ReceiptHealing, QuietDaysAndOvertakingAreNoFault) {
  Land(ingest::kEventTable, {{0, kT, kT}, {2, kT + kMicrosPerSecond, kT}});
  Land(ingest::kEventTable, {{1, kT - kMicrosPerSecond, kT - kMicrosPerDay}});
  Land(ingest::kEventTable, {{3, kT + 5 * kMicrosPerDay, kT}});
  EXPECT_EQ(Heal(), 0);
}

}  // namespace
}  // namespace feedmill::app
