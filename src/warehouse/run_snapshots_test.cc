// What a nightly reads while events land, and what a resumed one does; doubles of a dimension.
#include "warehouse/report.h"
#include "warehouse/warehouse_for_test.h"

namespace feedmill::warehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Reads a raw table and one made from it: wrong the moment the two are of different instants.
constexpr std::string_view kShareModel = R"(-- model: dws_share
-- doc: events beside actions
-- materialize: full
-- reads: ods_event.event_time
-- reads: dwd_action.event_time
-- key: events
-- memory: 512MiB
-- timeout: 1m
SELECT (SELECT COUNT(*) FROM ods_event WHERE event_time < @end) AS events,
  (SELECT COUNT(*) FROM dwd_action WHERE event_time < @end) AS actions
)";

TEST_F(WarehouseTest, EventsThatLandBetweenStepsAreForTheNextRun) {
  Write("warehouse/dws/dws_share.sql", kShareModel);
  Write("warehouse/checks/dws_share.dqdl",
        "Rules = [\n  CustomSql \"SELECT COUNT(*) - (SELECT MAX(actions) FROM primary) FROM ods_event\" = 0\n]\n");
  Land("(1, '2024-01-05 10:00:00+00', 5)");
  int next = 100;
  before_child_ = [&](const std::string&) {
    Land(fmt::format("({}, '2024-01-05 11:00:00+00', 1), ({}, '2024-01-04 11:00:00+00', 1)", next, next + 1));
    next += 2;
  };
  const jobs::RunRecord run = Nightly();
  EXPECT_EQ(run.state, "succeeded") << FormatReport(run);
  EXPECT_THAT(made_, ElementsAre("dwd_action", "dws_share", "dws_total", "ads_top"));
  EXPECT_EQ(Table("dws_share", "SELECT events, actions FROM dws_share"), "1 1 ");
  EXPECT_EQ(Totals(), "2024-01-05 5 ");
  before_child_ = nullptr;
  EXPECT_EQ(Nightly().state, "succeeded");
  EXPECT_EQ(Table("dws_share", "SELECT events, actions FROM dws_share"), "9 9 ");
  EXPECT_THAT(*lake::RunsWithTables(*store_), IsEmpty());
}

TEST_F(WarehouseTest, AResumedRunReadsWhatItBeganWith) {
  Write("warehouse/dws/dws_share.sql", kShareModel);
  Land("(1, '2024-01-05 10:00:00+00', 5)");
  before_child_ = [&](const std::string& step) {
    if (step != "dws_share") return;
    Land("(2, '2024-01-05 11:00:00+00', 1)");
    std::string broken(kShareModel);
    broken.replace(broken.find("COUNT(*)"), 8, "COUNT(no_such_column)");
    Write("warehouse/dws/dws_share.sql", broken);
  };
  const jobs::RunRecord stopped = Nightly();
  EXPECT_EQ(stopped.state, "failed");
  Write("warehouse/dws/dws_share.sql", kShareModel);
  before_child_ = nullptr;
  Land("(3, '2024-01-05 12:00:00+00', 1)");
  auto project = Load();
  NightlyOptions options = Options();
  options.run_id = stopped.id;
  const auto resumed = RunNightly(MakeContext(), *project, options);
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(resumed->state, "succeeded") << FormatReport(*resumed);
  EXPECT_EQ(Table("dws_share", "SELECT events, actions FROM dws_share"), "1 1 ");
}

TEST_F(WarehouseTest, ARunWhoseTablesWereMadeByAnotherIsNotResumed) {
  Write("warehouse/checks/dws_total.dqdl", "Rules = [\n  RowCount > 5\n]\n");
  Land("(1, '2024-01-05 10:00:00+00', 5)");
  const jobs::RunRecord failed = Nightly();
  EXPECT_EQ(failed.state, "failed");
  Write("warehouse/checks/dws_total.dqdl", "Rules = [\n  RowCount > 0\n]\n");
  Land("(2, '2024-01-05 11:00:00+00', 5)");
  EXPECT_EQ(Nightly().state, "succeeded");
  auto project = Load();
  NightlyOptions options = Options();
  options.run_id = failed.id;
  EXPECT_THAT(RunNightly(MakeContext(), *project, options),
              IsError(ErrorKind::kConflict, HasSubstr("begin a new run")));
  EXPECT_EQ(Totals(), "2024-01-05 10 ");
}

constexpr std::string_view kDimModel = R"(-- model: dim_thing
-- doc: one row is one weight ever seen
-- materialize: append
-- interval: 1 day
-- reads: ods_event.event_time 0d 0d
-- reads: dim_thing self
-- key: weight
-- columns: thing_key BIGINT, weight BIGINT
-- memory: 512MiB
-- timeout: 1m
SELECT ROW_NUMBER() OVER (ORDER BY n.weight ASC NULLS LAST) - 1 + size.next_key AS thing_key, n.weight
FROM (SELECT DISTINCT e.weight FROM ods_event e LEFT JOIN dim_thing known ON known.weight = e.weight
      WHERE e.event_time >= @start AND e.event_time < @end AND known.weight IS NULL) n
CROSS JOIN (SELECT COALESCE(MAX(thing_key) + 1, 0) AS next_key FROM dim_thing) size
)";

TEST_F(WarehouseTest, DoublesOfADimensionAreHealed) {
  Write("warehouse/dwd/dim_thing.sql", kDimModel);
  Write("warehouse/checks/dim_thing.dqdl", "Rules = [ IsUnique \"weight\", IsUnique \"thing_key\" ]");
  Land("(1, '2024-01-05 10:00:00+00', 5), (2, '2024-01-05 11:00:00+00', 6)");
  EXPECT_EQ(Nightly().state, "succeeded");
  // What two runs at once did: the same thing twice, and two things of one number.
  auto files = session_->WriteQuery(
      *catalog_, "dim.dim_thing", "SELECT * FROM (VALUES (1::BIGINT, 6::BIGINT), (2, 5), (0, 7)) t(thing_key, weight)",
      "doubles");
  ASSERT_THAT(files, IsOk());
  lake::CommitRequest request;
  request.files = *files;
  ASSERT_THAT(catalog_->Commit("dim.dim_thing", request), IsOk());
  Land("(3, '2024-01-05 12:00:00+00', 8)");
  const jobs::RunRecord run = Nightly();
  EXPECT_EQ(run.state, "succeeded") << FormatReport(run);
  EXPECT_EQ(Table("dim_thing", "SELECT thing_key, weight FROM dim_thing ORDER BY weight ASC NULLS LAST"),
            "0 5 1 6 2 7 3 8 ");
}

}  // namespace
}  // namespace feedmill::warehouse
