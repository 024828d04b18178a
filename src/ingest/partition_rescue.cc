// Damaged segments: what can be read stays, the bytes are kept aside, what is gone is named.
#include <algorithm>
#include <sstream>

#include "base/log.h"
#include "ingest/partition_log_internal.h"
#include "ingest/segment_salvage_internal.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kNoteSuffix = ".note";
constexpr size_t kRangesShownMax = 20;

std::string_view TextOf(const io::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// "57, 60-62"
std::string Shown(const std::vector<OffsetRange>& ranges) {
  std::string text;
  for (size_t i = 0; i < ranges.size() && i < kRangesShownMax; ++i) {
    text += i == 0 ? "" : ", ";
    text += fmt::format("{}", ranges[i].from);
    if (ranges[i].to > ranges[i].from + 1) text += fmt::format("-{}", ranges[i].to - 1);
  }
  return ranges.size() > kRangesShownMax ? text + fmt::format(" and {} more ranges", ranges.size() - kRangesShownMax)
                                         : text;
}

// Lines of words: what a person reads, and the next start.
std::string NoteOf(const LogDamage& damage) {
  std::string text = fmt::format("in_lake {}\n", damage.in_lake ? 1 : 0);
  for (const OffsetRange& range : damage.lost) text += fmt::format("lost {} {}\n", range.from, range.to);
  return text;
}

LogDamage DamageOf(const std::string& note, std::string file, uint32_t partition) {
  LogDamage damage{partition, std::move(file), {}, false};
  std::istringstream lines(note);
  std::string word;
  while (lines >> word) {
    OffsetRange range;
    if (word == "in_lake") lines >> damage.in_lake;
    if (word == "lost" && lines >> range.from >> range.to) damage.lost.push_back(range);
  }
  return damage;
}

}  // namespace

// What the quarantine keeps of this partition.
Status PartitionLog::LoadDamage() {
  mutex_.AssertHeld();  // no other thread knows this log yet
  const std::string folder = options_.directory + "/quarantine";
  FEEDMILL_ASSIGN(const bool exists, files_.Exists(folder));
  if (!exists) return Ok();
  FEEDMILL_ASSIGN(const auto names, files_.List(folder));
  for (const std::string& name : names) {
    if (!name.starts_with(fmt::format("p{:02}-", partition_)) || !name.ends_with(kNoteSuffix)) continue;
    FEEDMILL_ASSIGN(const std::string note, io::ReadWholeFile(files_, fmt::format("{}/{}", folder, name)));
    const std::string_view file = std::string_view(name).substr(0, name.size() - kNoteSuffix.size());
    damage_.push_back(DamageOf(note, fmt::format("{}/{}", folder, file), partition_));
  }
  return Ok();
}

Result<bool> PartitionLog::AreInLake(const std::vector<OffsetRange>& lost) const {
  for (const OffsetRange& range : lost) {
    if (!rescue_.in_lake) return false;
    FEEDMILL_ASSIGN(const bool in_lake, rescue_.in_lake(partition_, range));
    if (!in_lake) return false;
  }
  return true;
}

// Keeps the damaged bytes under a name of their own; the same bytes are kept once.
Status PartitionLog::Quarantine(const std::string& name, std::string_view bytes, LogDamage* damage) const {
  const std::string folder = options_.directory + "/quarantine";
  FEEDMILL_TRY(files_.CreateDirectories(folder));
  for (int number = 1;; ++number) {
    damage->file =
        fmt::format("{}/p{:02}-{}{}", folder, partition_, name, number == 1 ? "" : fmt::format(".{}", number));
    FEEDMILL_ASSIGN(const bool exists, files_.Exists(damage->file));
    if (!exists) break;
    FEEDMILL_ASSIGN(const auto kept, files_.Map(damage->file));
    if (TextOf(*kept) == bytes) break;
  }
  FEEDMILL_TRY(io::WriteFileAtomically(files_, damage->file, bytes));
  return io::WriteFileAtomically(files_, damage->file + std::string(kNoteSuffix), NoteOf(*damage));
}

// Puts a segment of what can be read into the place of the damaged one. `found` is what was wrong.
Result<SegmentHeader> PartitionLog::SetAside(uint64_t first_offset, std::optional<uint64_t> end_offset,
                                             const Error& found) const {
  const std::string name = SegmentName(first_offset);
  const std::string path = directory_ + "/" + name;
  FEEDMILL_ASSIGN(const auto mapped, files_.Map(path));
  const std::string_view bytes = TextOf(*mapped);
  auto header = SalvageHeader(bytes);
  if (!header && !end_offset) {
    return Corrupt(
        "{}; nothing of the last segment can be read; `feedmill log reset --after-landed` goes on above what "
        "has landed",
        found.message());
  }
  const bool readable = header.has_value();
  if (!readable) header = SegmentHeader{partition_, first_offset, clock_.Now(), 0};
  const auto pieces = readable
                          ? SalvageRecords(bytes, *header, end_offset)
                          : std::vector<SegmentPiece>{{first_offset, *end_offset - first_offset, clock_.Now(), {}}};
  LogDamage damage{partition_, "", LostRanges(pieces), false};
  FEEDMILL_ASSIGN(damage.in_lake, AreInLake(damage.lost));
  if (!damage.in_lake && !rescue_.give_up) {
    return Corrupt(
        "{}; record {} of partition {} is damaged and not in the lake; `feedmill log repair` gives it up and "
        "keeps the rest",
        found.message(), Shown(damage.lost), partition_);
  }
  FEEDMILL_TRY(Quarantine(name, bytes, &damage));
  header->salt = RandomSalt();
  FEEDMILL_TRY(WriteSegment(files_, path + ".new", *header, pieces));
  FEEDMILL_TRY(files_.Rename(path + ".new", path));
  FEEDMILL_TRY(files_.SyncDirectory(directory_));
  log::Error("a damaged segment of the event log was set aside",
             {{"found", found.message()},
              {"kept_as", damage.file},
              {"lost_records", damage.lost.empty() ? "none" : Shown(damage.lost)},
              {"lost_are_in_the_lake", damage.in_lake ? "yes" : "no"}});
  const MutexLock lock(mutex_);
  damage_.push_back(std::move(damage));
  return *header;
}

// For a read that met damage.
Status PartitionLog::ReplaceClosed(const std::shared_ptr<Segment>& segment, const Error& found) const {
  const MutexLock rescue(rescue_mutex_);
  uint64_t end_offset = 0;
  {
    const MutexLock lock(mutex_);
    const auto at = std::ranges::find(segments_, segment);
    if (at == segments_.end()) return Ok();  // another reader was first, or retention
    if (segment == segments_.back())
      return Corrupt("{}; the segment is being written, the next start sees to it", found.message());
    end_offset = segment->end_offset;
  }
  const uint64_t first_offset = segment->header.first_offset;
  FEEDMILL_ASSIGN(const SegmentHeader header, SetAside(first_offset, end_offset, found));
  auto replaced =
      std::make_shared<Segment>(Segment{segment->path, header, end_offset, 0, {{first_offset, kSegmentHeaderBytes}}});
  const MutexLock lock(mutex_);
  *std::ranges::find(segments_, segment) = std::move(replaced);
  return Ok();
}

Status PartitionLog::Skip(io::FileSystem& files, const Clock& clock, const LogOptions& options, uint32_t partition,
                          OffsetRange range) {
  uint64_t begin = 0, end = 0;
  {
    FEEDMILL_ASSIGN(const auto log, Open(files, clock, options, {}, partition));
    FEEDMILL_TRY(log->status());
    begin = log->BeginOffset();
    end = log->EndOffset();
  }
  const std::string folder = fmt::format("{}/p{:02}", options.directory, partition);
  const auto write_hole = [&](uint64_t from, uint64_t to) -> Status {
    const std::string path = folder + "/" + SegmentName(from);
    const SegmentHeader header{partition, from, clock.Now(), RandomSalt()};
    const std::vector<SegmentPiece> hole = {{from, to - from, clock.Now(), {}, true}};
    FEEDMILL_TRY(WriteSegment(files, path + ".new", header, hole));
    FEEDMILL_TRY(files.Rename(path + ".new", path));
    return files.SyncDirectory(folder);
  };
  if (begin < end) {
    if (range.from < begin) FEEDMILL_TRY(write_hole(range.from, begin));
    return end < range.to ? write_hole(end, range.to) : Ok();
  }
  // It holds nothing: what there is of it makes room.
  FEEDMILL_ASSIGN(const auto names, files.List(folder));
  for (const std::string& name : names) {
    if (OffsetOfSegmentName(name)) FEEDMILL_TRY(files.Remove(fmt::format("{}/{}", folder, name)));
  }
  return write_hole(range.from, std::max(range.to, end));
}

}  // namespace feedmill::ingest
