#include "cli/import_record.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/hash.h"

namespace feedmill::cli {
namespace {

constexpr size_t kBeginningBytes = 64 << 10;

Result<std::string> BeginningOf(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(const auto reader, files.OpenForRead(path));
  std::string beginning;
  FEEDMILL_TRY(reader->ReadAt(0, kBeginningBytes, &beginning));
  return beginning;
}

bool IsPair(const nlohmann::json& json) {
  return json.is_array() && json.size() == 2 && json[0].is_number_unsigned() && json[1].is_number_unsigned();
}

}  // namespace

void EntryRanges::Add(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = next->first;
  }
  while (next != ranges_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_[begin] = end;
}

uint64_t EntryRanges::EndOf(uint64_t entry) const {
  auto next = ranges_.upper_bound(entry);
  if (next == ranges_.begin()) return entry;
  return std::max(entry, std::prev(next)->second);
}

uint64_t EntryRanges::Count() const {
  uint64_t count = 0;
  for (const auto& [begin, end] : ranges_) count += end - begin;
  return count;
}

Result<ImportRecord> ImportRecord::Open(io::FileSystem& files, const std::string& file, std::string_view mapping,
                                        std::string_view url) {
  FEEDMILL_ASSIGN(const std::string beginning, BeginningOf(files, file));
  // A file that only grew has its entries where they were, unless it was shorter than its beginning.
  ImportRecord record(files, file + ".import-record", Sha256Hex(fmt::format("{}\n{}\n{}", url, mapping, beginning)));
  FEEDMILL_ASSIGN(const bool exists, files.Exists(record.path_));
  if (!exists) return record;
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, record.path_));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("of", "") != record.of_) return record;
  record.folder_ = json.value("folder", "");
  for (const auto& position : json.value("positions", nlohmann::json::array())) {
    if (IsPair(position)) record.NotePosition(position[0].get<uint32_t>(), position[1].get<uint64_t>());
  }
  for (const auto& range : json.value("acknowledged", nlohmann::json::array())) {
    if (IsPair(range)) record.acknowledged_.Add(range[0].get<uint64_t>(), range[1].get<uint64_t>());
  }
  return record;
}

void ImportRecord::NotePosition(uint32_t partition, uint64_t offset) {
  uint64_t& furthest = positions_[partition];
  furthest = std::max(furthest, offset);
}

std::optional<std::string> ImportRecord::Bind(const ServerPlace& place) {
  std::optional<std::string> other;
  if (acknowledged_.Count() > 0) other = WhyOther(place);
  if (other) Forget();
  folder_ = place.folder;
  return other;
}

std::optional<std::string> ImportRecord::WhyOther(const ServerPlace& place) const {
  if (folder_ != place.folder) return "they were sent to another data folder";
  for (const auto& [partition, offset] : positions_) {
    const auto end = place.ends.find(partition);
    const uint64_t records = end == place.ends.end() ? 0 : end->second;
    if (offset < records) continue;
    return fmt::format(
        "record {}:{} of the log was acknowledged, but the log ends at {}: the data folder was restored from an older "
        "copy",
        partition, offset, records);
  }
  return std::nullopt;
}

void ImportRecord::Forget() {
  acknowledged_ = {};
  positions_.clear();
}

Status ImportRecord::Save() const {
  nlohmann::json json = {{"of", of_},
                         {"folder", folder_},
                         {"positions", nlohmann::json::array()},
                         {"acknowledged", nlohmann::json::array()}};
  for (const auto& [partition, offset] : positions_) json["positions"].push_back({partition, offset});
  for (const auto& [begin, end] : acknowledged_.ranges()) json["acknowledged"].push_back({begin, end});
  return io::WriteFileAtomically(*files_, path_, json.dump() + "\n");
}

Status ImportRecord::Remove() const {
  FEEDMILL_ASSIGN(const bool exists, files_->Exists(path_));
  return exists ? files_->Remove(path_) : Ok();
}

}  // namespace feedmill::cli
