// Which intervals run: late rows, old ones, rows ahead of the cut, none at all.
#include "warehouse/plan.h"

#include "base/hash.h"
#include "warehouse/report.h"
#include "warehouse/warehouse_for_test.h"

namespace feedmill::warehouse {
namespace {

using ::testing::HasSubstr;

TEST_F(WarehouseTest, LateDataMakesItsDayAgainAndWhatReadsIt) {
  Land("(1, '2024-01-04 10:00:00+00', 5), (2, '2024-01-05 10:00:00+00', 6)");
  Nightly();
  Land("(3, '2024-01-04 23:59:59+00', 10)");
  auto plans = Plan();
  ASSERT_THAT(plans, IsOk());
  ASSERT_GE(plans->size(), 2u);
  EXPECT_EQ((*plans)[0].intervals.size(), 1u);
  EXPECT_EQ((*plans)[0].intervals[0].reason, "ods_event changed");
  EXPECT_EQ((*plans)[0].intervals[0].start, *ParseTime("2024-01-04"));
  ASSERT_EQ((*plans)[1].intervals.size(), 1u);
  EXPECT_EQ((*plans)[1].intervals[0].reason, "dwd_action changed");
  Nightly();
  EXPECT_EQ(Totals(), "2024-01-04 15 2024-01-05 6 ");
}

TEST_F(WarehouseTest, DataPastTheLookbackWaitsForABackfill) {
  Land("(1, '2024-01-01 10:00:00+00', 5), (2, '2024-01-05 10:00:00+00', 6)");
  Land("(4, '2024-01-05 11:00:00+00', 1)");
  Nightly();
  Land("(3, '2024-01-01 12:00:00+00', 10)");
  auto plans = Plan();
  ASSERT_THAT(plans, IsOk());
  EXPECT_EQ((*plans)[0].late_intervals, 1);
  EXPECT_EQ((*plans)[0].late_rows, 1);
  EXPECT_THAT(FormatPlan(*plans),
              HasSubstr("1 rows came too late for 1 interval from 2024-01-01 on, past the lookback: "
                        "`feedmill backfill --late` makes it"));
  jobs::RunRecord run = Nightly();
  EXPECT_THAT(FormatReport(run), HasSubstr("dwd_action: left out: 1 rows came too late"));
  EXPECT_THAT(ReportJson(run), HasSubstr("\"late_rows\": 1"));
  EXPECT_EQ(Totals(), "2024-01-01 5 2024-01-05 7 ");
  force_start_ = *ParseTime("2024-01-01");
  force_end_ = *ParseTime("2024-01-02");
  EXPECT_EQ(Nightly().kind, "backfill");
  EXPECT_EQ(Totals(), "2024-01-01 15 2024-01-05 7 ");
}

TEST_F(WarehouseTest, ABackfillOfDaysMakesNoOthers) {
  Land("(1, '2024-01-01 10:00:00+00', 5), (2, '2024-01-03 10:00:00+00', 6), (3, '2024-01-05 10:00:00+00', 7)");
  force_start_ = *ParseTime("2024-01-03");
  force_end_ = *ParseTime("2024-01-04");
  Nightly();
  EXPECT_EQ(Totals(), "2024-01-03 6 ");
  force_start_ = force_end_ = std::nullopt;
  Nightly();
  EXPECT_EQ(Totals(), "2024-01-01 5 2024-01-03 6 2024-01-05 7 ");
}

TEST_F(WarehouseTest, ABackfillOfWhatIsLateMakesJustThat) {
  Land("(1, '2024-01-01 10:00:00+00', 5), (2, '2024-01-05 10:00:00+00', 6)");
  Nightly();
  Land("(3, '2024-01-01 12:00:00+00', 10)");
  Nightly();
  EXPECT_EQ(Totals(), "2024-01-01 5 2024-01-05 6 ");
  late_ = true;
  EXPECT_EQ(Nightly().kind, "backfill");
  EXPECT_EQ(Totals(), "2024-01-01 15 2024-01-05 6 ");
  late_ = false;
  EXPECT_THAT(FormatReport(Nightly()), ::testing::Not(HasSubstr("left out")));
}

TEST_F(WarehouseTest, OneLateRowMakesItsDayAndNotTheDaysBetween) {
  Land("(1, '2024-01-06 10:00:00+00', 5), (2, '2023-11-27 10:00:00+00', 6)");
  auto plans = Plan();
  ASSERT_THAT(plans, IsOk());
  ASSERT_EQ((*plans)[0].intervals.size(), 2u);
  EXPECT_EQ((*plans)[0].intervals[0].start, *ParseTime("2023-11-27"));
  EXPECT_EQ(Nightly().state, "succeeded");
  EXPECT_EQ(Totals(), "2023-11-27 6 2024-01-06 5 ");
  Land("(3, '2024-01-06 11:00:00+00', 1), (4, '2023-12-20 10:00:00+00', 2)");
  EXPECT_EQ((*Plan())[0].intervals.size(), 2u) << "days that hold no new row stay as they are";
}

TEST_F(WarehouseTest, HistoryOfAnyAgeIsMade) {
  Land("(1, '1970-01-01 10:00:00+00', 1), (2, '0001-06-01 10:00:00+00', 2), (3, '2019-02-03 10:00:00+00', 4)");
  EXPECT_EQ(Nightly().state, "succeeded");
  EXPECT_EQ(Table("dws_total", "SELECT count(*), sum(weight)::BIGINT FROM dws_total"), "3 7 ");
}

TEST_F(WarehouseTest, RowsOfDaysAfterTheCutWaitAndAreCounted) {
  Land("(1, '2024-01-05 10:00:00+00', 5), (2, '2034-01-05 10:00:00+00', 6), (3, NULL, 7)");
  jobs::RunRecord run = Nightly();
  EXPECT_EQ(run.state, "succeeded");
  EXPECT_THAT(FormatReport(run), HasSubstr("dwd_action: left out: 1 rows are of days after the cut and wait"));
  EXPECT_EQ(Totals(), "2024-01-05 5 ");
}

TEST_F(WarehouseTest, WithoutRowsEveryTableIsThereAndEmpty) {
  EXPECT_EQ(Nightly().state, "succeeded");
  EXPECT_EQ(Table("dws_total", "SELECT count(*) FROM dws_total"), "0 ");
  EXPECT_EQ(Nightly().state, "succeeded");
  Land("(1, '2024-01-05 10:00:00+00', 5)");
  Nightly();
  EXPECT_EQ(Totals(), "2024-01-05 5 ");
}

TEST_F(WarehouseTest, RecordsOfAFormerReleaseStillHold) {
  Land("(1, '2024-01-01 10:00:00+00', 5), (2, '2024-01-05 10:00:00+00', 6)");
  Land("(3, '2024-01-05 11:00:00+00', 5)");
  Nightly();
  auto states = LoadIntervals(*store_, "dwd_action");
  ASSERT_THAT(states, IsOk());
  auto files = catalog_->PlanScan("ods.ods_event", {});
  for (auto& [start, state] : *states) {
    // As it was: the hash of the paths of all files whose bounds touch the day.
    std::vector<std::string> paths;
    for (const auto& file : files->files) {
      if (start == *ParseTime("2024-01-05") || file.record_count == 2) paths.push_back(file.path);
    }
    std::ranges::sort(paths);
    Sha256 hash;
    for (const auto& path : paths) hash.Update(path + "\n");
    state.inputs["ods_event"] = hash.FinishHex().substr(0, 16);
    state.input_rows = -1;
    ASSERT_THAT(SaveIntervals(*store_, {state}), IsOk());
  }
  const auto plans = Plan();
  ASSERT_THAT(plans, IsOk());
  for (const ModelPlan& plan : *plans) EXPECT_NE(plan.model, "dwd_action");
  Land("(4, '2024-01-01 11:00:00+00', 5)");
  EXPECT_EQ((*Plan())[0].late_rows, 1) << "what held was written anew, so that later rows are counted";
}

TEST_F(WarehouseTest, ADayIsComparedWithItsWeekday) {
  Write("warehouse/checks/dwd_action.dqdl", "Rules = [\n  RowCount > avg(last(4)) * 0.5\n]\n");
  auto day = [](const char* date, int rows) {
    std::string text;
    for (int i = 0; i < rows; ++i)
      text += fmt::format("{}({}, '{} 10:00:00+00', 1)", text.empty() ? "" : ", ", i, date);
    return text;
  };
  clock_.Set(*ParseTime("2024-01-20T12:00:00Z"));
  for (const char* date : {"2024-01-05", "2024-01-12", "2024-01-13"}) Land(day(date, 10));
  EXPECT_EQ(Nightly().state, "succeeded") << "little history says nothing";
  Land(day("2024-01-19", 3));
  jobs::RunRecord run = Nightly();
  EXPECT_EQ(run.state, "failed");
  EXPECT_THAT(run.steps[0].message,
              HasSubstr("found 3: 2024-01-19 has 3 rows, against 5.0 by the same weekday of 4 weeks"));
  Write("warehouse/checks/dwd_action.dqdl", "Rules = [\n  # level: warn\n  RowCount > avg(last(4)) * 0.5\n]\n");
  run = Nightly();
  EXPECT_EQ(run.state, "succeeded");
  EXPECT_THAT(FormatReport(run), HasSubstr("2024-01-19 has 3 rows"));
  Write("warehouse/checks/ads_top.dqdl", "Rules = [ RowCount > min(last(2)) ]");
  EXPECT_THAT(LoadError(), HasSubstr("allowed for incremental models, which 'ads_top' is not"));
}

TEST_F(WarehouseTest, TheLastDaysAreThoseThatHaveRows) {
  std::string last(kTopModel);
  last.replace(last.find("dwd_action.event_time -2d"), 25, "dwd_action.event_time last 2d");
  last.replace(last.find("SELECT id, weight"), 17, "SELECT id, weight, CAST(@newest AS VARCHAR) AS newest");
  last.replace(last.find("@end - INTERVAL 2 DAY"), 21, "@since");
  Write("warehouse/ads/ads_top.sql", last);
  Land("(1, '2020-01-05 10:00:00+00', 1), (2, '2020-03-05 10:00:00+00', 2), (3, '2020-05-05 10:00:00+00', 3)");
  EXPECT_EQ(Nightly().state, "succeeded");
  EXPECT_EQ(Table("ads_top", "SELECT id, newest FROM ads_top ORDER BY id ASC NULLS LAST"),
            "2 2020-05-06 00:00:00+00 3 2020-05-06 00:00:00+00 ");
}

}  // namespace
}  // namespace feedmill::warehouse
