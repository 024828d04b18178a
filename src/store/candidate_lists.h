// Scored candidate lists by key in one checksummed file, read into huge pages (docs/formats/candidate-lists.md): i2i
// (post -> posts), u2u (user -> posts), trending ("all" or a topic -> posts).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::store {

struct ScoredId {
  std::string_view id;  // lives as long as the CandidateLists
  float score = 0;
};

class CandidateLists {
 public:
  virtual ~CandidateLists() = default;
  virtual std::vector<ScoredId> Get(
      std::string_view key) const = 0;  // best first; empty for an unknown key. Any thread.
  virtual size_t key_count() const = 0;
};

Result<std::unique_ptr<CandidateLists>> OpenCandidateLists(io::FileSystem& files, const std::string& path);

class CandidateListsWriter {
 public:
  virtual ~CandidateListsWriter() = default;
  virtual Status Add(std::string_view key, std::span<const ScoredId> best_first) = 0;
  virtual Status Finish() = 0;
};
Result<std::unique_ptr<CandidateListsWriter>> CreateCandidateLists(io::FileSystem& files, const std::string& path);

}  // namespace feedmill::store
