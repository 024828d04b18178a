// Files as the durable code sees them. Two implementations: the operating system's, and a harsh twin that loses
// unsynced bytes, tears writes and fails calls on a seed (io/harsh_file_system.h). Paths are plain strings; relative
// ones are relative to the process's working directory. Any thread, except that one WritableFile belongs to one thread
// at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::io {

// An append-only file. Bytes are durable only after Sync() returned success. A failed Sync is never retried: close,
// reopen, read what is there (a kernel may drop dirty pages after a failed fsync).
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status Sync() = 0;
  virtual Status Close() = 0;
  // Bytes appended so far, the size found at opening included.
  virtual uint64_t Size() const = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Reads up to `length` bytes at `offset` into `out` (resized to what was read; short only at the end of the file).
  virtual Status ReadAt(uint64_t offset, size_t length, std::string* out) const = 0;
  virtual Result<uint64_t> Size() const = 0;
};

// A read-only mapping of a whole file; unmapped on destruction.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::span<const std::byte> bytes() const = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) = 0;  // creates if absent
  virtual Result<std::unique_ptr<WritableFile>> CreateTruncated(const std::string& path) = 0;
  virtual Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) = 0;
  virtual Result<std::unique_ptr<MappedFile>> Map(const std::string& path) = 0;
  virtual Status Truncate(const std::string& path, uint64_t size) = 0;        // synced by itself
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  // durable after SyncDirectory
  virtual Status Remove(const std::string& path) = 0;
  virtual Status CreateDirectories(const std::string& path) = 0;  // durable, parents too
  virtual Status RemoveAll(const std::string& path) = 0;
  virtual Status SyncDirectory(const std::string& path) = 0;
  virtual Status SyncFile(const std::string& path) = 0;                             // for files another library wrote
  virtual Result<std::vector<std::string>> List(const std::string& directory) = 0;  // names, sorted
  virtual Result<bool> Exists(const std::string& path) = 0;
  virtual Result<uint64_t> FileSize(const std::string& path) = 0;
};

// The operating system's files. The reference lives as long as the process.
FileSystem& PosixFileSystem();

Result<std::string> ReadWholeFile(FileSystem& files, const std::string& path);
// Writes `path` so that a crash leaves the old content or the new one: temporary file, fsync, rename, directory fsync.
Status WriteFileAtomically(FileSystem& files, const std::string& path, std::string_view content);

}  // namespace feedmill::io
