#include "warehouse/file_days.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include "lake/bounds.h"
#include "warehouse/interval_store.h"

namespace feedmill::warehouse {
namespace {

constexpr uint64_t kMemoryBytes = 256ull << 20;
constexpr size_t kDaysInFileMax = 1'000'000;

Day DayOfHour(int64_t hour) { return DayOf(hour * kMicrosPerHour); }

std::optional<Day> DayOfPartition(const lake::PartitionSpec& partition, const std::string& column,
                                  const lake::DataFile& file) {
  for (size_t i = 0; i < partition.size() && i < file.partition.size(); ++i) {
    if (partition[i].column != column || !file.partition[i]) continue;
    if (partition[i].transform == lake::Transform::kDay) return static_cast<Day>(*file.partition[i]);
    if (partition[i].transform == lake::Transform::kHour) return DayOfHour(*file.partition[i]);
  }
  return std::nullopt;
}

std::optional<Day> DayOfBound(ColumnType type, const std::optional<std::string>& bound) {
  if (!bound) return std::nullopt;
  auto value = lake::DecodeIntegerBound(type, *bound);
  if (!value) return std::nullopt;
  return type == ColumnType::kDate ? static_cast<Day>(*value) : DayOf(*value);
}

// When the file's own description says it: one day by its partition or its bounds.
std::optional<DayRows> Described(const lake::PartitionSpec& partition, const Column& column,
                                 const lake::DataFile& file) {
  if (auto day = DayOfPartition(partition, column.name, file)) return DayRows{{*day, file.record_count}};
  auto statistics = file.statistics.find(column.id);
  if (statistics == file.statistics.end()) return std::nullopt;
  auto first = DayOfBound(column.type, statistics->second.lower_bound);
  auto last = DayOfBound(column.type, statistics->second.upper_bound);
  if (!first || !last || *first != *last) return std::nullopt;
  return DayRows{{*first, file.record_count - statistics->second.null_count}};
}

std::string ToText(const DayRows& days) {
  auto document = nlohmann::json::array();
  for (const auto& [day, rows] : days) document.push_back({day, rows});
  return document.dump();
}

std::optional<DayRows> FromText(const std::string& text) {
  auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_array()) return std::nullopt;
  DayRows days;
  for (const auto& entry : document) {
    bool sound = entry.is_array() && entry.size() == 2 && entry[0].is_number_integer() && entry[1].is_number_integer();
    if (!sound) return std::nullopt;
    days[entry[0].get<Day>()] = entry[1].get<int64_t>();
  }
  return days;
}

}  // namespace

std::string FileName(const lake::DataFile& file) {
  constexpr std::string_view kBelow = "/data/";
  const size_t below = file.path.rfind(kBelow);
  return file.path.substr(below == std::string::npos ? file.path.rfind('/') + 1 : below + kBelow.size());
}

Result<DayRows> FileDays::Read(const Schema& schema, const std::string& column, const lake::DataFile& file) {
  if (session_ == nullptr) {
    query::EngineOptions options;
    options.temporary_directory = context_.temporary_directory;
    options.threads = context_.threads;
    options.memory_bytes_max = kMemoryBytes;
    FEEDMILL_ASSIGN(engine_, query::OpenEngine(options));
    FEEDMILL_ASSIGN(session_, engine_->NewSession());
  }
  FEEDMILL_TRY(session_->RegisterFiles("one_file", {schema, {file}, {}, 0}));
  const std::string sql = fmt::format(
      "SELECT CAST(CAST(\"{0}\" AS DATE) - DATE '1970-01-01' AS BIGINT), CAST(COUNT(*) AS BIGINT) FROM one_file "
      "WHERE \"{0}\" IS NOT NULL GROUP BY 1",
      column);
  FEEDMILL_ASSIGN(const query::Rows rows, session_->Query(sql, kDaysInFileMax));
  DayRows days;
  for (const auto& row : rows.rows) days[static_cast<Day>(std::get<int64_t>(row[0]))] = std::get<int64_t>(row[1]);
  return days;
}

Result<std::vector<DayRows>> FileDays::Of(const std::string& table, const lake::PartitionSpec& partition,
                                          const Schema& schema, const std::string& column_name,
                                          const std::vector<lake::DataFile>& files) {
  std::vector<DayRows> days(files.size());
  auto column = std::ranges::find(schema, column_name, &Column::name);
  bool timed =
      column != schema.end() && (column->type == ColumnType::kTimestamptz || column->type == ColumnType::kDate);
  if (!timed) return InvalidArgument("'{}' is no column of times; allowed: TIMESTAMPTZ or DATE", column_name);
  FEEDMILL_ASSIGN(auto remembered, LoadFileDays(context_.store, table, column_name));
  FileDayTexts read;
  for (size_t i = 0; i < files.size(); ++i) {
    if (auto described = Described(partition, *column, files[i])) {
      days[i] = std::move(*described);
      continue;
    }
    const std::string name = FileName(files[i]);
    auto known = remembered.find(name);
    auto kept = known == remembered.end() ? std::nullopt : FromText(known->second);
    if (known != remembered.end()) remembered.erase(known);
    if (kept) {
      days[i] = std::move(*kept);
      continue;
    }
    FEEDMILL_ASSIGN(days[i], Read(schema, column_name, files[i]));
    read[name] = ToText(days[i]);
  }
  if (!read.empty() || !remembered.empty())
    FEEDMILL_TRY(SaveFileDays(context_.store, table, column_name, read, remembered));
  return days;
}

}  // namespace feedmill::warehouse
