// A catalog over files of a temporary folder, with a table of actions by day.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "lake/bounds.h"
#include "lake/catalog.h"

namespace feedmill::lake {

inline constexpr Micros kNoon = 1'700'000'000'000'000;
inline constexpr int64_t kDay = kNoon / kMicrosPerDay;

// Over the operating system's files and SQLite, as the product runs it.
class CatalogTest : public testing::Test {
 protected:
  CatalogTest()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_lake_{}", getpid())), clock_(kNoon) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = std::move(*meta::OpenStore((folder_ / "meta.db").string(), CatalogMigrations()));
    Reopen();
  }
  ~CatalogTest() override { std::filesystem::remove_all(folder_); }

  void Reopen() {
    CatalogOptions options;
    options.warehouse = (folder_ / "lake").string();
    options.small_manifests_max = small_manifests_max_;
    options.snapshots_kept_max = snapshots_kept_max_;
    options.metadata_versions_kept_max = 5;
    catalog_ = std::move(*OpenCatalog(io::PosixFileSystem(), *store_, clock_, options));
  }

  static Column NewColumn(std::string name, ColumnType type, bool required = false) {
    Column column;
    column.name = std::move(name);
    column.type = type;
    column.required = required;
    return column;
  }
  static Schema ActionColumns() {
    return {NewColumn("event_id", ColumnType::kString, true), NewColumn("event_time", ColumnType::kTimestamptz, true),
            NewColumn("score", ColumnType::kDouble), NewColumn("vector", ColumnType::kListFloat),
            NewColumn("user_number", ColumnType::kLong)};
  }
  void CreateActions() {
    auto created = catalog_->Create(kTable, ActionColumns(), {{"event_time", Transform::kDay}});
    ASSERT_TRUE(created) << created.error().ToString();
  }

  // A file that stands for Parquet: the catalog never looks inside.
  DataFile NewFile(int64_t day, int64_t user_low = 0, int64_t user_high = 100) {
    auto folder = catalog_->DataFolder(kTable);
    EXPECT_TRUE(folder);
    DataFile file;
    file.path = fmt::format("{}/part-{:05d}.parquet", *folder, next_file_++);
    EXPECT_TRUE(io::WriteFileAtomically(io::PosixFileSystem(), file.path, "rows"));
    file.partition = {day};
    file.record_count = 10;
    file.size_bytes = 4;
    ColumnStatistics users{10, 0, 80, EncodeIntegerBound(ColumnType::kLong, user_low),
                           EncodeIntegerBound(ColumnType::kLong, user_high)};
    file.statistics[5] = users;
    return file;
  }
  static CommitRequest Append(std::vector<DataFile> files) {
    CommitRequest request;
    request.files = std::move(files);
    return request;
  }
  static CommitRequest Replace(std::vector<DataFile> files) {
    CommitRequest request = Append(std::move(files));
    request.operation = CommitRequest::Operation::kReplacePartitions;
    return request;
  }
  Snapshot MustCommit(const CommitRequest& request) {
    clock_.Advance(kMicrosPerMinute);
    auto snapshot = catalog_->Commit(kTable, request);
    EXPECT_TRUE(snapshot) << snapshot.error().ToString();
    return snapshot.value_or(Snapshot());
  }
  std::vector<std::string> Planned(const std::vector<RangeFilter>& filters = {}, std::optional<int64_t> snapshot = {}) {
    auto plan = catalog_->PlanScan(kTable, filters, snapshot);
    EXPECT_TRUE(plan) << plan.error().ToString();
    std::vector<std::string> paths;
    for (const DataFile& file : plan->files) paths.push_back(file.path);
    pruned_ = plan->files_pruned;
    return paths;
  }
  size_t FilesIn(const char* sub) const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder_ / "lake/dwd/dwd_user_action" / sub))
      ++count;
    return count;
  }

  const std::string kTable = "dwd.dwd_user_action";
  const std::filesystem::path folder_;
  ManualClock clock_;
  int64_t small_manifests_max_ = 100;
  int snapshots_kept_max_ = 500;
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<Catalog> catalog_;
  int next_file_ = 0;
  int64_t pruned_ = 0;
};

}  // namespace feedmill::lake
