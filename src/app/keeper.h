// What a data folder keeps for ever unless somebody looks after it: one place, with a stated retention for each part
// (settings below [retention]). What it does not know it leaves alone.
#pragma once

#include <map>
#include <string>

#include "app/config.h"
#include "app/data_folder.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace feedmill::app {

struct KeeperPart {
  uint64_t removed = 0;  // since the start: files, folders or records
  Micros looked_at = 0;  // 0 = not yet
  std::string error;     // of the last look; "" = none
};

class Keeper {
 public:
  // All of it outlives the keeper. Events and table versions go by `clock`, the service's; what runs have recorded by
  // `system`, theirs.
  Keeper(const Config& config, DataFolder& folder, const Clock& clock, const Clock& system, MetricsRegistry& metrics);

  // Former versions of tables. A table that fails does not keep the others from their turn; the first error is
  // answered.
  Status ExpireSnapshots();
  // Everything else but the orphans. The same of its parts.
  Status Sweep();
  // Reads the metadata of all tables: once a day is enough.
  Status RemoveOrphans();

  // By part: "snapshots", "bundles", "training", "temporary", "runs", "intervals", "raw", "orphans".
  std::map<std::string, KeeperPart> Figures() const;

 private:
  Status Note(const std::string& part, const Result<uint64_t>& removed);
  Result<uint64_t> Bundles();
  Result<uint64_t> Training();
  Result<uint64_t> Temporary();
  Result<uint64_t> Runs();
  Result<uint64_t> Intervals();
  Result<uint64_t> Raw();

  const Config& config_;
  DataFolder& folder_;
  const Clock& clock_;
  const Clock& system_;
  MetricsRegistry& metrics_;
  io::FileSystem& files_;  // the folder's: nothing outside of it is removed
  mutable Mutex mutex_;
  std::map<std::string, KeeperPart> parts_ FEEDMILL_GUARDED_BY(mutex_);
};

// Bytes of the files below each part of a data folder: "log", "lake", "state", "bundles", "runs", "tmp", "meta",
// "other".
std::map<std::string, uint64_t> DiskByPart(const std::string& data_folder);

}  // namespace feedmill::app
