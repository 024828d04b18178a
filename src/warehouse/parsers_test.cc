#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "warehouse/domain_sql.h"
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
  EXPECT_THAT(
      ReplaceVariables("x.sql", "SELECT 1,\n@begin", IntervalVariables(0, 1)),
      IsError(ErrorKind::kInvalidArgument,
              HasSubstr("x.sql:2: unknown variable '@begin'; allowed: @end, @part, @parts, @start, @each_label, ")));
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

constexpr std::string_view kShop = R"(
[item.product]
id = "sku"
[item.customer]
id = "userId"
[action.shown]
event = "list_shown"
shown = true
[action.purchase]
events = ["order", "it's"]
taste = 5.0
label = "bought"
[action.gift]
event = "order"
when = "for_whom"
taste = 6.5
label = "order"
[action.fan]
event = "fan"
item = "customer"
id = "of"
taste = 9.0
label = "fanned"
[action.stay]
event = "stay"
taste = 1.0
value = "stay_ms"
value_max = 10
[action.back]
event = "returned"
taste = -2.0
)";

TEST(DomainSql, ListsHaveTheEventsOfTheDomain) {
  const auto shop = domain::ParseDomain("domain.toml", kShop);
  ASSERT_THAT(shop, IsOk());
  const auto expand = [&](std::string_view sql) { return ExpandDomain("x.sql", sql, **shop).value(); };
  EXPECT_EQ(expand("a IN (@shown_events) AND @start"), "a IN ('list_shown') AND @start");
  EXPECT_EQ(expand("@label_events"), "'order', 'it''s', 'fan'");
  EXPECT_EQ(expand("@author_label_events"), "'fan'");
  EXPECT_EQ(expand("'@taste' -- @taste\n"), "'@taste' -- @taste\n");
  EXPECT_EQ(expand("@taste"),
            "CASE WHEN (event_name IN ('order') AND \"for_whom\" IS NOT NULL) THEN 6.500000e0 "
            "WHEN event_name IN ('order', 'it''s') THEN 5.000000e0 WHEN event_name IN ('returned') THEN -2.000000e0 "
            "ELSE 0e0 END");
}

TEST(DomainSql, EachLabelRepeatsItsTextAndKeepsLines) {
  const auto shop = domain::ParseDomain("domain.toml", kShop);
  EXPECT_EQ(*ExpandDomain("x.sql", "SELECT\n@each_label(MAX(o.@label) -- best\n AS @label), b\nFROM x", **shop),
            "SELECT\nMAX(o.\"bought\")   AS \"bought\", MAX(o.\"order\")   AS \"order\", MAX(o.\"fanned\")   AS "
            "\"fanned\"\n, b\nFROM x");
  EXPECT_EQ(*ExpandDomain("x.sql", "@each_label(@action, @is)", **shop),
            "'purchase', event_name IN ('order', 'it''s'), 'gift', (event_name IN ('order') AND \"for_whom\" IS NOT "
            "NULL), 'fan', event_name IN ('fan')");
}

TEST(DomainSql, ErrorsNameFileAndLine) {
  const auto shop = domain::ParseDomain("domain.toml", kShop);
  for (const char* sql : {"\n@each_label", "\n@each_label b", "\n@each_label((a)"}) {
    EXPECT_THAT(ExpandDomain("x.sql", sql, **shop),
                IsError(ErrorKind::kInvalidArgument, HasSubstr("x.sql:2: @each_label: allowed: @each_label(TEXT)")));
  }
  const auto bare = domain::ParseDomain("domain.toml", "[item.a]\nid = \"a\"\n[item.u]\nid = \"userId\"\n");
  EXPECT_EQ(*ExpandDomain("x.sql", "a IN (@label_events)", **bare), "a IN (NULL)");
  EXPECT_THAT(ExpandDomain("x.sql", "@each_label(1)", **bare),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("no action with a label")));
}

}  // namespace
}  // namespace feedmill::warehouse
