// Names that must be new: snapshot ids and the uuids in file names. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/random.h"

namespace feedmill::lake {

class IdSource {
 public:
  // Without a seed, one from the operating system: two processes must not choose the same names.
  explicit IdSource(std::optional<uint64_t> seed);
  // Positive.
  int64_t SnapshotId();
  // Version 4, variant 1 (RFC 4122), lower case.
  std::string Uuid();

 private:
  uint64_t Next();

  Mutex mutex_;
  Random random_ FEEDMILL_GUARDED_BY(mutex_);
};

}  // namespace feedmill::lake
