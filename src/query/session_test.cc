#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <unistd.h>

#include "base/matchers.h"
#include "base/time_text.h"
#include "lake/bounds.h"
#include "query/confined_engine.h"
#include "query/engine.h"
#include "query/folder_catalog_for_test.h"

namespace feedmill::query {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("feedmill_query_" + std::to_string(getpid()) + "_" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    EngineOptions options;
    options.temporary_directory = folder_ / "tmp";
    options.memory_bytes_max = 512ull << 20;
    auto engine = OpenEngine(options);
    ASSERT_THAT(engine, IsOk());
    engine_ = std::move(*engine);
    auto session = engine_->NewSession();
    ASSERT_THAT(session, IsOk());
    session_ = std::move(*session);
    catalog_ = std::make_unique<FolderCatalog>(folder_.string());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<std::vector<Cell>> RowsOf(std::string_view sql) {
    auto rows = session_->Query(sql);
    EXPECT_THAT(rows, IsOk());
    return rows ? rows->rows : std::vector<std::vector<Cell>>{};
  }
  void CreateEvents(const lake::PartitionSpec& spec) {
    Schema schema = {
        {0, "id", ColumnType::kLong, true, "", 0},           {0, "name", ColumnType::kString, false, "", 0},
        {0, "time", ColumnType::kTimestamptz, false, "", 0}, {0, "score", ColumnType::kDouble, false, "", 0},
        {0, "vector", ColumnType::kListFloat, false, "", 0}, {0, "good", ColumnType::kBoolean, false, "", 0},
        {0, "day", ColumnType::kDate, false, "", 0},         {0, "small", ColumnType::kInt, false, "", 0},
        {0, "ratio", ColumnType::kFloat, false, "", 0}};
    ASSERT_THAT(catalog_->Create("ods.event", schema, spec), IsOk());
  }

  std::filesystem::path folder_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<FolderCatalog> catalog_;
};

TEST_F(SessionTest, CellsOfEachType) {
  auto rows = RowsOf(
      "SELECT 1, 2::BIGINT, 1.5::DOUBLE, 'x', true, NULL, TIMESTAMPTZ '1970-01-01 00:00:01+00', DATE '1970-01-03', "
      "sum(i), 2.25, [1.5::FLOAT] "
      "FROM range(5) t(i)");
  ASSERT_EQ(rows.size(), 1u);
  std::vector<Cell> expected = {int64_t{1}, int64_t{2},  1.5,  std::string("x"),    true, nullptr, int64_t{1'000'000},
                                int64_t{2}, int64_t{10}, 2.25, std::string("[1.5]")};
  EXPECT_EQ(rows[0], expected);
}

TEST_F(SessionTest, ErrorsNameLineAndColumn) {
  EXPECT_THAT(
      session_->Query("SELECT 1,\n  2 FRM x"),
      IsError(ErrorKind::kInvalidArgument, StartsWith("line 2, column 9: Parser error: syntax error at or near")));
  EXPECT_THAT(session_->Query("SELECT 'é',\n  nothing FROM range(3) t(i)"),
              IsError(ErrorKind::kInvalidArgument, StartsWith("line 2, column 3: there is no column \"nothing\"")));
  EXPECT_THAT(session_->Query("SELECT *\nFROM nowhere"),
              IsError(ErrorKind::kInvalidArgument, StartsWith("line 2, column 6: there is no table \"nowhere\"")));
}

TEST_F(SessionTest, ReasonsAreTypedWhereTheEngineSaysWhatWasWrong) {
  ASSERT_THAT(session_->Execute("CREATE TEMP TABLE seen (user_id VARCHAR, place INTEGER)"), IsOk());
  const std::pair<const char*, const char*> wrong[] = {
      {"SELECT usr_id FROM seen", "line 1, column 8: there is no column \"usr_id\"; near it: user_id"},
      {"SELECT flor(1)", "line 1, column 8: there is no scalar function \"flor\"; near it: floor"},
      {"SELECT sum(user_id) FROM seen", "line 1, column 8: no function takes sum(VARCHAR); there are: sum(DECIMAL)"},
      {"SELECT CAST('a' AS BIGINT)", "line 1, column 8: Conversion error: Could not convert"}};
  for (const auto& [sql, reason] : wrong)
    EXPECT_THAT(session_->Query(sql), IsError(ErrorKind::kInvalidArgument, StartsWith(reason))) << sql;
  EngineOptions options;
  options.temporary_directory = folder_ / "confined";
  const auto confined = OpenConfinedEngine(options, {(folder_ / "lake").string()});
  ASSERT_THAT(confined, IsOk());
  const auto session = *(*confined)->NewSession();
  for (const char* sql : {"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_parquet('https://x/y.parquet')"})
    EXPECT_THAT(session->Query(sql),
                IsError(ErrorKind::kIo, AllOf(StartsWith("line 1, column 15: found \""),
                                              HasSubstr("a file or an address; allowed are tables"))));
}

TEST_F(SessionTest, QueryRefusesTooManyRows) {
  EXPECT_THAT(session_->Query("SELECT * FROM range(5000)", 4000),
              IsError(ErrorKind::kResourceExhausted, HasSubstr("4000")));
}

TEST_F(SessionTest, StreamReadsChunksIncludingConstants) {
  int64_t sum = 0;
  int64_t texts = 0;
  auto status =
      session_->Stream("SELECT i::BIGINT, 'a text that is longer than twelve', 7::BIGINT FROM range(10000) t(i)",
                       [&](const Chunk& chunk) {
                         for (size_t row = 0; row < chunk.row_count(); ++row) {
                           sum += chunk.Longs(0)[row] + chunk.Longs(2)[row];
                           texts += chunk.Text(1, row) == "a text that is longer than twelve";
                         }
                         return Ok();
                       });
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(sum, 9999 * 5000 + 70000);
  EXPECT_EQ(texts, 10000);
}

TEST_F(SessionTest, StreamStopsAtTheCallersError) {
  int calls = 0;
  auto status = session_->Stream("SELECT * FROM range(100000) t(i)", [&](const Chunk&) -> Status {
    ++calls;
    return Aborted("enough");
  });
  EXPECT_THAT(status, IsError(ErrorKind::kAborted, HasSubstr("enough")));
  EXPECT_EQ(calls, 1);
}

TEST_F(SessionTest, StreamReportsAnErrorInTheMiddle) {
  auto status =
      session_->Stream("SELECT CASE WHEN i = 90000 THEN error('broken row') ELSE '' END FROM range(100000) t(i)",
                       [](const Chunk&) { return Ok(); });
  EXPECT_FALSE(status.has_value());
}

// By its kind a step is tried again in smaller parts.
TEST_F(SessionTest, AStreamWithoutMemorySaysSo) {
  const auto engine = OpenEngine({.temporary_directory = folder_ / "little", .memory_bytes_max = 64ull << 20});
  ASSERT_THAT(engine, IsOk());
  const auto session = (*engine)->NewSession();
  const auto status = (*session)->Stream("SELECT CAST(len(list(i)) AS BIGINT) FROM range(50000000) t(i)",
                                         [](const Chunk&) { return Ok(); });
  EXPECT_THAT(status, IsError(ErrorKind::kResourceExhausted, HasSubstr("memory")));
}

TEST_F(SessionTest, ReferencedTablesLeaveOutCtes) {
  auto tables = session_->ReferencedTables(
      "WITH a AS (SELECT * FROM b), c AS (SELECT * FROM a JOIN dwd.d ON true)\n"
      "SELECT (SELECT max(x) FROM e) FROM c JOIN f ON c.id IN (SELECT id FROM g) UNION ALL SELECT 1 FROM b");
  ASSERT_THAT(tables, IsOk());
  EXPECT_THAT(*tables, ElementsAre("b", "dwd.d", "e", "f", "g"));
}

TEST_F(SessionTest, ACteMayHideTheTableItReads) {
  auto tables = session_->ReferencedTables("WITH post AS (SELECT * FROM post WHERE x > 1) SELECT * FROM post");
  ASSERT_THAT(tables, IsOk());
  EXPECT_THAT(*tables, ElementsAre("post"));
  tables = session_->ReferencedTables(
      "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r");
  ASSERT_THAT(tables, IsOk());
  EXPECT_THAT(*tables, ElementsAre());
}

TEST_F(SessionTest, ReferencedTablesTellSyntaxErrorsWithTheirPlace) {
  EXPECT_THAT(session_->ReferencedTables("SELECT 1\nFROM (SELECT"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("rror")));
  for (const char* sql : {"DROP TABLE x", "  drop table x", "INSERT INTO x VALUES (1)"}) {
    const auto refused = session_->ReferencedTables(sql);
    ASSERT_FALSE(refused.has_value()) << sql;
    EXPECT_THAT(refused.error().message(), testing::HasSubstr(sql[0] == 'I' ? "found INSERT" : "found DROP"));
    EXPECT_THAT(refused.error().message(), testing::HasSubstr("allowed: one SELECT"));
  }
  EXPECT_FALSE(session_->ReferencedTables("SELECT 1; SELECT 2").has_value());
}

TEST_F(SessionTest, DescribeQueryMapsTypesAndRefusesWideSums) {
  auto schema = session_->DescribeQuery(
      "SELECT 1 AS a, 'x' AS b, now() AS c, [1::FLOAT] AS d, CAST(sum(i) AS BIGINT) AS e FROM range(3) t(i)");
  ASSERT_THAT(schema, IsOk());
  std::vector<ColumnType> types;
  for (const Column& column : *schema) types.push_back(column.type);
  EXPECT_THAT(types, ElementsAre(ColumnType::kInt, ColumnType::kString, ColumnType::kTimestamptz,
                                 ColumnType::kListFloat, ColumnType::kLong));
  EXPECT_THAT(session_->DescribeQuery("SELECT sum(i) AS total FROM range(3) t(i)"),
              IsError(ErrorKind::kInvalidArgument,
                      AllOf(HasSubstr("'total' is HUGEINT"), HasSubstr("cast this sum to BIGINT"))));
  EXPECT_FALSE(session_->DescribeQuery("CREATE TABLE x (i INT)").has_value());
}

constexpr std::string_view kSomeRows =
    "SELECT i::BIGINT AS id, 'name' || i AS name, TIMESTAMPTZ '2024-01-01 22:00:00.25+00' + i * INTERVAL 1 HOUR AS "
    "time, "
    "i / 2.0::DOUBLE AS score, [i::FLOAT, 0.5::FLOAT] AS vector, CASE WHEN i > 0 THEN i % 2 = 0 END AS good, DATE "
    "'2024-01-01' AS day, "
    "i::INTEGER AS small, -i::FLOAT AS ratio FROM range(5) t(i)";

TEST_F(SessionTest, WriteQueryDescribesItsFile) {
  CreateEvents({});
  auto files = session_->WriteQuery(*catalog_, "ods.event", kSomeRows, "stem");
  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(files->size(), 1u);
  const lake::DataFile& file = (*files)[0];
  EXPECT_THAT(file.path, testing::MatchesRegex((folder_ / "ods.event/data/stem-").string() + "[0-9a-f-]{36}.parquet"));
  EXPECT_EQ(file.record_count, 5);
  EXPECT_EQ(file.size_bytes, static_cast<int64_t>(std::filesystem::file_size(file.path)));
  EXPECT_EQ(file.statistics.at(1).lower_bound, lake::EncodeIntegerBound(ColumnType::kLong, 0));
  EXPECT_EQ(file.statistics.at(1).upper_bound, lake::EncodeIntegerBound(ColumnType::kLong, 4));
  EXPECT_EQ(file.statistics.at(2).upper_bound, "name4");
  EXPECT_EQ(file.statistics.at(3).lower_bound,
            lake::EncodeIntegerBound(ColumnType::kTimestamptz, *ParseTime("2024-01-01T22:00:00.25Z")));
  EXPECT_EQ(file.statistics.at(4).upper_bound, lake::EncodeRealBound(ColumnType::kDouble, 2.0));
  EXPECT_EQ(file.statistics.count(5), 0u);
  EXPECT_EQ(file.statistics.at(7).null_count, 1);
  EXPECT_EQ(file.statistics.at(7).value_count, 5);
  EXPECT_EQ(file.statistics.at(7).upper_bound, std::string(1, '\1'));
  EXPECT_EQ(file.statistics.at(8).lower_bound, lake::EncodeIntegerBound(ColumnType::kDate, *ParseDay("2024-01-01")));
  EXPECT_EQ(file.statistics.at(10).lower_bound, lake::EncodeRealBound(ColumnType::kFloat, -4.0));
}

TEST_F(SessionTest, WriteQuerySplitsByDayAndHour) {
  CreateEvents({{"time", lake::Transform::kDay}});
  auto files = session_->WriteQuery(*catalog_, "ods.event", kSomeRows, "stem");
  ASSERT_THAT(files, IsOk());
  std::map<int64_t, int64_t> rows_by_day;
  for (const auto& file : *files) rows_by_day[file.partition.at(0).value()] = file.record_count;
  Day first = *ParseDay("2024-01-01");
  EXPECT_EQ(rows_by_day, (std::map<int64_t, int64_t>{{first, 2}, {first + 1, 3}}));
  EXPECT_THAT((*files)[0].path, HasSubstr("/time_day=2024-01-0"));

  ASSERT_THAT(catalog_->Drop("ods.event", true), IsOk());
  CreateEvents({{"time", lake::Transform::kHour}, {"name", lake::Transform::kIdentity}});
  files = session_->WriteQuery(*catalog_, "ods.event", kSomeRows, "stem");
  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(files->size(), 5u);
  for (const auto& file : *files) {
    int64_t row = file.partition.at(0).value() - (first * 24 + 22);
    EXPECT_EQ(file.partition_text.at(1), "name" + std::to_string(row));
  }
}

TEST_F(SessionTest, HoursBefore1970RoundDown) {
  CreateEvents({{"time", lake::Transform::kHour}});
  auto files = session_->WriteQuery(*catalog_, "ods.event",
                                    "SELECT 1::BIGINT AS id, TIMESTAMPTZ '1969-12-31 23:30:00+00' AS time", "s");
  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(files->size(), 1u);
  EXPECT_EQ((*files)[0].partition[0], -1);
}

TEST_F(SessionTest, ANullPartitionIsNull) {
  CreateEvents({{"time", lake::Transform::kDay}});
  auto files = session_->WriteQuery(*catalog_, "ods.event", "SELECT 1::BIGINT AS id, NULL::TIMESTAMPTZ AS time", "s");
  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(files->size(), 1u);
  EXPECT_EQ((*files)[0].partition[0], std::nullopt);
}

TEST_F(SessionTest, NoFileIsWrittenOver) {
  CreateEvents({{"time", lake::Transform::kDay}});
  auto first = session_->WriteQuery(*catalog_, "ods.event", kSomeRows, "stem");
  auto second = session_->WriteQuery(*catalog_, "ods.event", kSomeRows, "stem");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  std::set<std::string> paths;
  for (const auto& files : {*first, *second}) {
    for (const lake::DataFile& file : files) EXPECT_TRUE(paths.insert(file.path).second) << file.path;
  }
}

TEST_F(SessionTest, NoRowsWriteNoFile) {
  CreateEvents({});
  auto files = session_->WriteQuery(*catalog_, "ods.event", "SELECT 1::BIGINT AS id WHERE false", "stem");
  ASSERT_THAT(files, IsOk());
  EXPECT_TRUE(files->empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "ods.event/data"));
}

TEST_F(SessionTest, WriteQueryRefusesColumnsThatDoNotFit) {
  CreateEvents({});
  EXPECT_THAT(session_->WriteQuery(*catalog_, "ods.event", "SELECT 1::BIGINT AS id, 2 AS extra", "s"),
              IsError(ErrorKind::kInvalidArgument, AllOf(HasSubstr("'extra'"), HasSubstr("it has: id, name"))));
  EXPECT_THAT(session_->WriteQuery(*catalog_, "ods.event", "SELECT 'a' AS name", "s"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("'id' of table ods.event is required")));
}

TEST_F(SessionTest, TablesReadByFieldIdAfterColumnsWereAdded) {
  CreateEvents({{"time", lake::Transform::kDay}});
  auto files = session_->WriteQuery(*catalog_, "ods.event", kSomeRows, "stem");
  ASSERT_THAT(files, IsOk());
  ASSERT_THAT(session_->RegisterTable(*catalog_, "ods.event"), IsOk());
  EXPECT_EQ(RowsOf("SELECT count(*) FROM event"), (std::vector<std::vector<Cell>>{{int64_t{0}}}));
  lake::CommitRequest request;
  request.files = *files;
  ASSERT_THAT(catalog_->Commit("ods.event", request), IsOk());
  ASSERT_THAT(catalog_->AddColumns("ods.event", {{0, "later", ColumnType::kLong, false, "", 0}}), IsOk());
  ASSERT_THAT(session_->RegisterTable(*catalog_, "ods.event"), IsOk());
  auto rows = RowsOf("SELECT id, name, later, vector FROM event ORDER BY id DESC NULLS LAST LIMIT 1");
  EXPECT_EQ(rows,
            (std::vector<std::vector<Cell>>{{int64_t{4}, std::string("name4"), nullptr, std::string("[4, 0.5]")}}));
}

TEST_F(SessionTest, PositionDeletesAreApplied) {
  CreateEvents({});
  auto files = session_->WriteQuery(*catalog_, "ods.event", kSomeRows, "stem");
  ASSERT_THAT(files, IsOk());
  std::string deletes = folder_ / "deletes.parquet";
  ASSERT_THAT(session_->Execute("COPY (SELECT 'file://" + (*files)[0].path +
                                "' AS file_path, unnest([1, 3])::BIGINT AS pos) TO '" + deletes + "'"),
              IsOk());
  auto description = catalog_->Load("ods.event");
  ASSERT_THAT(session_->RegisterFiles("event", {description->schema, *files, {deletes}, 0}), IsOk());
  EXPECT_EQ(RowsOf("SELECT id FROM event ORDER BY id ASC NULLS LAST"),
            (std::vector<std::vector<Cell>>{{int64_t{0}}, {int64_t{2}}, {int64_t{4}}}));
}

TEST_F(SessionTest, SessionsDoNotSeeEachOthersTables) {
  CreateEvents({});
  ASSERT_THAT(session_->RegisterTable(*catalog_, "ods.event"), IsOk());
  auto other = engine_->NewSession();
  ASSERT_THAT(other, IsOk());
  EXPECT_FALSE((*other)->Query("SELECT * FROM event").has_value());
}

TEST_F(SessionTest, WriterWritesWhatItWasGiven) {
  CreateEvents({{"time", lake::Transform::kDay}});
  auto writer = session_->OpenWriter(*catalog_, "ods.event", "batch-7");
  ASSERT_THAT(writer, IsOk());
  constexpr int64_t kRows = 5000;
  std::vector<float> vector = {1, 2, 3};
  for (int64_t i = 0; i < kRows; ++i) {
    (*writer)->AppendLong(0, i);
    if (i % 3 == 0) {
      (*writer)->AppendNull(1);
    } else {
      (*writer)->AppendText(1, "a name of some length " + std::to_string(i));
    }
    (*writer)->AppendLong(2, i * kMicrosPerMinute);
    (*writer)->AppendDouble(3, i / 4.0);
    (*writer)->AppendFloatList(4, std::span(vector).first(static_cast<size_t>(i % 4)));
    (*writer)->AppendBoolean(5, i % 2 == 0);
    (*writer)->AppendInt(6, static_cast<int32_t>(i));
    (*writer)->AppendInt(7, -1);
    (*writer)->AppendFloat(8, 0.5f);
    ASSERT_THAT((*writer)->EndRow(), IsOk());
  }
  auto files = (*writer)->Finish();
  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(files->size(), 4u);
  auto description = catalog_->Load("ods.event");
  ASSERT_THAT(session_->RegisterFiles("event", {description->schema, *files, {}, 0}), IsOk());
  auto rows = RowsOf(
      "SELECT count(*), sum(id), count(name), sum(len(vector)), count(*) FILTER (WHERE good), max(day), min(small), "
      "sum(ratio) FROM event");
  std::vector<Cell> expected = {
      kRows, kRows * (kRows - 1) / 2, int64_t{3333}, int64_t{7500}, int64_t{2500}, kRows - 1, int64_t{-1}, 2500.0};
  EXPECT_EQ(rows[0], expected);
}

TEST_F(SessionTest, WriterRefusesARowWithAMissingValue) {
  CreateEvents({});
  auto writer = session_->OpenWriter(*catalog_, "ods.event", "s");
  ASSERT_THAT(writer, IsOk());
  (*writer)->AppendLong(0, 1);
  EXPECT_THAT((*writer)->EndRow(), IsError(ErrorKind::kInternal, HasSubstr("got 1 values")));
}

TEST_F(SessionTest, RunsOutOfMemoryWithAKindOfItsOwn) {
  EngineOptions options;
  options.temporary_directory = folder_ / "tiny";
  options.memory_bytes_max = 64ull << 20;
  options.temporary_bytes_max = 1 << 20;
  auto engine = OpenEngine(options);
  ASSERT_THAT(engine, IsOk());
  auto session = (*engine)->NewSession();
  ASSERT_THAT(session, IsOk());
  auto rows = (*session)->Query(
      "SELECT len(list(i::VARCHAR || 'some more text to fill the memory')) FROM range(20000000) t(i)");
  EXPECT_THAT(rows, IsError(ErrorKind::kResourceExhausted));
}

TEST_F(SessionTest, EngineRefusesSettingsItCannotUse) {
  EngineOptions options;
  EXPECT_THAT(OpenEngine(options), IsError(ErrorKind::kInvalidArgument, HasSubstr("temporary_directory")));
  options.temporary_directory = folder_ / "tmp";
  options.threads = 0;
  EXPECT_THAT(OpenEngine(options), IsError(ErrorKind::kInvalidArgument, HasSubstr("threads is 0")));
}

}  // namespace
}  // namespace feedmill::query
