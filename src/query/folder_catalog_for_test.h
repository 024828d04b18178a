// A catalog for tests of this room: tables live in a folder, every commit appends, there is no metadata.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lake/catalog.h"

namespace feedmill::query {

class FolderCatalog : public lake::Catalog {
 public:
  explicit FolderCatalog(std::string folder) : folder_(std::move(folder)) {}

  Result<std::vector<std::string>> ListTables() override {
    std::vector<std::string> names;
    for (const auto& [name, table] : tables_) names.push_back(name);
    return names;
  }
  Result<lake::TableDescription> Load(const std::string& table) override {
    auto found = tables_.find(table);
    if (found == tables_.end()) return NotFound("table {}", table);
    return found->second.description;
  }
  Result<lake::TableDescription> Create(const std::string& table, const Schema& schema,
                                        const lake::PartitionSpec& spec) override {
    lake::TableDescription description;
    description.name = table;
    description.location = folder_ + "/" + table;
    description.partition_spec = spec;
    int id = 0;
    for (Column column : schema) {
      column.id = ++id;
      if (column.type == ColumnType::kListFloat) column.element_id = ++id;
      description.schema.push_back(column);
    }
    tables_[table] = {description, {}};
    return description;
  }
  Status Drop(const std::string& table, bool) override {
    tables_.erase(table);
    return Ok();
  }
  Result<lake::TableDescription> AddColumns(const std::string& table, const Schema& columns) override {
    lake::TableDescription& description = tables_[table].description;
    for (Column column : columns) {
      column.id = description.schema.back().id + 1;
      description.schema.push_back(column);
    }
    return description;
  }
  Result<lake::Snapshot> Commit(const std::string& table, const lake::CommitRequest& request) override {
    auto& files = tables_[table].files;
    files.insert(files.end(), request.files.begin(), request.files.end());
    return lake::Snapshot{};
  }
  Result<lake::ScanPlan> PlanScan(const std::string& table, const std::vector<lake::RangeFilter>&,
                                  std::optional<int64_t>) override {
    auto found = tables_.find(table);
    if (found == tables_.end()) return NotFound("table {}", table);
    return lake::ScanPlan{found->second.description.schema, found->second.files, {}, 0};
  }
  Result<std::map<uint32_t, uint64_t>> LandedOffsets(const std::string&, const std::string&) override {
    return std::map<uint32_t, uint64_t>{};
  }
  Result<int64_t> AcquireWriterEpoch(const std::string&) override { return 1; }
  Result<int64_t> CurrentWriterEpoch(const std::string&) override { return 1; }
  Status ExpireSnapshots(const std::string&, Micros, int) override { return Ok(); }
  Result<std::string> DataFolder(const std::string& table) override {
    std::string path = folder_ + "/" + table + "/data";
    std::filesystem::create_directories(path);
    return path;
  }
  Result<int> AdoptTables() override { return 0; }
  Result<lake::Inventory> TakeInventory(const std::string&) override { return lake::Inventory{}; }

 private:
  struct Table {
    lake::TableDescription description;
    std::vector<lake::DataFile> files;
  };
  std::string folder_;
  std::map<std::string, Table> tables_;
};

}  // namespace feedmill::query
