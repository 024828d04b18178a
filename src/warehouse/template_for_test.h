// The models of the template over an engine of their own, without a lake.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/matchers.h"
#include "base/time_text.h"
#include "warehouse/project.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {

class TemplateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    query::EngineOptions options;
    options.temporary_directory = std::filesystem::temp_directory_path() / ("feedmill_sql_" + std::to_string(getpid()));
    options.memory_bytes_max = memory_bytes_max_;
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
    std::ifstream columns(std::filesystem::path(FEEDMILL_SOURCE_DIR) / "tests/sql/ods_event.columns");
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
                         const std::string& end, int part = 0, int parts = 1) {
    Variables variables = IntervalVariables(*ParseTime(start), *ParseTime(end), part, parts);
    AddLastDays(*ParseTime(start), *ParseTime(end), &variables);
    auto text = ReplaceVariables(file, sql, variables);
    EXPECT_THAT(text, IsOk());
    return text.value_or("");
  }

  uint64_t memory_bytes_max_ = 512ull << 20;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
  Project project_;
};

}  // namespace feedmill::warehouse
