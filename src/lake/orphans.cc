#include "lake/orphans.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/log.h"
#include "lake/table_files.h"

namespace feedmill::lake {
namespace {

struct Candidate {
  std::string path;
  int64_t bytes = 0;
};

// What this program writes there. Anything else is somebody's, and nobody knows whose.
bool IsOurs(const std::string& name) {
  return name.ends_with(".parquet") || name.ends_with(".avro") || name.ends_with(".metadata.json");
}

bool IsOld(const std::filesystem::directory_entry& entry, Micros age_min) {
  std::error_code error;
  const auto written = entry.last_write_time(error);
  if (error) return false;
  return std::filesystem::file_time_type::clock::now() - written >= std::chrono::microseconds(age_min);
}

void ListFolder(const std::string& folder, const OrphanOptions& options, std::vector<Candidate>* candidates,
                OrphanReport* report) {
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code unreadable;
    if (!entry->is_regular_file(unreadable) || entry->is_symlink(unreadable)) continue;
    const std::string path = entry->path().string();
    if (!IsOurs(path)) {
      ++report->unknown;
    } else if (IsOld(*entry, options.age_min)) {
      candidates->push_back({path, static_cast<int64_t>(entry->file_size(unreadable))});
    }
  }
}

// Everything that the table's metadata leads to.
Status AddReferences(TableFiles& files, Catalog& catalog, const std::string& table, std::set<std::string>* kept) {
  FEEDMILL_ASSIGN(const TableDescription description, catalog.Load(table));
  FEEDMILL_ASSIGN(const auto metadata, files.ReadMetadata(description.metadata_location));
  kept->insert(description.metadata_location);
  for (const MetadataLogEntry& entry : metadata->metadata_log) kept->insert(entry.location);
  std::set<std::string> read;
  for (const Snapshot& snapshot : metadata->snapshots) {
    kept->insert(snapshot.manifest_list);
    FEEDMILL_ASSIGN(const auto manifests, files.ReadManifests(snapshot));
    for (const ManifestFile& manifest : manifests) {
      if (!read.insert(manifest.path).second) continue;
      kept->insert(manifest.path);
      FEEDMILL_ASSIGN(const auto entries, files.ReadEntries(manifest, *metadata));
      for (const ManifestEntry& entry : entries) kept->insert(entry.file.path);
    }
  }
  return Ok();
}

// Those that are not kept are counted, or removed.
void Settle(io::FileSystem& files, const std::vector<Candidate>& candidates, const std::set<std::string>& kept,
            bool remove, OrphanReport* report) {
  for (const Candidate& candidate : candidates) {
    if (kept.contains(candidate.path)) continue;
    if (remove && !files.Remove(candidate.path)) continue;
    ++report->files;
    report->bytes += candidate.bytes;
    report->paths.push_back(candidate.path);
  }
}

}  // namespace

Result<OrphanReport> ScanOrphans(io::FileSystem& files, const std::vector<Catalog*>& catalogs,
                                 const OrphanOptions& options) {
  OrphanReport report;
  std::set<std::string> folders;
  for (Catalog* catalog : catalogs) {
    FEEDMILL_ASSIGN(const auto tables, catalog->ListTables());
    for (const std::string& table : tables) {
      FEEDMILL_ASSIGN(const TableDescription description, catalog->Load(table));
      folders.insert(description.location);
    }
  }
  std::vector<Candidate> candidates;
  for (const std::string& folder : folders) {
    for (const char* part : {"/data", "/metadata"}) ListFolder(folder + part, options, &candidates, &report);
  }
  if (candidates.empty()) return report;
  std::set<std::string> kept;
  TableFiles reader(files);
  for (Catalog* catalog : catalogs) {
    FEEDMILL_ASSIGN(const auto tables, catalog->ListTables());
    for (const std::string& table : tables) FEEDMILL_TRY(AddReferences(reader, *catalog, table, &kept));
  }
  Settle(files, candidates, kept, options.remove, &report);
  return report;
}

std::string RunMark(std::string_view run_id) { return fmt::format("r{:016x}", Hash64(run_id)); }

Result<OrphanReport> RemoveLeftovers(io::FileSystem& files, Catalog& catalog, const std::string& table,
                                     std::string_view run_id) {
  OrphanReport report;
  const auto described = catalog.Load(table);
  if (!described && described.error().kind() == ErrorKind::kNotFound) return report;
  if (!described) return std::unexpected(described.error());
  std::vector<Candidate> candidates;
  ListFolder(described->location + "/data", {.age_min = 0}, &candidates, &report);
  std::erase_if(candidates, [mark = RunMark(run_id)](const Candidate& candidate) {
    return std::filesystem::path(candidate.path).filename().string().find(mark) == std::string::npos;
  });
  if (candidates.empty()) return report;
  std::set<std::string> kept;
  TableFiles reader(files);
  FEEDMILL_TRY(AddReferences(reader, catalog, table, &kept));
  Settle(files, candidates, kept, true, &report);
  if (report.files > 0) {
    log::Info("what a failed try wrote is removed",
              {{"table", table}, {"files", report.files}, {"bytes", report.bytes}});
  }
  return report;
}

}  // namespace feedmill::lake
