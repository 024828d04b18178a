// Files below the tables' folders that nothing refers to: what a killed commit or a rebuild has left.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/file_system.h"
#include "lake/catalog.h"

namespace feedmill::lake {

struct OrphanOptions {
  Micros age_min = kMicrosPerDay;  // younger files may belong to a commit under way
  bool remove = false;             // false: only looks
};

struct OrphanReport {
  int64_t files = 0;  // that nothing refers to, old enough
  int64_t bytes = 0;
  int64_t unknown = 0;  // files of a kind that this program does not write: never touched
  std::vector<std::string> paths;
};

// Looks into data/ and metadata/ of every table of the catalogs. What is referred to is read after the folders, so that
// a commit meanwhile loses nothing. A table that cannot be read keeps all its files and ends the scan with its error.
Result<OrphanReport> ScanOrphans(io::FileSystem& files, const std::vector<Catalog*>& catalogs,
                                 const OrphanOptions& options);

// Goes into the names of the files that a run writes, so that what a failed try of a step left behind can be told from
// everything else.
std::string RunMark(std::string_view run_id);

// Removes data files of this run that no version of the table names: before a step tries again, so that its tries do
// not add up on the disk. Only for a table that nobody else writes for the run meanwhile. A table that is not there is
// well.
Result<OrphanReport> RemoveLeftovers(io::FileSystem& files, Catalog& catalog, const std::string& table,
                                     std::string_view run_id);

}  // namespace feedmill::lake
