#include <algorithm>
#include <charconv>

#include "stream/clock_healing_internal.h"
#include "stream/merged_tail.h"

namespace feedmill::stream {
namespace {

constexpr std::string_view kPrefix = "live-";
constexpr std::string_view kSuffix = ".ckpt";

// An empty state when no checkpoint is early enough.
Result<std::unique_ptr<LiveState>> StateBefore(const ApplyAgainParts& parts, uint32_t partition, Micros time) {
  FEEDMILL_ASSIGN(const std::vector<std::string> names, CheckpointNames(parts.files, parts.folder));
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    auto state = std::make_unique<LiveState>(parts.set, parts.options);
    if (!state->LoadCheckpoint(parts.files, parts.folder + "/" + *name)) continue;
    if (state->TimesOf(partition).newest_event <= time && state->counters().NewestTime() <= time) return state;
  }
  return std::make_unique<LiveState>(parts.set, parts.options);
}

// Receipt times of the partition up to `end`, steps back among them.
Result<ReceiptTimes> Scan(const ApplyAgainParts& parts, const LiveState& state, uint32_t partition, uint64_t end) {
  ReceiptTimes times;
  times.StartFrom(state.TimesOf(partition).newest_receipt);
  DecodedTail tail;
  for (uint64_t offset = state.AppliedOffset(partition); offset < end;) {
    FEEDMILL_TRY(ReadTail(parts.source.read, partition, offset, parts.read_bytes_max, &tail));
    if (tail.next == offset) break;
    for (const auto& [position, record] : tail.records()) times.Observe(position.offset, record.event.received_time);
    offset = tail.next;
  }
  return times;
}

}  // namespace

Result<std::vector<std::string>> CheckpointNames(io::FileSystem& files, const std::string& folder) {
  FEEDMILL_ASSIGN(std::vector<std::string> names, files.List(folder));
  std::erase_if(names, [](const std::string& name) { return !name.starts_with(kPrefix) || !name.ends_with(kSuffix); });
  std::ranges::sort(names);
  return names;
}

uint64_t AppliedInName(const std::string& name) {
  uint64_t applied = 0;
  const char* digits = name.data() + std::min(kPrefix.size(), name.size());
  std::from_chars(digits, name.data() + name.size(), applied);
  return applied;
}

std::string CheckpointName(uint64_t applied) { return fmt::format("{}{:020}{}", kPrefix, applied, kSuffix); }

size_t CountBeforeStepBack(const LiveState& state, uint32_t partition, std::span<const LiveState::Positioned> records) {
  const PartitionTimes known = state.TimesOf(partition);
  ReceiptTimes times;
  times.StartFrom(known.newest_receipt);
  Micros newest_event = known.newest_event;
  for (size_t i = 0; i < records.size(); ++i) {
    const Event& event = records[i].record.event;
    if (times.Observe(records[i].position.offset, event.received_time)) {
      if (newest_event > event.received_time) return i;
      newest_event = std::min(newest_event, event.received_time);
    }
    newest_event = std::max(newest_event, event.event_time);
  }
  return records.size();
}

Result<std::unique_ptr<LiveState>> ApplyAgain(const ApplyAgainParts& parts, uint32_t partition, Micros time) {
  FEEDMILL_ASSIGN(auto state, StateBefore(parts, partition, time));
  std::vector<uint64_t> ends;
  for (uint32_t p = 0; p < parts.source.partitions; ++p) {
    ends.push_back(parts.source.end_offset(p));
    FEEDMILL_ASSIGN(ReceiptTimes times, Scan(parts, *state, p, ends.back()));
    state->SetReceiptTimes(p, std::move(times));
  }
  // What came in meanwhile has not been looked at for steps back: it is left for later.
  MergedTail tail(parts.source.partitions, [&parts](uint32_t p, uint64_t offset, DecodedTail* read) {
    return ReadTail(parts.source.read, p, offset, parts.read_bytes_max, read);
  });
  while (true) {
    FEEDMILL_ASSIGN(const auto run, tail.Next(*state, ends));
    if (!run) break;
    state->ApplyBatch(run->records);
    state->SetApplied(run->partition, run->next);
  }
  return state;
}

}  // namespace feedmill::stream
