#include "train/data_end.h"

#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/time_text.h"

namespace feedmill::train {
namespace {

class DataEndTest : public testing::Test {
 protected:
  DataEndTest()
      : folder_((std::filesystem::temp_directory_path() / fmt::format("feedmill_data_end_{}", getpid())).string()) {
    engine_ = query::OpenEngine({.temporary_directory = folder_, .memory_bytes_max = 64ull << 20}).value();
    session_ = engine_->NewSession().value();
  }
  ~DataEndTest() override { std::filesystem::remove_all(folder_); }

  // Instants over so many days, by a random number of 0 to 1 of the row's number i.
  void Fill(int64_t rows, const std::string& time) {
    ASSERT_THAT(
        session_->Execute(fmt::format(
            "CREATE OR REPLACE VIEW seen AS SELECT TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_microseconds(CAST({} "
            "AS BIGINT)) AS event_time FROM (SELECT i, hash(i) / 18446744073709551616.0 AS r FROM range({}) t(i))",
            time, rows)),
        IsOk());
  }
  Micros End() {
    const auto end =
        DataEnd(*session_, "seen WHERE event_time < TIMESTAMPTZ '2027-01-01 00:00:00+00'", *ParseTime("2027-01-01"));
    EXPECT_THAT(end, IsOk());
    return end.value_or(std::nullopt).value_or(0);
  }

  const std::string folder_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
};

TEST_F(DataEndTest, IsTheQuantileOfAllTimes) {
  for (const int64_t rows : {1, 2, 99, 100, 101, 5000}) {
    for (const char* time : {"r * 86400e6 * 90", "r * 3600e6", "i // 10", "0", "r * r * r * 86400e6 * 200"}) {
      Fill(rows, time);
      const auto quantile = session_->Query("SELECT quantile_disc(epoch_us(event_time), 0.99) FROM seen");
      EXPECT_EQ(End(), std::get<int64_t>(quantile->rows[0][0]) + 1) << rows << " rows of " << time;
    }
  }
}

TEST_F(DataEndTest, IsTheCutWhereTheAppIsAlive) {
  Fill(1000, "364.5 * 86400e6");
  EXPECT_EQ(End(), *ParseTime("2027-01-01"));
  Fill(0, "r");
  EXPECT_EQ(End(), 0) << "nothing without rows";
}

}  // namespace
}  // namespace feedmill::train
