// Runs tests/sql/*.test: the models of the template on a few rows (format: tests/sql/README.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "warehouse/template_for_test.h"

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

class SqlCaseRunner : public TemplateTest {
 protected:
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
    std::string sql = model == nullptr ? test.sql : Sql(model->file, model->sql, test.start, test.end, 0, 1);
    if (!test.error.empty()) {
      EXPECT_THAT(session_->DescribeQuery(sql), IsError(ErrorKind::kInvalidArgument, ::testing::HasSubstr(test.error)));
      return;
    }
    std::string columns;
    for (const std::string& column : test.expected.header)
      columns += fmt::format("{}COALESCE(CAST(\"{}\" AS VARCHAR), '-')", columns.empty() ? "" : ", ", column);
    std::vector<std::vector<std::string>> found;
    Select(columns, sql, &found);
    EXPECT_THAT(found, ::testing::UnorderedElementsAreArray(test.expected.rows));
    if (model == nullptr || sql == Sql(model->file, model->sql, test.start, test.end, 1, 3)) return;
    // A model that is made in parts gives the same rows.
    found.clear();
    for (int part = 0; part < 3; ++part)
      Select(columns, Sql(model->file, model->sql, test.start, test.end, part, 3), &found);
    EXPECT_THAT(found, ::testing::UnorderedElementsAreArray(test.expected.rows)) << "in parts";
  }

  void Select(const std::string& columns, const std::string& sql, std::vector<std::vector<std::string>>* found) {
    auto rows = session_->Query(fmt::format("SELECT {} FROM ({}\n) AS made", columns, sql));
    ASSERT_THAT(rows, IsOk());
    for (const auto& row : rows->rows) {
      std::vector<std::string> texts;
      for (const auto& cell : row) texts.push_back(std::get<std::string>(cell));
      found->push_back(std::move(texts));
    }
  }
};

class SqlCaseTest : public SqlCaseRunner, public ::testing::WithParamInterface<fs::path> {};

TEST_P(SqlCaseTest, GivesTheExpectedRows) {
  for (const SqlCase& test : ReadCases(GetParam())) {
    SCOPED_TRACE(test.name);
    NewSession();
    CreateTables();
    Run(test);
  }
}

TEST_F(SqlCaseRunner, EveryModelHasACase) {
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
