#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "warehouse/dqdl.h"
#include "warehouse/model_file.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

using ::testing::HasSubstr;

std::string Header(std::string_view more) {
  return "-- model: dwd_x\n-- doc: a\n-- doc: b\n-- materialize: full\n-- key: id\n-- memory: 2GiB\n-- timeout: 20m\n" +
         std::string(more) + "SELECT 1 AS id\n";
}

TEST(ModelFile, ReadsAHeader) {
  auto model =
      ParseModelFile("dwd/x.sql", Header("-- reads: ods_event.event_time -7d 1d\n-- reads: dim_user stable\n"));
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->name, "dwd_x");
  EXPECT_EQ(model->doc, "a\nb");
  EXPECT_EQ(model->memory_bytes_max, 2ull << 30);
  EXPECT_EQ(model->timeout, 20 * kMicrosPerMinute);
  ASSERT_EQ(model->reads.size(), 2u);
  EXPECT_EQ(model->reads[0].before, -7 * kMicrosPerDay);
  EXPECT_EQ(model->reads[0].after, kMicrosPerDay);
  EXPECT_TRUE(model->reads[1].stable);
  EXPECT_EQ(model->sql_line, 10);
  EXPECT_EQ(TableName(model->name), "dwd.dwd_x");
}

TEST(ModelFile, ErrorsNameFileAndLine) {
  EXPECT_THAT(ParseModelFile("x.sql", Header("-- batch: many\n")),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("x.sql:8: batch 'many'; allowed")));
  EXPECT_THAT(ParseModelFile("x.sql", Header("-- key: b\n")),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("x.sql:8: header key 'key' is given twice")));
  EXPECT_THAT(ParseModelFile("x.sql", Header("-- reads: a.b x\n")),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("x.sql:8: reads 'a.b x'; allowed")));
  EXPECT_THAT(ParseModelFile("x.sql", "-- model: dwd_x\nSELECT 1"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("x.sql:1: header key 'doc' is missing")));
  EXPECT_THAT(ParseModelFile("x.sql", ""), IsError(ErrorKind::kInvalidArgument, HasSubstr("'model' is missing")));
  EXPECT_THAT(ParseModelFile("x.sql", "-- model: Dwd X\n"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("model name 'Dwd X'")));
}

TEST(ModelFile, AnIncrementalModelNeedsATimeAndADay) {
  std::string text = Header("");
  text.replace(text.find("full"), 4, "incremental");
  EXPECT_THAT(ParseModelFile("x.sql", text),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("reads: TABLE.TIME_COLUMN")));
  text.replace(text.find("-- key"), 6, "-- reads: ods_event.event_time 0d 0d\n-- key");
  EXPECT_THAT(ParseModelFile("x.sql", text), IsError(ErrorKind::kInvalidArgument, HasSubstr("partition: day(COLUMN)")));
}

TEST(SqlText, VariablesAreReplacedOnlyInCode) {
  auto sql = ReplaceVariables("x.sql", "-- @none\nSELECT '@start', \"@start\", @start /* @end */",
                              IntervalVariables(0, kMicrosPerDay));
  ASSERT_THAT(sql, IsOk());
  EXPECT_EQ(*sql, "-- @none\nSELECT '@start', \"@start\", TIMESTAMPTZ '1970-01-01 00:00:00.000000+00' /* @end */");
  EXPECT_THAT(ReplaceVariables("x.sql", "SELECT 1,\n@begin", IntervalVariables(0, 1)),
              IsError(ErrorKind::kInvalidArgument,
                      HasSubstr("x.sql:2: unknown variable '@begin'; allowed: @end, @part, @parts, @start")));
}

TEST(SqlText, APartIsTwoNumbers) {
  auto sql = ReplaceVariables("x.sql", "k % @parts = @part", IntervalVariables(0, 1, 2, 4));
  ASSERT_THAT(sql, IsOk());
  EXPECT_EQ(*sql, "k % 4 = 2");
}

TEST(ModelFile, MemoryIsWhatTheNightlyGivesOrLess) {
  Model model;
  EXPECT_EQ(MemoryOf(model, 3 << 20), uint64_t{3 << 20});
  model.memory_bytes_max = 2 << 20;
  EXPECT_EQ(MemoryOf(model, 3 << 20), uint64_t{2 << 20});
  EXPECT_EQ(MemoryOf(model, 1 << 20), uint64_t{1 << 20});
  EXPECT_EQ(MemoryOf(model, 0), uint64_t{2 << 20});
}

TEST(SqlText, CanonicalTextKeepsStringsAndDropsComments) {
  EXPECT_EQ(CanonicalSql("-- a\nSELECT  1, -- b\n '--  x' /* c */ FROM t\n"), "SELECT 1, '--  x' FROM t");
}

TEST(Dqdl, ReadsTheFiveKinds) {
  auto rules = ParseDqdl("c.dqdl", R"(# a comment
Rules = [
  RowCount > 100,
  IsUnique "id", Uniqueness "id" >= 0.9,
  # level: warn
  Completeness "user_id" > 0.999,
  ColumnValues "age" between -1 and 151,
  ColumnValues "kind" in ["a", "b"],
  CustomSql "SELECT COUNT(*) FROM primary" = 0
])");
  ASSERT_THAT(rules, IsOk());
  ASSERT_EQ(rules->size(), 7u);
  EXPECT_EQ((*rules)[0].line, 3);
  EXPECT_TRUE((*rules)[2].blocking);
  EXPECT_FALSE((*rules)[3].blocking);
  EXPECT_TRUE((*rules)[4].blocking);
  EXPECT_EQ((*rules)[4].text, "ColumnValues \"age\" between -1 and 151");
  EXPECT_TRUE(Holds(*(*rules)[4].condition, 150));
  EXPECT_FALSE(Holds(*(*rules)[4].condition, 151));
  EXPECT_EQ((*rules)[5].condition->texts.size(), 2u);
}

TEST(Dqdl, ReadsWhereAndHistory) {
  auto rules = ParseDqdl("c.dqdl",
                         "Rules = [ Completeness \"key\" = 1.0 where \"id > 1\", RowCount > avg(last(4)) * 0.2, "
                         "RowCount <= max(last(2)) ]");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ((*rules)[0].where, "id > 1");
  ASSERT_TRUE((*rules)[1].condition->history);
  EXPECT_EQ((*rules)[1].condition->history->weeks, 4);
  EXPECT_EQ((*rules)[1].condition->history->factor, 0.2);
  EXPECT_EQ((*rules)[1].text, "RowCount > avg(last(4)) * 0.2");
  EXPECT_EQ((*rules)[2].condition->history->figure, RowHistory::Figure::kMost);
}

TEST(Dqdl, ErrorsNameFileAndLine) {
  auto error = [](std::string_view text) { return ParseDqdl("c.dqdl", text).error().message(); };
  EXPECT_EQ(error("Rules = [\n RowCont > 1 ]"),
            "c.dqdl:2: found 'RowCont'; allowed rules: ColumnValues, Completeness, CustomSql, IsUnique, RowCount, "
            "Uniqueness");
  EXPECT_EQ(error("Rules = [ RowCount > x ]"),
            "c.dqdl:1: found 'x'; expected a number, or avg, min or max of last(WEEKS)");
  EXPECT_EQ(error("Rules = [ RowCount > avg(last(99)) ]"), "c.dqdl:1: last(99); allowed: 1 to 52 weeks");
  EXPECT_EQ(error("Rules = [ CustomSql \"SELECT 1\" = 0 where \"a\" ]"),
            "c.dqdl:1: found 'where'; a CustomSql has its own WHERE");
  EXPECT_EQ(error("Rules = [ Uniqueness \"a\" > avg ]"), "c.dqdl:1: found 'avg'; expected a number");
  EXPECT_EQ(error("Rules = [ IsUnique id ]"), "c.dqdl:1: found 'id'; expected a name or SQL in double quotes");
  EXPECT_EQ(error("Rules = [ RowCount > 1"),
            "c.dqdl:1: found the end of the file; allowed here: ',' before another rule or ']' after the last");
  EXPECT_EQ(error("Rules = [ IsUnique \"id ]"), "c.dqdl:1: a text that begins with \" does not end");
  EXPECT_EQ(error("Rules = [ ] more"), "c.dqdl:1: found 'more' after the rules; allowed: nothing more");
}

}  // namespace
}  // namespace feedmill::warehouse
