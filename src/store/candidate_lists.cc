#include "store/candidate_lists.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/prefetch.h"
#include "io/resident_file.h"
#include "store/key_index_internal.h"
#include "store/sealed_file_internal.h"

namespace feedmill::store {
namespace {

constexpr std::string_view kMagic = "FMLIST\r\n";
constexpr uint32_t kVersion = 1;
enum Section { kCounts, kSlots, kKeyOffsets, kKeyBytes, kListOffsets, kEntries, kIdOffsets, kIdBytes, kSectionCount };

struct Counts {
  uint64_t keys = 0;
  uint64_t ids = 0;
};

struct Entry {
  uint32_t id = 0;
  float score = 0;
};
static_assert(sizeof(Entry) == 8);

class MappedCandidateLists final : public CandidateLists {
 public:
  static Result<std::unique_ptr<CandidateLists>> Make(SealedFile file) {
    auto lists = std::make_unique<MappedCandidateLists>();
    Counts counts;
    if (file.section(kCounts).size() != sizeof counts)
      return Corrupt("counts: {} bytes; allowed is {}", file.section(kCounts).size(), sizeof counts);
    std::memcpy(&counts, file.section(kCounts).data(), sizeof counts);
    FEEDMILL_ASSIGN(lists->keys_, KeyIndex::Parse(file.section(kSlots), file.section(kKeyOffsets),
                                                  file.section(kKeyBytes), counts.keys));
    lists->list_offsets_ = AsArray<uint32_t>(file.section(kListOffsets));
    lists->entries_ = AsArray<Entry>(file.section(kEntries));
    lists->id_offsets_ = AsArray<uint32_t>(file.section(kIdOffsets));
    lists->id_bytes_ = {reinterpret_cast<const char*>(file.section(kIdBytes).data()), file.section(kIdBytes).size()};
    FEEDMILL_TRY(CheckOffsets(lists->list_offsets_, counts.keys, lists->entries_.size(), "lists"));
    FEEDMILL_TRY(CheckOffsets(lists->id_offsets_, counts.ids, lists->id_bytes_.size(), "ids"));
    for (const Entry& entry : lists->entries_) {
      if (entry.id >= counts.ids) return Corrupt("entries: id number {} of {}", entry.id, counts.ids);
    }
    lists->file_ = std::move(file);
    return lists;
  }

  std::vector<ScoredId> Get(std::string_view key) const override {
    const int64_t number = keys_.Find(key);
    if (number < 0) return {};
    const uint32_t begin = list_offsets_[number];
    const uint32_t end = list_offsets_[number + 1];
    std::vector<ScoredId> list;
    list.reserve(end - begin);
    for (const Entry& entry : entries_.subspan(begin, end - begin)) Prefetch(&id_offsets_[entry.id]);
    for (const Entry& entry : entries_.subspan(begin, end - begin)) list.push_back({Id(entry.id), entry.score});
    return list;
  }
  size_t key_count() const override { return keys_.size(); }

 private:
  std::string_view Id(uint32_t id) const {
    return id_bytes_.substr(id_offsets_[id], id_offsets_[id + 1] - id_offsets_[id]);
  }

  SealedFile file_;
  KeyIndex keys_;
  std::span<const uint32_t> list_offsets_;
  std::span<const Entry> entries_;
  std::span<const uint32_t> id_offsets_;
  std::string_view id_bytes_;
};

class CandidateListsFileWriter final : public CandidateListsWriter {
 public:
  CandidateListsFileWriter(io::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  Status Add(std::string_view key, std::span<const ScoredId> best_first) override {
    FEEDMILL_TRY(Check(key, best_first));
    FEEDMILL_ASSIGN(auto added, keys_.FindOrAdd(key));
    if (!added.second) return AlreadyExists("candidate lists {}: key '{}' is given twice", path_, key);
    for (const ScoredId& scored : best_first) {
      FEEDMILL_ASSIGN(auto id, ids_.FindOrAdd(scored.id));
      entries_.push_back({id.first, scored.score});
    }
    list_offsets_.push_back(static_cast<uint32_t>(entries_.size()));
    return Ok();
  }

  Status Finish() override {
    const std::vector<Counts> counts{{keys_.size(), ids_.size()}};
    std::string_view sections[kSectionCount];
    sections[kCounts] = AsBytes(counts);
    sections[kSlots] = keys_.slots();
    sections[kKeyOffsets] = keys_.offsets();
    sections[kKeyBytes] = keys_.bytes();
    sections[kListOffsets] = AsBytes(list_offsets_);
    sections[kEntries] = AsBytes(entries_);
    sections[kIdOffsets] = ids_.offsets();
    sections[kIdBytes] = ids_.bytes();
    return WriteSealedFile(files_, path_, kMagic, kVersion, sections);
  }

 private:
  Status Check(std::string_view key, std::span<const ScoredId> list) const {
    for (size_t i = 0; i < list.size(); ++i) {
      if (!std::isfinite(list[i].score))
        return InvalidArgument("candidate lists {}: score of '{}' for '{}' is not finite", path_, list[i].id, key);
      if (i > 0 && list[i].score > list[i - 1].score) {
        return InvalidArgument("candidate lists {}: list of '{}' is not best first at place {}", path_, key, i);
      }
    }
    if (entries_.size() + list.size() > std::numeric_limits<uint32_t>::max()) {
      return ResourceExhausted("candidate lists {}: more than 2^32 - 1 entries", path_);
    }
    return Ok();
  }

  io::FileSystem& files_;
  std::string path_;
  KeyIndexBuilder keys_;
  KeyIndexBuilder ids_;
  std::vector<uint32_t> list_offsets_{0};
  std::vector<Entry> entries_;
};

}  // namespace

Result<std::unique_ptr<CandidateLists>> OpenCandidateLists(std::unique_ptr<io::MappedFile> mapping) {
  FEEDMILL_ASSIGN(SealedFile file, SealedFile::Open(std::move(mapping), kMagic, kVersion, kSectionCount));
  return MappedCandidateLists::Make(std::move(file));
}

Result<std::unique_ptr<CandidateLists>> OpenCandidateLists(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(auto mapping, io::LoadResident(files, path));
  auto lists = OpenCandidateLists(std::move(mapping));
  if (!lists) return std::unexpected(lists.error().WithContext(path));
  return lists;
}

Result<std::unique_ptr<CandidateListsWriter>> CreateCandidateLists(io::FileSystem& files, const std::string& path) {
  return std::make_unique<CandidateListsFileWriter>(files, path);
}

}  // namespace feedmill::store
