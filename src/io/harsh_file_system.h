// The harsh twin of the operating system's files, in memory: what a crash may leave of unsynced work is decided by a
// seed, and calls fail on request. Durable code is tested over it, because killing a process never loses the page
// cache.
//
//   HarshFileSystem files;
//   files.StopAfter(k);              // the k-th changing call is the last one that happens, perhaps in part
//   RunWorkload(files);              // unwinds with errors
//   auto after = files.Crash(seed);  // what the machine finds when it is up again
//   CheckNothingAcknowledgedIsLost(*after);
//
// What a crash does: bytes appended since the last Sync are lost, kept or torn, in pages of 4 KiB and sectors of 512 B
// and in any order, with zeros or stale bytes in the holes and any size in between; directory entries not synced by
// SyncDirectory are the old or the new ones, each file (and each chain of renames) for itself; a file truncated by
// CreateTruncated may have its old content back. CreateDirectories and Truncate are durable, as their contract says.
// Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/file_system.h"

namespace feedmill::io {

enum class Fault {
  kIoError,           // any call: EIO, nothing done
  kNoSpace,           // appending and creating: ENOSPC; of an append a part is done
  kShortWrite,        // appending: EIO after a part is done
  kSyncFails,         // syncing: EIO, and the dirty pages are dropped: visible until the crash, never durable
  kTooManyOpenFiles,  // opening: EMFILE
};

struct HarshOptions {
  uint64_t seed = 1;
  uint64_t capacity_bytes = 0;  // of all files; beyond it kNoSpace. 0 = no limit
};

class HarshFileSystem final : public FileSystem {
 public:
  explicit HarshFileSystem(const HarshOptions& options = {});
  ~HarshFileSystem() override;

  // The `nth` call from now on (1 = the next) for which the fault makes sense fails with it, once. Several may be set.
  void FailCall(uint64_t nth, Fault fault);
  // From the `nth` changing call on (1 = the next) nothing happens any more and every call fails: the machine is dead.
  // The nth itself happens, an append perhaps in part. 0 takes a plan back.
  void StopAfter(uint64_t nth);
  bool stopped() const;
  // Changing calls so far (append, sync, create, truncate, rename, remove, ...): the crash points of a workload.
  uint64_t changes() const;

  // The files a machine finds after losing its power now. Different seeds give different outcomes of the same moment.
  std::unique_ptr<HarshFileSystem> Crash(uint64_t seed) const;

  Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> CreateTruncated(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override;
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectories(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Status SyncFile(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;
  Result<bool> Exists(const std::string& path) override;
  Result<uint64_t> FileSize(const std::string& path) override;

 private:
  class World;
  explicit HarshFileSystem(std::shared_ptr<World> world);
  std::shared_ptr<World> world_;
};

}  // namespace feedmill::io
