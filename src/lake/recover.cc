#include "lake/recover.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <tuple>

#include <nlohmann/json.hpp>

#include "lake/expire.h"
#include "lake/ids.h"
#include "lake/metadata_json.h"
#include "lake/scan_plan.h"
#include "lake/table_files.h"

namespace feedmill::lake {
namespace {

constexpr std::string_view kMetadataSuffix = ".metadata.json";

int64_t VersionOf(const std::string& name) {
  int64_t version = -1;
  std::from_chars(name.data(), name.data() + name.size(), version);
  return version;
}

// Names of the folders in `folder`, or of what else is in it; a file has none.
std::vector<std::string> Inside(io::FileSystem& files, const std::string& folder) {
  auto names = files.List(folder);
  return names ? std::move(*names) : std::vector<std::string>{};
}

std::vector<std::string> MetadataNames(io::FileSystem& files, const std::string& table_folder) {
  std::vector<std::string> names = Inside(files, table_folder + "/metadata");
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(kMetadataSuffix); });
  return names;
}

struct Version {
  std::string path;
  int64_t number = 0;
  std::shared_ptr<const TableMetadata> metadata;
  Micros newest = 0;  // when the table of this uuid last changed
};

struct Versions {
  std::vector<Version> newest_first;
  std::vector<std::string> damaged;  // why others could not be read
};

// A table that was made anew has another uuid and counts from 0, and the former one's files may be there.
Versions ReadVersions(TableFiles& tables, const std::string& folder, const std::vector<std::string>& names) {
  Versions found;
  std::vector<Version>& versions = found.newest_first;
  std::map<std::string, Micros> newest;
  for (const std::string& name : names) {
    const std::string path = fmt::format("{}/metadata/{}", folder, name);
    auto metadata = tables.ReadMetadata(path);
    if (!metadata) {
      found.damaged.push_back(metadata.error().ToString());
      continue;
    }
    Micros& last = newest[(*metadata)->uuid];
    last = std::max(last, (*metadata)->last_updated);
    versions.push_back({path, VersionOf(name), std::move(*metadata)});
  }
  for (Version& version : versions) version.newest = newest[version.metadata->uuid];
  std::ranges::sort(versions, [](const Version& a, const Version& b) {
    return std::tie(a.newest, a.number, a.path) > std::tie(b.newest, b.number, b.path);
  });
  return found;
}

std::string FolderOf(const std::string& warehouse, const std::string& table) {
  const auto point = table.find('.');
  return fmt::format("{}/{}/{}", warehouse, table.substr(0, point), table.substr(point + 1));
}

template <typename OnTable>
Status ForEachTable(io::FileSystem& files, const std::string& warehouse, const OnTable& on_table) {
  for (const std::string& space : Inside(files, warehouse)) {
    for (const std::string& name : Inside(files, fmt::format("{}/{}", warehouse, space))) {
      const std::string folder = fmt::format("{}/{}/{}", warehouse, space, name);
      const auto versions = MetadataNames(files, folder);
      if (!versions.empty()) FEEDMILL_TRY(on_table(fmt::format("{}.{}", space, name), folder, versions));
    }
  }
  return Ok();
}

void ReadLandings(const Snapshot& snapshot, FoundTable* table) {
  for (const auto& [key, text] : snapshot.summary) {
    int64_t epoch = 0;
    if (key == kWriterEpoch) std::from_chars(text.data(), text.data() + text.size(), epoch);
    table->writer_epoch = std::max(table->writer_epoch, epoch);
    if (!key.starts_with(kOffsetsPrefix)) continue;
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) continue;
    Offsets& offsets = table->landed[key.substr(kOffsetsPrefix.size())];
    for (const auto& [partition, next] : json.items()) {
      uint32_t number = 0;
      const auto [end, error] = std::from_chars(partition.data(), partition.data() + partition.size(), number);
      if (error != std::errc() || end != partition.data() + partition.size() || !next.is_number_unsigned()) continue;
      offsets[number] = std::max(offsets[number], next.get<uint64_t>());
    }
  }
}

Status CheckWhole(io::FileSystem& files, TableFiles& tables, const TableMetadata& metadata, FoundTable* table) {
  const Snapshot* current = metadata.CurrentSnapshot();
  FEEDMILL_ASSIGN(const ScanPlan plan, MakeScanPlan(tables, metadata, current, {}));
  for (const DataFile& file : plan.files) {
    FEEDMILL_ASSIGN(const uint64_t size, files.FileSize(file.path));
    if (size != static_cast<uint64_t>(file.size_bytes))
      return Corrupt("{}: {} bytes, the manifest says {}", file.path, size, file.size_bytes);
    table->rows += file.record_count;
  }
  if (current != nullptr) table->snapshot_id = current->id;
  for (const Snapshot& snapshot : metadata.snapshots) ReadLandings(snapshot, table);
  return Ok();
}

FoundTable NewestWhole(io::FileSystem& files, TableFiles& tables, const std::string& warehouse, const std::string& name,
                       Versions versions) {
  for (const Version& version : versions.newest_first) {
    FoundTable table;
    table.name = name;
    const Status whole = CheckWhole(files, tables, *version.metadata, &table);
    if (whole) {
      table.pointer = version.path.substr(warehouse.size() + 1);
      table.damaged_newer = std::move(versions.damaged);
      return table;
    }
    versions.damaged.push_back(whole.error().ToString());
  }
  FoundTable lost;
  lost.name = name;
  lost.damaged_newer = std::move(versions.damaged);
  return lost;
}

bool CanBeRead(TableFiles& tables, const TableMetadata& metadata, const Snapshot& snapshot,
               std::map<std::string, bool>* known) {
  const auto manifests = tables.ReadManifests(snapshot);
  return manifests && std::ranges::all_of(*manifests, [&](const ManifestFile& manifest) {
           const auto [found, added] = known->emplace(manifest.path, false);
           if (added) found->second = tables.ReadEntries(manifest, metadata).has_value();
           return found->second;
         });
}

// Former snapshots whose lists or manifests cannot be read (they expired since, or are damaged too).
void LeaveOutLost(TableFiles& tables, TableMetadata* metadata) {
  ExpiryRule rule;
  rule.older_than = std::numeric_limits<Micros>::max();
  rule.keep_min = 0;
  std::map<std::string, bool> known;
  for (const Snapshot& snapshot : metadata->snapshots) {
    if (CanBeRead(tables, *metadata, snapshot, &known)) rule.pinned.insert(snapshot.id);
  }
  RemoveExpired(rule, metadata);
}

}  // namespace

Result<std::optional<std::string>> FindOneTable(io::FileSystem& files, const std::string& warehouse) {
  std::optional<std::string> found;
  FEEDMILL_TRY(ForEachTable(files, warehouse, [&](const std::string& name, const auto&, const auto&) {
    if (!found || name < *found) found = name;  // not as the folder happens to list them
    return Ok();
  }));
  return found;
}

Result<std::vector<FoundTable>> FindTables(io::FileSystem& files, const std::string& warehouse) {
  TableFiles tables(files);
  std::vector<FoundTable> found;
  FEEDMILL_TRY(ForEachTable(
      files, warehouse,
      [&](const std::string& name, const std::string& folder, const std::vector<std::string>& names) -> Status {
        found.push_back(NewestWhole(files, tables, warehouse, name, ReadVersions(tables, folder, names)));
        return Ok();
      }));
  return found;
}

Result<FoundTable> FindTable(io::FileSystem& files, const std::string& warehouse, const std::string& name) {
  const std::string folder = FolderOf(warehouse, name);
  const auto names = MetadataNames(files, folder);
  if (names.empty()) return NotFound("{} has no metadata files of table '{}'", folder, name);
  TableFiles tables(files);
  return NewestWhole(files, tables, warehouse, name, ReadVersions(tables, folder, names));
}

Status GoBack(io::FileSystem& files, meta::Store& store, const std::string& warehouse, const FoundTable& version) {
  TableFiles tables(files);
  const std::string path = fmt::format("{}/{}", warehouse, version.pointer);
  FEEDMILL_ASSIGN(const auto whole, tables.ReadMetadata(path));
  // Files of a table that was moved are written anew before its next commit.
  if (TableFiles::IsMoved(*whole)) return ReplaceTable(store, version);
  TableMetadata metadata = *whole;
  LeaveOutLost(tables, &metadata);
  metadata.metadata_log.push_back({whole->last_updated, path});
  const std::string folder = FolderOf(warehouse, version.name) + "/metadata";
  int64_t number = 0;
  for (const std::string& name : MetadataNames(files, FolderOf(warehouse, version.name)))
    number = std::max(number, VersionOf(name));
  const std::string next =
      fmt::format("{}/{:05d}-{}{}", folder, number + 1, IdSource(std::nullopt).Uuid(), kMetadataSuffix);
  FEEDMILL_TRY(tables.WriteNew(next, WriteMetadataJson(metadata)));
  FEEDMILL_TRY(tables.SyncFolder(folder));
  FoundTable kept = version;
  kept.pointer = next.substr(warehouse.size() + 1);
  return ReplaceTable(store, kept);
}

}  // namespace feedmill::lake
