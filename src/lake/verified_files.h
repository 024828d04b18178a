// Data files that were read whole once and had the bytes they were committed with. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "lake/table.h"

namespace feedmill::lake {

class VerifiedFiles {
 public:
  // Reads the file unless it was checked before and looks as it did then (file, size, times of change). kCorrupt names
  // it when its bytes are not those it was committed with; kNotFound when it is not there.
  Status Check(const DataFile& file);
  // The file was just written, and its checksum read, by this process.
  void Add(const DataFile& file);

 private:
  struct Look {
    uint64_t size = 0;
    uint64_t inode = 0;       // clocks of files are coarse: another file may have the same times
    int64_t changed_at = 0;   // nanoseconds
    int64_t replaced_at = 0;  // of the inode: a new name, or times set by hand
    uint32_t crc32c = 0;
    bool operator==(const Look&) const = default;
  };
  static Result<Look> LookAt(const DataFile& file);

  Mutex mutex_;
  std::map<std::string, Look> known_ FEEDMILL_GUARDED_BY(mutex_);
};

}  // namespace feedmill::lake
