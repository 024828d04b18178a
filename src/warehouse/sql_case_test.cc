// Runs tests/sql/*.test: the models of the template on a few rows (format: tests/sql/README.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/matchers.h"
#include "base/time_text.h"
#include "warehouse/project.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

namespace fs = std::filesystem;

struct Grid {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

struct SqlCase {
  std::string name;
  std::string model;
  std::string sql;
  std::string start = "2024-01-01";
  std::string end = "2024-01-02";
  std::vector<std::pair<std::string, Grid>> tables;
  Grid expected;
  std::string error;
};

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, '|');) {
    size_t begin = cell.find_first_not_of(' ');
    cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
  }
  return cells;
}

std::vector<SqlCase> ReadCases(const fs::path& path) {
  std::vector<SqlCase> cases;
  std::ifstream stream(path);
  Grid* grid = nullptr;
  bool in_sql = false;
  bool in_error = false;
  for (std::string line; std::getline(stream, line);) {
    std::string word = line.substr(0, line.find(' '));
    std::string rest = word.size() < line.size() ? line.substr(word.size() + 1) : "";
    if (in_sql && !line.empty()) {
      cases.back().sql += line + "\n";
      continue;
    }
    in_sql = false;
    if (line.empty()) continue;
    if (in_error) {
      cases.back().error = line;
      in_error = false;
    } else if (word == "case") {
      cases.push_back({});
      cases.back().name = rest;
    } else if (word == "model") {
      cases.back().model = rest;
    } else if (word == "sql") {
      in_sql = true;
    } else if (word == "interval") {
      cases.back().start = rest.substr(0, 10);
      cases.back().end = rest.substr(11, 10);
    } else if (word == "table") {
      grid = &cases.back().tables.emplace_back(rest, Grid{}).second;
    } else if (line == "expect") {
      grid = &cases.back().expected;
    } else if (line == "error") {
      in_error = true;
    } else if (grid->header.empty()) {
      grid->header = Cells(line);
    } else {
      grid->rows.push_back(Cells(line));
    }
  }
  return cases;
}

std::vector<fs::path> CaseFiles() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(FEEDMILL_SOURCE_DIR) / "tests/sql")) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

class TemplateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    query::EngineOptions options;
    options.temporary_directory = fs::temp_directory_path() / ("feedmill_sql_" + std::to_string(getpid()));
    options.memory_bytes_max = 512ull << 20;
    auto engine = query::OpenEngine(options);
    ASSERT_THAT(engine, IsOk());
    engine_ = std::move(*engine);
    NewSession();
    auto project = LoadProject(io::PosixFileSystem(), std::string(FEEDMILL_SOURCE_DIR) + "/template", *session_);
    ASSERT_THAT(project, IsOk());
    project_ = std::move(*project);
  }

  void NewSession() {
    auto session = engine_->NewSession();
    ASSERT_THAT(session, IsOk());
    session_ = std::move(*session);
  }

  // Empty tables of every model, in order: the columns of each come from its SELECT over those before.
  void CreateTables() {
    std::ifstream columns(fs::path(FEEDMILL_SOURCE_DIR) / "tests/sql/ods_event.columns");
    std::string list;
    for (std::string line; std::getline(columns, line);) list += (list.empty() ? "" : ", ") + line;
    Create("ods_event", list);
    for (const Model& model : project_.models) {
      if (!model.native.empty() || model.materialization == Materialization::kExternal) continue;
      if (!model.columns.empty()) Create(model.name, ColumnList(model.columns));
      auto schema = session_->DescribeQuery(Sql(model.file, model.sql, "2024-01-01", "2024-01-02"));
      ASSERT_THAT(schema, IsOk()) << model.file;
      if (model.columns.empty()) Create(model.name, ColumnList(*schema));
    }
  }

  static std::string ColumnList(const Schema& schema) {
    std::string list;
    for (const Column& column : schema)
      list += fmt::format("{}\"{}\" {}", list.empty() ? "" : ", ", column.name, ColumnTypeSqlName(column.type));
    return list;
  }

  void Create(const std::string& name, const std::string& columns) {
    ASSERT_THAT(session_->Execute(fmt::format("CREATE TEMP TABLE {} ({})", name, columns)), IsOk());
  }

  static std::string Sql(const std::string& file, const std::string& sql, const std::string& start,
                         const std::string& end) {
    auto text = ReplaceVariables(file, sql, IntervalVariables(*ParseTime(start), *ParseTime(end)));
    EXPECT_THAT(text, IsOk());
    return text.value_or("");
  }

  void Insert(const std::string& table, const Grid& grid) {
    for (const auto& row : grid.rows) {
      ASSERT_EQ(row.size(), grid.header.size()) << table << ": " << ::testing::PrintToString(row);
      std::string values;
      std::string names;
      for (size_t i = 0; i < row.size(); ++i) {
        names += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", grid.header[i]);
        values += (i == 0 ? "" : ", ") + (row[i] == "-" ? std::string("NULL") : "'" + row[i] + "'");
      }
      ASSERT_THAT(session_->Execute(fmt::format("INSERT INTO {} ({}) VALUES ({})", table, names, values)), IsOk());
    }
  }

  void Run(const SqlCase& test) {
    for (const auto& [table, grid] : test.tables) Insert(table, grid);
    const Model* model = project_.Find(test.model);
    ASSERT_TRUE(model != nullptr || !test.sql.empty()) << test.model;
    std::string sql = model == nullptr ? test.sql : Sql(model->file, model->sql, test.start, test.end);
    if (!test.error.empty()) {
      EXPECT_THAT(session_->DescribeQuery(sql), IsError(ErrorKind::kInvalidArgument, ::testing::HasSubstr(test.error)));
      return;
    }
    std::string columns;
    for (const std::string& column : test.expected.header)
      columns += fmt::format("{}COALESCE(CAST(\"{}\" AS VARCHAR), '-')", columns.empty() ? "" : ", ", column);
    auto rows = session_->Query(fmt::format("SELECT {} FROM ({}\n) AS made", columns, sql));
    ASSERT_THAT(rows, IsOk());
    std::vector<std::vector<std::string>> found;
    for (const auto& row : rows->rows) {
      std::vector<std::string> texts;
      for (const auto& cell : row) texts.push_back(std::get<std::string>(cell));
      found.push_back(std::move(texts));
    }
    EXPECT_THAT(found, ::testing::UnorderedElementsAreArray(test.expected.rows));
  }

  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
  Project project_;
};

class SqlCaseTest : public TemplateTest, public ::testing::WithParamInterface<fs::path> {};

TEST_P(SqlCaseTest, GivesTheExpectedRows) {
  for (const SqlCase& test : ReadCases(GetParam())) {
    SCOPED_TRACE(test.name);
    NewSession();
    CreateTables();
    Run(test);
  }
}

TEST_F(TemplateTest, EveryModelHasACase) {
  std::string text;
  for (const fs::path& path : CaseFiles()) {
    for (const SqlCase& test : ReadCases(path)) text += "|" + test.model + "|";
  }
  for (const Model& model : project_.models) {
    bool has_sql = model.native.empty() && model.materialization != Materialization::kExternal;
    if (!has_sql) continue;
    EXPECT_THAT(text, ::testing::HasSubstr("|" + model.name + "|"));
  }
}

INSTANTIATE_TEST_SUITE_P(Template, SqlCaseTest, ::testing::ValuesIn(CaseFiles()),
                         [](const auto& param) { return param.param.stem().string(); });

}  // namespace
}  // namespace feedmill::warehouse
