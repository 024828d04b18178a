// A file of one long body under checksums, written in pieces and replaced atomically: counters and live state are kept
// in it (docs/formats/stream-checkpoint.md has the bytes).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::features {

// One thread. The file appears under its name only when Finish succeeded.
class CheckpointFileWriter {
 public:
  // `kind` is 8 bytes that name the content.
  static Result<CheckpointFileWriter> Create(io::FileSystem& files, const std::string& path, std::string_view kind);
  // An error of the disk is kept and told by Finish.
  void Append(std::string_view bytes);
  // Writes checksums, syncs, renames, syncs the folder.
  Status Finish();

 private:
  CheckpointFileWriter(io::FileSystem& files, std::string path, std::string_view kind,
                       std::unique_ptr<io::WritableFile> file);
  void WriteBuffer();
  void EndBlock();

  io::FileSystem* files_;
  std::string path_;
  std::string kind_;
  std::unique_ptr<io::WritableFile> file_;
  std::string buffer_;
  uint64_t body_bytes_ = 0;
  uint32_t checksum_ = 0;
  size_t in_block_ = 0;
  std::vector<uint32_t> checksums_;
  Status status_;
};

// An opened checkpoint: the body lives as long as the mapping.
struct CheckpointFile {
  std::unique_ptr<io::MappedFile> mapping;
  std::string_view body;
};

// Checks every byte; kCorrupt names the file, the rule and the offset.
Result<CheckpointFile> OpenCheckpointFile(io::FileSystem& files, const std::string& path, std::string_view kind);
// The same on bytes in memory.
Result<std::string_view> ParseCheckpoint(std::string_view bytes, std::string_view kind);

}  // namespace feedmill::features
