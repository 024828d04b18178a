#include "app/lake_check.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "lake/inventory.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;
using lake::LakeFile;

std::string NameOf(const LakeFile& file) { return file.path.substr(file.path.rfind('/') + 1); }

// A file that is gone is no damage when a younger version of its table does not name it any more.
bool StillNamed(lake::Catalog& catalog, const std::string& table, const std::string& path) {
  const auto inventory = catalog.TakeInventory(table);
  return !inventory || std::ranges::find(inventory->files, path, &LakeFile::path) != inventory->files.end();
}

Status CheckFile(lake::Catalog& catalog, io::FileSystem& files, const std::string& table, const LakeFile& file) {
  Status whole = lake::CheckDataFile(files, file.path, file.size_bytes, file.crc32c);
  if (!whole && whole.error().kind() == ErrorKind::kNotFound && !StillNamed(catalog, table, file.path)) return Ok();
  return whole;
}

// Files that cannot be read now (EMFILE, EIO) are damaged as far as anybody can tell.
void AddTable(lake::Catalog& catalog, const std::string& table, std::vector<std::pair<std::string, LakeFile>>* data,
              LakeCheck* check) {
  const auto inventory = catalog.TakeInventory(table);
  if (!inventory) return check->damaged.push_back({table, "", inventory.error().message(), true});
  // Where the current version can be planned, what cannot be read belongs to former ones alone.
  const bool current = !inventory->damaged.empty() && !catalog.PlanScan(table, {});
  for (const Error& error : inventory->damaged) check->damaged.push_back({table, "", error.message(), current});
  for (const LakeFile& file : inventory->files) {
    ++check->files;
    if (file.kind == LakeFile::Kind::kData) data->emplace_back(table, file);
  }
}

}  // namespace

Result<LakeCheck> CheckLake(lake::Catalog& catalog, io::FileSystem& files, const LakeCheckHooks& hooks) {
  LakeCheck check;
  std::vector<std::pair<std::string, LakeFile>> data;
  FEEDMILL_ASSIGN(const auto tables, catalog.ListTables());
  for (const std::string& table : tables) AddTable(catalog, table, &data, &check);
  uint64_t total = 0;
  for (const auto& [table, file] : data) total += static_cast<uint64_t>(file.size_bytes);
  for (const auto& [table, file] : data) {
    Status whole = CheckFile(catalog, files, table, file);
    if (whole && !file.crc32c) whole = hooks.read_whole(file.path);
    if (!whole) check.damaged.push_back({table, file.path, whole.error().message(), file.current});
    check.unchecked += !file.crc32c;
    check.bytes += static_cast<uint64_t>(file.size_bytes);
    hooks.on_bytes(check.bytes, total);
  }
  return check;
}

LakeScrub::LakeScrub(lake::Catalog& catalog, io::FileSystem& files, std::string state, uint64_t bytes_a_step,
                     MetricsRegistry& metrics)
    : catalog_(catalog),
      files_(files),
      state_(std::move(state)),
      bytes_a_step_(bytes_a_step),
      bytes_read_(metrics.GetCounter("feedmill_lake_scrubbed_bytes_total",
                                     "Bytes of tables read again and compared with their checksums.")),
      damaged_files_(metrics.GetGauge("feedmill_lake_damaged_files",
                                      "Files of tables that are not as they were committed; see the log.")) {}

void LakeScrub::Load() {
  loaded_ = true;
  const auto text = io::ReadWholeFile(files_, state_);
  const Json json = text ? Json::parse(*text, nullptr, false) : Json();
  if (!json.is_object()) return;
  const auto text_at = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
  };
  table_ = text_at("table");
  name_ = text_at("name");
  if (!json.contains("damaged") || !json["damaged"].is_object()) return;
  for (const auto& [why, table] : json["damaged"].items()) {
    if (table.is_string()) damaged_[why] = table.get<std::string>();
  }
  found_ = damaged_;  // the round that goes on has perhaps found them
  damaged_files_.Set(static_cast<double>(damaged_.size()));
}

Status LakeScrub::Save() {
  const Json json = {{"table", table_}, {"name", name_}, {"damaged", damaged_}};
  return io::WriteFileAtomically(files_, state_, json.dump(2) + "\n");
}

void LakeScrub::Report(const std::string& table, const std::string& why) {
  found_[why] = table;
  if (!damaged_.emplace(why, table).second) return;
  log::Error("a file of the lake is damaged; `feedmill verify --heal` makes it again where it can be",
             {{"table", table}, {"error", why}});
  damaged_files_.Set(static_cast<double>(damaged_.size()));
}

Status LakeScrub::Step() {
  if (!loaded_) Load();
  uint64_t bytes = 0;
  FEEDMILL_ASSIGN(auto tables, catalog_.ListTables());
  std::ranges::sort(tables);
  for (auto table = std::ranges::lower_bound(tables, table_); table != tables.end(); ++table) {
    if (*table != table_) name_.clear();
    table_ = *table;
    FEEDMILL_TRY(StepTable(*table, &bytes));
    if (bytes >= bytes_a_step_) return Save();
    table_ += '\n';  // after this one
  }
  damaged_ = std::exchange(found_, {});
  damaged_files_.Set(static_cast<double>(damaged_.size()));
  table_.clear();
  name_.clear();
  return Save();
}

Status LakeScrub::StepTable(const std::string& table, uint64_t* bytes) {
  auto inventory = catalog_.TakeInventory(table);
  if (!inventory) {
    Report(table, inventory.error().message());
    return Ok();
  }
  for (const Error& error : inventory->damaged) Report(table, error.message());
  std::ranges::sort(inventory->files, {}, NameOf);
  for (const LakeFile& file : inventory->files) {
    if (*bytes >= bytes_a_step_) return Ok();
    if (file.kind != LakeFile::Kind::kData || NameOf(file) <= name_) continue;
    const Status whole = CheckFile(catalog_, files_, table, file);
    if (!whole) Report(table, whole.error().message());
    name_ = NameOf(file);
    *bytes += static_cast<uint64_t>(file.size_bytes);
    bytes_read_.Add(static_cast<uint64_t>(file.size_bytes));
  }
  return Ok();
}

}  // namespace feedmill::app
