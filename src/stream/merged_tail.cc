#include "stream/merged_tail.h"

#include <algorithm>

namespace feedmill::stream {

MergedTail::MergedTail(uint32_t partitions, DecodedRead read)
    : read_(std::move(read)), no_ends_(partitions, std::numeric_limits<uint64_t>::max()), partitions_(partitions) {}

std::span<const LiveState::Positioned> MergedTail::Partition::left() const {
  const auto rest = tail.records().subspan(given);
  if (rest.empty() || rest.back().position.offset < end) return rest;
  const auto past = std::ranges::lower_bound(rest, end, {}, [](const auto& record) { return record.position.offset; });
  return {rest.begin(), past};
}

Result<bool> MergedTail::Fill(uint32_t partition, uint64_t applied, uint64_t end) {
  Partition& of = partitions_[partition];
  of.end = end;
  // The state went elsewhere than on from what was given, as when it was replaced.
  const bool goes_on = of.next == applied && of.tail.next > applied;
  if (!goes_on) {
    of.given = of.tail.count = 0;
    of.next = of.tail.next = applied;
  }
  if (applied >= end || !of.left().empty()) return false;
  if (of.given < of.tail.count) return true;  // the next record is behind the end
  if (of.tail.next == applied) {
    of.given = 0;
    FEEDMILL_TRY(read_(partition, applied, &of.tail));
  }
  return of.left().empty() && of.tail.next > applied;
}

MergedTail::Run MergedTail::Give(uint32_t partition, Turn until) {
  Partition& of = partitions_[partition];
  auto records = of.left();
  const auto later = std::ranges::find_if(records, [until](const auto& record) { return TurnOf(record) > until; });
  records = {records.begin(), later};
  of.given += records.size();
  if (!of.left().empty()) {
    of.next = records.back().position.offset + 1;
  } else if (of.given < of.tail.count) {
    of.next = of.end;
  } else {
    of.next = std::min(of.tail.next, of.end);
  }
  return {partition, records, of.next};
}

Result<std::optional<MergedTail::Run>> MergedTail::Next(const LiveState& state, std::span<const uint64_t> ends) {
  std::optional<uint32_t> first;
  Turn own;                                            // of the first
  Turn others(std::numeric_limits<Micros>::max(), 0);  // the next of theirs
  for (uint32_t partition = 0; partition < partitions_.size(); ++partition) {
    FEEDMILL_ASSIGN(const bool without_records, Fill(partition, state.AppliedOffset(partition), ends[partition]));
    if (without_records) return Give(partition, others);
    if (partitions_[partition].left().empty()) continue;
    const Turn turn = TurnOf(partitions_[partition].left().front());
    if (first) others = std::min(others, std::max(turn, own));
    if (!first || turn < own) {
      first = partition;
      own = turn;
    }
  }
  if (!first) return std::nullopt;
  return Give(*first, others);
}

}  // namespace feedmill::stream
