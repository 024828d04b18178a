// What of a file a server has acknowledged, kept beside the file while an import is not complete, so that another run
// sends the rest and nothing else, however many connections the first one had.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::cli {

// Half-open ranges of entries of a file, numbered from 0 as they are read, joined where they meet.
class EntryRanges {
 public:
  void Add(uint64_t begin, uint64_t end);
  // The end of the range that holds `entry`; `entry` itself when none does.
  uint64_t EndOf(uint64_t entry) const;
  uint64_t Count() const;
  const std::map<uint64_t, uint64_t>& ranges() const { return ranges_; }

 private:
  std::map<uint64_t, uint64_t> ranges_;  // begin -> end
};

// Not synchronised.
class ImportRecord {
 public:
  // Of `file`, read by `mapping` ("" = JSON lines) and sent to `url`. Begins anew when the record there is of another
  // beginning, mapping or server, or cannot be read: what is sent twice is recognised.
  static Result<ImportRecord> Open(io::FileSystem& files, const std::string& file, std::string_view mapping,
                                   std::string_view url);

  EntryRanges& acknowledged() { return acknowledged_; }
  const std::string& path() const { return path_; }
  Status Save() const;
  // The import is complete.
  Status Remove() const;

 private:
  ImportRecord(io::FileSystem& files, std::string path, std::string of)
      : files_(&files), path_(std::move(path)), of_(std::move(of)) {}

  io::FileSystem* files_;
  std::string path_;
  std::string of_;  // hash of what the entries' numbers depend on
  EntryRanges acknowledged_;
};

}  // namespace feedmill::cli
