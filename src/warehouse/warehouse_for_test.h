// A warehouse over a real lake and metadata store, whose children are calls in this process.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/matchers.h"
#include "base/text_encoding.h"
#include "base/time_text.h"
#include "jobs/run_store.h"
#include "lake/run_tables.h"
#include "warehouse/model_job.h"
#include "warehouse/models_for_test.h"
#include "warehouse/nightly.h"

namespace feedmill::warehouse {

class WarehouseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("feedmill_warehouse_" + std::to_string(getpid()) + "_" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::vector<meta::Migration> migrations = lake::CatalogMigrations();
    for (auto more : {jobs::JobsMigrations(), WarehouseMigrations()})
      migrations.insert(migrations.end(), more.begin(), more.end());
    auto store = meta::OpenStore((folder_ / "meta.db").string(), migrations);
    ASSERT_THAT(store, IsOk());
    store_ = std::move(*store);
    lake::CatalogOptions options;
    options.warehouse = folder_ / "lake";
    auto catalog = lake::OpenCatalog(io::PosixFileSystem(), *store_, clock_, options);
    ASSERT_THAT(catalog, IsOk());
    catalog_ = std::move(*catalog);
    query::EngineOptions engine_options;
    engine_options.temporary_directory = folder_ / "tmp";
    engine_options.memory_bytes_max = 256ull << 20;
    engine_ = std::move(*query::OpenEngine(engine_options));
    session_ = std::move(*engine_->NewSession());
    Write("warehouse/ods/ods_event.sql", kEventModel);
    Write("warehouse/dwd/dwd_action.sql", kActionModel);
    Write("warehouse/dws/dws_total.sql", kTotalModel);
    Write("warehouse/ads/ads_top.sql", kTopModel);
    Schema schema = {{0, "id", ColumnType::kLong, false, "", 0},
                     {0, "event_time", ColumnType::kTimestamptz, false, "", 0},
                     {0, "weight", ColumnType::kLong, false, "", 0}};
    ASSERT_THAT(catalog_->Create("ods.ods_event", schema, {}), IsOk());
  }
  void TearDown() override {
    session_.reset();
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Write(const std::string& path, std::string_view text) {
    std::filesystem::create_directories((folder_ / "project" / path).parent_path());
    std::ofstream(folder_ / "project" / path) << text;
  }
  // rows: "(1, '2024-01-01 10:00:00', 5)"
  void Land(const std::string& rows) {
    std::string select =
        "SELECT id::BIGINT AS id, time::TIMESTAMPTZ AS event_time, weight::BIGINT AS weight FROM (VALUES " + rows +
        ") t(id, time, weight)";
    auto files = session_->WriteQuery(*catalog_, "ods.ods_event", select, "land-" + std::to_string(landed_++));
    ASSERT_THAT(files, IsOk());
    lake::CommitRequest request;
    request.files = *files;
    ASSERT_THAT(catalog_->Commit("ods.ods_event", request), IsOk());
  }
  Context MakeContext() {
    return {io::PosixFileSystem(), *catalog_, *store_, clock_, folder_ / "project", folder_ / "tmp", 2};
  }
  Result<Project> Load() { return LoadProject(io::PosixFileSystem(), folder_ / "project", *session_); }
  std::string LoadError() {
    auto project = Load();
    return project ? "" : project.error().message();
  }
  Result<std::vector<ModelPlan>> Plan() {
    auto project = Load();
    if (!project) return std::unexpected(project.error());
    return PlanAll(MakeContext(), *project, {clock_.Now(), {}, {}, "", false});
  }
  // Children are calls of RunModelJob in this process.
  NightlyOptions Options() {
    NightlyOptions options;
    options.runs_folder = folder_ / "runs";
    options.model_command = [](const std::string& model, const std::string& run, Micros end) {
      return std::vector<std::string>{"model", model, run, std::to_string(end)};
    };
    options.native_command = [](const std::string& native, const std::string&, Micros) {
      return std::vector<std::string>{"native", native};
    };
    options.run_child = [this](const io::ChildOptions& child,
                               const std::function<bool()>&) -> Result<io::ChildOutcome> {
      made_.push_back(child.arguments[1]);
      if (before_child_) before_child_(child.arguments[1]);
      io::ChildOutcome outcome;
      if (child.arguments[0] != "model") return outcome;
      ModelJobArguments arguments{
          child.arguments[1], std::stoll(child.arguments[3]), force_start_, force_end_, child.arguments[2], late_};
      auto project = Load();
      const auto catalog = lake::MakeRunCatalog(*catalog_, *store_, arguments.run_id);
      const Context context{io::PosixFileSystem(), *catalog, *store_, clock_, folder_ / "project", folder_ / "tmp", 2};
      auto result = RunModelJob(context, *project, arguments);
      if (result) {
        child.on_stdout_line(R"({"result":)" + ModelJobResultJson(*result) + "}");
      } else {
        std::string line = R"({"error":)";
        AppendJsonString(result.error().message(), &line);
        child.on_stdout_line(line + "}");
        outcome.exit_code = jobs::kExitPermanent;
      }
      return outcome;
    };
    options.force_start = force_start_;
    options.force_end = force_end_;
    options.late = late_;
    return options;
  }
  jobs::RunRecord Nightly() {
    made_.clear();
    auto project = Load();
    EXPECT_THAT(project, IsOk());
    clock_.Advance(1);
    auto run = RunNightly(MakeContext(), *project, Options());
    EXPECT_THAT(run, IsOk());
    return run.value_or(jobs::RunRecord{});
  }
  std::string Table(const std::string& name, const std::string& sql) {
    auto session = std::move(*engine_->NewSession());
    EXPECT_THAT(session->RegisterTable(*catalog_, TableName(name)), IsOk());
    auto rows = session->Query(sql);
    EXPECT_THAT(rows, IsOk());
    std::string text;
    for (const auto& row : rows->rows) {
      for (const auto& cell : row)
        text += (std::holds_alternative<int64_t>(cell) ? std::to_string(std::get<int64_t>(cell))
                                                       : std::get<std::string>(cell)) +
                " ";
    }
    return text;
  }
  std::string Totals() {
    return Table("dws_total", "SELECT day::VARCHAR, weight FROM dws_total ORDER BY day ASC NULLS LAST");
  }

  std::filesystem::path folder_;
  ManualClock clock_{*ParseTime("2024-01-06T12:00:00Z")};
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
  std::vector<std::string> made_;
  std::function<void(const std::string& step)> before_child_;
  std::optional<Micros> force_start_;
  std::optional<Micros> force_end_;
  bool late_ = false;
  int landed_ = 0;
};

}  // namespace feedmill::warehouse
