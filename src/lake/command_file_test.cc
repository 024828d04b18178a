// Runs the catalog on commands from a file, so that programs in other languages can have tables written by this code:
// FEEDMILL_LAKE_COMMANDS=<commands.json> lake_test --gtest_filter=CommandFile.Run. tests/interop/lake_interop.py writes
// such files.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "lake/bounds.h"
#include "lake/catalog.h"

namespace feedmill::lake {
namespace {

using nlohmann::json;

std::optional<ColumnType> TypeFromName(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(ColumnType::kListFloat); ++i) {
    if (ColumnTypeName(static_cast<ColumnType>(i)) == name) return static_cast<ColumnType>(i);
  }
  return std::nullopt;
}

Schema ColumnsOf(const json& list) {
  Schema columns;
  for (const json& entry : list) {
    Column column;
    column.name = entry["name"];
    column.type = TypeFromName(entry["type"]).value();
    column.required = entry.value("required", false);
    columns.push_back(std::move(column));
  }
  return columns;
}

PartitionSpec PartitionOf(const json& list) {
  PartitionSpec spec;
  for (const json& entry : list) {
    const std::string transform = entry[1];
    spec.push_back({entry[0], transform == "day"    ? Transform::kDay
                              : transform == "hour" ? Transform::kHour
                                                    : Transform::kIdentity});
  }
  return spec;
}

void SetBounds(const json& entry, ColumnType type, ColumnStatistics* statistics) {
  if (!entry.contains("min") || entry["min"].is_null()) return;
  if (type == ColumnType::kString) {
    statistics->lower_bound = StringLowerBound(entry["min"].get<std::string>());
    statistics->upper_bound = StringUpperBound(entry["max"].get<std::string>());
  } else if (type == ColumnType::kFloat || type == ColumnType::kDouble) {
    statistics->lower_bound = EncodeRealBound(type, entry["min"]);
    statistics->upper_bound = EncodeRealBound(type, entry["max"]);
  } else {
    statistics->lower_bound = EncodeIntegerBound(type, entry["min"]);
    statistics->upper_bound = EncodeIntegerBound(type, entry["max"]);
  }
}

DataFile FileOf(const json& entry, const Schema& columns) {
  DataFile file;
  file.path = entry["path"];
  file.record_count = entry["records"];
  file.size_bytes = static_cast<int64_t>(std::filesystem::file_size(file.path));
  for (const json& value : entry["partition"]) {
    file.partition.push_back(value.is_null()     ? std::nullopt
                             : value.is_string() ? std::optional<int64_t>(0)
                                                 : std::optional<int64_t>(value.get<int64_t>()));
    file.partition_text.push_back(value.is_string() ? value.get<std::string>() : "");
  }
  for (const Column& column : columns) {
    if (!entry["statistics"].contains(column.name)) continue;
    const json& given = entry["statistics"][column.name];
    ColumnStatistics& statistics = file.statistics[column.id];
    statistics.value_count = given["values"];
    statistics.null_count = given["nulls"];
    statistics.size_bytes = given["bytes"];
    SetBounds(given, column.type, &statistics);
  }
  return file;
}

Status Commit(Catalog& catalog, const json& command) {
  const std::string table = command["table"];
  FEEDMILL_ASSIGN(auto description, catalog.Load(table));
  CommitRequest request;
  if (command["do"] == "replace") request.operation = CommitRequest::Operation::kReplacePartitions;
  for (const json& file : command["files"]) request.files.push_back(FileOf(file, description.schema));
  FEEDMILL_TRY(catalog.Commit(table, request));
  return Ok();
}

Status RunCommand(Catalog& catalog, const json& command) {
  const std::string verb = command["do"];
  const std::string table = command["table"];
  if (verb == "create") {
    FEEDMILL_TRY(catalog.Create(table, ColumnsOf(command["columns"]), PartitionOf(command["partition"])));
    FEEDMILL_TRY(catalog.DataFolder(table));
  } else if (verb == "add_columns") {
    FEEDMILL_TRY(catalog.AddColumns(table, ColumnsOf(command["columns"])));
  } else if (verb == "expire") {
    FEEDMILL_TRY(catalog.ExpireSnapshots(table, std::numeric_limits<int64_t>::max(), command["keep"]));
  } else {
    return Commit(catalog, command);
  }
  return Ok();
}

TEST(CommandFile, Run) {
  const char* path = std::getenv("FEEDMILL_LAKE_COMMANDS");
  if (path == nullptr) GTEST_SKIP() << "FEEDMILL_LAKE_COMMANDS names no file";
  auto text = io::ReadWholeFile(io::PosixFileSystem(), path);
  ASSERT_TRUE(text) << text.error().ToString();
  const json document = json::parse(*text);
  auto store = meta::OpenStore(document["data"].get<std::string>() + "/meta.db", CatalogMigrations());
  ASSERT_TRUE(store) << store.error().ToString();
  CatalogOptions options;
  options.warehouse = document["data"].get<std::string>() + "/lake";
  options.small_manifests_max = document.value("small_manifests_max", 100);
  const SystemClock clock;
  auto catalog = OpenCatalog(io::PosixFileSystem(), **store, clock, options);
  ASSERT_TRUE(catalog) << catalog.error().ToString();
  for (const json& command : document["commands"]) {
    auto outcome = RunCommand(**catalog, command);
    ASSERT_TRUE(outcome) << command["do"] << " " << command["table"] << ": " << outcome.error().ToString();
  }
}

}  // namespace
}  // namespace feedmill::lake
