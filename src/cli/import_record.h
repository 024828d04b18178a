// What of a file a server has acknowledged, kept beside the file while an import is not complete, so that another run
// sends the rest and nothing else, however many connections the first one had.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

// What a server tells of itself: which data folder it works in, and where each partition of its log ends.
struct ServerPlace {
  std::string folder;
  std::map<uint32_t, uint64_t> ends;
};

// Not synchronised.
class ImportRecord {
 public:
  // Of `file`, read by `mapping` ("" = JSON lines) and sent to `url`. Begins anew when the record there is of another
  // beginning, mapping or server, or cannot be read: what is sent twice is recognised.
  static Result<ImportRecord> Open(io::FileSystem& files, const std::string& file, std::string_view mapping,
                                   std::string_view url);

  EntryRanges& acknowledged() { return acknowledged_; }
  // The server has acknowledged something at this record of its log.
  void NotePosition(uint32_t partition, uint64_t offset);
  // Before the first event: what is recorded counts only where it was acknowledged. When `place` is another folder, or
  // its log ends before what was acknowledged (it was restored from an older copy), the record begins anew and the
  // reason is answered.
  std::optional<std::string> Bind(const ServerPlace& place);
  void Forget();
  const std::string& path() const { return path_; }
  Status Save() const;
  // The import is complete.
  Status Remove() const;

 private:
  std::optional<std::string> WhyOther(const ServerPlace& place) const;
  ImportRecord(io::FileSystem& files, std::string path, std::string of)
      : files_(&files), path_(std::move(path)), of_(std::move(of)) {}

  io::FileSystem* files_;
  std::string path_;
  std::string of_;  // hash of what the entries' numbers depend on
  EntryRanges acknowledged_;
  std::string folder_;                      // that acknowledged them
  std::map<uint32_t, uint64_t> positions_;  // partition of its log -> the furthest record that it named
};

}  // namespace feedmill::cli
