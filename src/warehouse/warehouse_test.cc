// The warehouse over a real lake and metadata store: what runs, why, and what a failure leaves behind.
#include "warehouse/batch_run.h"
#include "warehouse/report.h"
#include "warehouse/warehouse_for_test.h"

namespace feedmill::warehouse {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(WarehouseTest, MakesEveryIntervalOnceAndThenNothing) {
  Land("(1, '2024-01-01 10:00:00+00', 5), (2, '2024-01-01 11:00:00+00', 6), (3, '2024-01-03 00:00:00+00', 7)");
  EXPECT_EQ(Nightly().state, "succeeded");
  EXPECT_THAT(made_, ElementsAre("dwd_action", "dws_total", "ads_top"));
  EXPECT_EQ(Totals(), "2024-01-01 11 2024-01-03 7 ");
  auto plans = Plan();
  ASSERT_THAT(plans, IsOk());
  clock_.Set(clock_.Now() - 1);
  auto project = Load();
  auto same_end = PlanAll(MakeContext(), *project, {clock_.Now() + 1, {}, {}, ""});
  ASSERT_THAT(same_end, IsOk());
  EXPECT_EQ(FormatPlan(*same_end), "nothing to do: every table is up to date\n");
  auto unknown = PlanAll(MakeContext(), *project, {clock_.Now(), {}, {}, "dws_totl"});
  ASSERT_THAT(unknown, IsError(ErrorKind::kNotFound));
  EXPECT_THAT(unknown.error().message(), HasSubstr("no model is named \"dws_totl\"; there are: "));
}

TEST_F(WarehouseTest, ChangedSqlMakesAllAgainAndAddsItsColumn) {
  Land("(1, '2024-01-05 10:00:00+00', 5)");
  Nightly();
  std::string changed(kActionModel);
  changed.replace(changed.find("id, event_time"), 2, "id, id * 2 AS twice");
  Write("warehouse/dwd/dwd_action.sql", changed);
  EXPECT_EQ((*Plan())[0].intervals[0].reason, "SQL changed");
  Nightly();
  EXPECT_EQ(Table("dwd_action", "SELECT id, twice FROM dwd_action"), "1 2 ");
  Write("warehouse/dwd/dwd_action.sql", "-- doc: another comment\n" + changed.substr(0, changed.find("-- doc")) +
                                            changed.substr(changed.find("-- partition")));
  const auto plans = Plan();
  ASSERT_THAT(plans, IsOk());
  for (const ModelPlan& plan : *plans) EXPECT_NE(plan.model, "dwd_action") << "a comment is no change";
}

TEST_F(WarehouseTest, ABlockingCheckPublishesNothingAndStopsWhatDepends) {
  Write("warehouse/checks/dwd_action.dqdl",
        "Rules = [\n  RowCount > 0,\n  # level: warn\n  ColumnValues \"weight\" < 6,\n  IsUnique \"id\"\n]\n");
  Land("(1, '2024-01-05 10:00:00+00', 7)");
  jobs::RunRecord good = Nightly();
  EXPECT_EQ(good.state, "succeeded");
  EXPECT_THAT(FormatReport(good), AllOf(HasSubstr("2/3"), HasSubstr("ColumnValues \"weight\" < 6 found 1")));
  EXPECT_TRUE(fs::exists(folder_ / "runs" / (good.id + ".json")));
  Land("(1, '2024-01-05 11:00:00+00', 1)");
  jobs::RunRecord bad = Nightly();
  EXPECT_EQ(bad.state, "failed");
  EXPECT_EQ(made_.front(), "dwd_action");
  EXPECT_THAT(bad.steps[0].message, HasSubstr("warehouse/checks/dwd_action.dqdl:5: rule 'IsUnique"));
  EXPECT_EQ(bad.steps[1].state, jobs::StepState::kSkipped);
  EXPECT_EQ(Totals(), "2024-01-05 7 ");
  EXPECT_EQ(Table("dwd_action", "SELECT count(*) FROM dwd_action"), "1 ");
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "lake/dwd/dwd_action/data"))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 1u) << "refused files are removed";
  EXPECT_EQ((*Plan())[0].intervals[0].reason, "refused last time");
}

TEST_F(WarehouseTest, AKilledJobGoesOnAfterItsLastBatch) {
  Land(
      "(1, '2023-12-31 10:00:00+00', 1), (2, '2024-01-01 10:00:00+00', 2), (3, '2024-01-03 10:00:00+00', 3), (4, "
      "'2024-01-04 10:00:00+00', 4), "
      "(5, '2024-01-06 10:00:00+00', 5)");
  auto project = Load();
  ModelJobArguments arguments{"dwd_action", clock_.Now(), {}, {}, "r1"};
  struct Killed {};
  int batches = 0;
  auto kill = [&](double, std::string_view) {
    if (++batches == 3) throw Killed();
  };
  EXPECT_THROW((void)RunModelJob(MakeContext(), *project, arguments, kill), Killed);
  auto rest = RunModelJob(MakeContext(), *project, arguments);
  ASSERT_THAT(rest, IsOk());
  EXPECT_EQ(rest->intervals, 1);
  EXPECT_EQ(Table("dwd_action", "SELECT count(*), sum(id) FROM dwd_action"), "5 15 ");
}

// What a step that was killed for memory does when it is tried again.
TEST_F(WarehouseTest, AModelInPartsRunsItsSelectOncePerPartAndPublishesOnce) {
  std::string in_parts(kTopModel);
  in_parts += " AND id % @parts = @part\n";
  Write("warehouse/ads/ads_top.sql", in_parts);
  Land("(1, '2024-01-05 10:00:00', 5), (2, '2024-01-05 11:00:00', 6), (3, '2024-01-06 01:00:00', 7)");
  const auto project = Load();
  ASSERT_THAT(project, IsOk());
  ModelJobArguments arguments;
  arguments.end = clock_.Now();
  arguments.run_id = "run1";
  arguments.parts = 4;
  for (const char* model : {"dwd_action", "ads_top"}) {
    arguments.model = model;
    const auto made = RunModelJob(MakeContext(), *project, arguments);
    ASSERT_THAT(made, IsOk());
    EXPECT_EQ(made->rows, 3);
  }
  EXPECT_EQ(Table("ads_top", "SELECT id, weight FROM ads_top ORDER BY id ASC NULLS LAST"), "1 5 2 6 3 7 ");
  EXPECT_EQ(catalog_->PlanScan("ads.ads_top", {})->files.size(), 3U) << "a file for each part that has rows";
  EXPECT_EQ(catalog_->Load("ads.ads_top")->snapshots.size(), 1U);
  EXPECT_EQ(catalog_->Load("dwd.dwd_action")->snapshots.size(), 2U) << "batches of two days are of one";
}

TEST_F(WarehouseTest, RowsOutsideTheIntervalAreRefused) {
  std::string wrong(kActionModel);
  wrong.replace(wrong.find(" AND event_time < @end"), 22, "");
  Write("warehouse/dwd/dwd_action.sql", wrong);
  Land("(1, '2024-01-01 10:00:00+00', 1)");
  Land("(2, '2024-01-01 11:00:00+00', 1), (3, '2024-01-02 10:00:00+00', 1), (4, '2024-01-04 10:00:00+00', 1)");
  auto project = Load();
  auto result = RunModelJob(MakeContext(), *project, {"dwd_action", clock_.Now(), {}, {}, "r1"});
  EXPECT_THAT(result, IsError(ErrorKind::kInvalidArgument,
                              AllOf(HasSubstr("outside the interval"), HasSubstr("day 2024-01-04"))));
}

TEST_F(WarehouseTest, AnotherPartitionThanTheTablesIsNamed) {
  std::string whole(kTotalModel);
  const size_t begin = whole.find("-- partition"), end = whole.find("-- reads");
  Write("warehouse/dws/dws_total.sql", whole.substr(0, begin) + "-- materialize: full\n" + whole.substr(end));
  Land("(1, '2024-01-05 10:00:00+00', 7)");
  auto project = Load();
  for (const char* model : {"dwd_action", "dws_total"})
    ASSERT_THAT(RunModelJob(MakeContext(), *project, {model, clock_.Now(), {}, {}, "r1"}), IsOk());
  Write("warehouse/dws/dws_total.sql", whole);
  project = Load();
  EXPECT_THAT(RunModelJob(MakeContext(), *project, {"dws_total", clock_.Now(), {}, {}, "r2"}),
              IsError(ErrorKind::kInvalidArgument,
                      HasSubstr("the header says 'partition: day(day)', table dws.dws_total has 'partition: none'")));
}

TEST_F(WarehouseTest, AStatementThatIsNoSelectIsNamedAndASemicolonIsNone) {
  Land("(1, '2024-01-05 10:00:00+00', 7)");
  std::string text(kActionModel);
  while (text.ends_with('\n')) text.pop_back();
  Write("warehouse/dwd/dwd_action.sql", text + ";\n");
  EXPECT_THAT(RunModelJob(MakeContext(), *Load(), {"dwd_action", clock_.Now(), {}, {}, "r1"}), IsOk());
  text.replace(text.find("\nSELECT"), std::string::npos, "\nCOPY (SELECT 1) TO 'x'\n");
  Write("warehouse/dwd/dwd_action.sql", text);
  EXPECT_THAT(Load(),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("dwd_action.sql: found COPY, allowed: one SELECT")));
}

TEST_F(WarehouseTest, AWideSumNamesFileAndLine) {
  std::string wrong(kTotalModel);
  wrong.replace(wrong.find("CAST(SUM(weight) AS BIGINT)"), 27, "\n  SUM(weight)");
  Write("warehouse/dws/dws_total.sql", wrong);
  Land("(1, '2024-01-05 10:00:00+00', 7)");
  auto project = Load();
  ASSERT_THAT(RunModelJob(MakeContext(), *project, {"dwd_action", clock_.Now(), {}, {}, "r1"}), IsOk());
  EXPECT_THAT(RunModelJob(MakeContext(), *project, {"dws_total", clock_.Now(), {}, {}, "r1"}),
              IsError(ErrorKind::kInvalidArgument,
                      AllOf(HasSubstr("warehouse/dws/dws_total.sql:11: column 'weight' is HUGEINT"),
                            HasSubstr("cast this sum to BIGINT"))));
}

TEST_F(WarehouseTest, AMissingColumnNamesFileLineAndColumn) {
  std::string wrong(kTopModel);
  wrong.replace(wrong.find("SELECT id"), 9, "SELECT ib");
  Write("warehouse/ads/ads_top.sql", wrong);
  Land("(1, '2024-01-05 10:00:00+00', 7)");
  auto project = Load();
  ASSERT_THAT(RunModelJob(MakeContext(), *project, {"dwd_action", clock_.Now(), {}, {}, "r1"}), IsOk());
  EXPECT_THAT(RunModelJob(MakeContext(), *project, {"ads_top", clock_.Now(), {}, {}, "r1"}),
              IsError(ErrorKind::kInvalidArgument,
                      HasSubstr("warehouse/ads/ads_top.sql: line 8, column 8: there is no column")));
}

TEST_F(WarehouseTest, NativeStepsRunOnceTheirInputsChangedAndExtraStepsFollow) {
  Write("warehouse/ads/ads_native.sql", kNativeModel);
  std::string second(kNativeModel);
  second.replace(second.find("ads_native"), 10, "ads_native2");
  Write("warehouse/ads/ads_native2.sql", second);
  Land("(1, '2024-01-05 10:00:00+00', 7)");
  auto project = Load();
  ASSERT_THAT(project, IsOk());
  NightlyOptions options = Options();
  options.extra_steps = {{"train.rank", {"train", "train.rank"}, {"ads_native", "ads_top"}, 0, 0}};
  auto run = RunNightly(MakeContext(), *project, options);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->state, "succeeded");
  EXPECT_THAT(made_, ElementsAre("dwd_action", "dws_total", "features.dump", "ads_top", "train.rank"));
  options.extra_steps[0].after = {"nowhere"};
  clock_.Advance(1);
  clock_.Advance(1);
  EXPECT_THAT(RunNightly(MakeContext(), *project, options),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("'nowhere'")));
}

TEST_F(WarehouseTest, ProjectErrorsAreAllTold) {
  Write("warehouse/dwd/dwd_action.sql", "-- model: dwd_action\n-- doc: x\n-- colour: red\nSELECT 1\n");
  Write("warehouse/dws/dws_total.sql",
        "-- model: dws_total\n-- doc: x\n-- materialize: full\n-- key: a\n-- memory: 1GiB\n-- timeout: 1m\nSELECT * "
        "EXCLUDE (a)\nFROM dwd_nothing\nORDER BY b\n");
  Write("warehouse/ads/ads_again.sql", std::string(kTopModel));
  Write("warehouse/checks/dws_nothing.dqdl", "Rules = [ RowCount > 0 ]");
  Write("warehouse/checks/ads_top.dqdl", "Rules = [\n RowCount above 0 ]");
  std::string errors = LoadError();
  EXPECT_THAT(errors,
              HasSubstr("warehouse/dwd/dwd_action.sql:3: unknown header key 'colour'; allowed: batch, columns"));
  EXPECT_THAT(errors, HasSubstr("warehouse/ads/ads_top.sql:1: model 'ads_top' is also in warehouse/ads/ads_again.sql"));
  EXPECT_THAT(errors, HasSubstr("warehouse/dws/dws_total.sql:7: EXCLUDE is DuckDB's only"));
  EXPECT_THAT(errors, HasSubstr("warehouse/dws/dws_total.sql:9: ORDER BY without NULLS FIRST or NULLS LAST"));
  EXPECT_THAT(errors, HasSubstr("the SELECT reads 'dwd_nothing', which no 'reads' line"));
  EXPECT_THAT(errors, HasSubstr("warehouse/checks/dws_nothing.dqdl:1: checks of 'dws_nothing', which is no model"));
  EXPECT_THAT(errors, HasSubstr("warehouse/checks/ads_top.dqdl:2: found 'above'; allowed conditions"));
}

TEST_F(WarehouseTest, CirclesAreRefused) {
  auto model = [](std::string name, std::string input) {
    return "-- model: " + name + "\n-- doc: x\n-- materialize: full\n-- reads: " + input +
           "\n-- key: a\n-- memory: 1GiB\n-- timeout: 1m\nSELECT a FROM " + input + "\n";
  };
  Write("warehouse/dws/dws_one.sql", model("dws_one", "dws_two"));
  Write("warehouse/dws/dws_two.sql", model("dws_two", "dws_one"));
  EXPECT_THAT(LoadError(), HasSubstr("'dws_one' is part of a circle"));
}

TEST_F(WarehouseTest, TheTemplateLoads) {
  auto project = LoadProject(io::PosixFileSystem(), std::string(FEEDMILL_SOURCE_DIR) + "/template", *session_);
  ASSERT_THAT(project, IsOk());
  EXPECT_GE(project->models.size(), 17u);
  EXPECT_EQ(project->models.front().name, "ods_event");
}

TEST(Batches, NeighboursAreJoinedUpToTheLimit) {
  Model model;
  model.batch = 2;
  std::vector<PendingInterval> intervals = {{10, 20, "", {}}, {20, 30, "", {}}, {30, 40, "", {}}, {50, 60, "", {}}};
  auto batches = MakeBatches(model, intervals);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].end, 30);
  EXPECT_EQ(batches[1].start, 30);
  EXPECT_EQ(batches[2].start, 50);
}

TEST(Batches, SmallDaysAreJoinedToAMonthWhereTheModelMayJoin) {
  std::vector<PendingInterval> intervals;
  for (Micros day = 0; day < 40; ++day) intervals.push_back({day, day + 1, "", {}, day < 35 ? 1000 : 400'000});
  Model model;
  model.batch = 2;
  const auto sizes = [&] {
    std::vector<size_t> found;
    for (const Batch& batch : MakeBatches(model, intervals)) found.push_back(batch.intervals.size());
    return found;
  };
  EXPECT_THAT(sizes(), ElementsAre(31u, 5u, 2u, 2u));
  model.batch = 1;
  EXPECT_EQ(sizes().size(), 40u);
}

}  // namespace
}  // namespace feedmill::warehouse
