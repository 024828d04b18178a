// Whether the lake's files are those that were committed: all of them at once (`feedmill verify`), or a few each minute
// while a server runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "io/file_system.h"
#include "lake/catalog.h"

namespace feedmill::app {

struct DamagedFile {
  std::string table;
  std::string path;     // "" when the table's metadata, a manifest list or a manifest is what is damaged
  std::string why;      // names the file and the rule
  bool current = true;  // whether the table's current version needs it
};

struct LakeCheck {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t unchecked = 0;  // data files written before checksums were kept: they have their size and can be read
  std::vector<DamagedFile> damaged;
};

struct LakeCheckHooks {
  std::function<void(uint64_t done, uint64_t total)> on_bytes;  // what was read so far and how much there is
  // Whether a data file that has no checksum can be read.
  std::function<Status(const std::string& path)> read_whole;
};

// Reads every file of every version of every table.
Result<LakeCheck> CheckLake(lake::Catalog& catalog, io::FileSystem& files, const LakeCheckHooks& hooks);

// The same bit by bit, for a server: each step reads some data files, in the order of tables and file names, and
// the metadata that names them; the round goes on after a restart. One thread.
class LakeScrub {
 public:
  // Keeps its place and what it found in the file `state`. Everything outlives it.
  LakeScrub(lake::Catalog& catalog, io::FileSystem& files, std::string state, uint64_t bytes_a_step,
            MetricsRegistry& metrics);
  // What is damaged is logged and counted, and no error.
  Status Step();

 private:
  void Load();
  Status Save();
  Status StepTable(const std::string& table, uint64_t* bytes);
  void Report(const std::string& table, const std::string& why);

  lake::Catalog& catalog_;
  io::FileSystem& files_;
  const std::string state_;
  const uint64_t bytes_a_step_;
  Counter& bytes_read_;
  Gauge& damaged_files_;
  bool loaded_ = false;
  std::string table_;                           // the round goes on here, "" = begins
  std::string name_;                            // after the file of that name in it
  std::map<std::string, std::string> damaged_;  // why -> table: of the last round and this one
  std::map<std::string, std::string> found_;    // of this round
};

}  // namespace feedmill::app
