#include "stream/merged_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/memory_log_for_test.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MergedTailTest : public testing::Test {
 protected:
  static constexpr uint32_t kPartitions = 3;

  // In receipt order over partitions that are drawn; `ids` of them in that order.
  void AppendWorld(int count) {
    Random random(5);
    for (int i = 0; i < count; ++i) {
      const LogRecord record = world_.Next();
      ids_.push_back(record.event.message_id);
      log_.Append(static_cast<uint32_t>(random.Below(kPartitions)), record);
    }
  }
  void AppendAt(uint32_t partition, Micros received, std::string id) {
    LogRecord record = MakeRecord("like", "u", received, "{}", received);
    record.event.message_id = std::move(id);
    log_.Append(partition, record);
  }
  MergedTail Tail(size_t read_bytes) {
    return {kPartitions, [this, read_bytes](uint32_t partition, uint64_t offset, DecodedTail* tail) {
              ++reads_;
              return ReadTail(log_.Source().read, partition, offset, read_bytes, tail);
            }};
  }
  // Applies all there is before `ends` and gives the ids in the order in which they were applied.
  std::vector<std::string> Apply(MergedTail* tail, const std::vector<uint64_t>& ends) {
    std::vector<std::string> ids;
    while (true) {
      const auto run = tail->Next(state_, ends).value();
      if (!run) return ids;
      for (const auto& [position, record] : run->records) {
        EXPECT_EQ(position.partition, run->partition);
        EXPECT_LT(position.offset, ends[run->partition]);
        ids.push_back(record.event.message_id);
      }
      state_.ApplyBatch(run->records);
      state_.SetApplied(run->partition, run->next);
    }
  }
  std::vector<uint64_t> Ends() {
    std::vector<uint64_t> ends;
    for (uint32_t partition = 0; partition < kPartitions; ++partition)
      ends.push_back(log_.Source().end_offset(partition));
    return ends;
  }

  MemoryLog log_{kPartitions};
  RandomWorld world_{8, {}};
  LiveState state_{TemplateFeatures(), {}};
  std::vector<std::string> ids_;
  int reads_ = 0;
};

TEST_F(MergedTailTest, GivesTheOrderOfReceipt) {
  AppendWorld(900);
  MergedTail tail = Tail(2'000);
  EXPECT_EQ(Apply(&tail, Ends()), ids_);
  EXPECT_EQ(state_.AppliedRecords(), 900U);
  EXPECT_THAT(Apply(&tail, Ends()), IsEmpty());
}

TEST_F(MergedTailTest, StopsAtTheEndsAndGoesOn) {
  AppendWorld(600);
  MergedTail tail = Tail(1'000'000);
  const std::vector<uint64_t> all = Ends();
  std::vector<std::string> ids;
  for (uint64_t share = 1; share <= 10; ++share) {
    std::vector<uint64_t> ends;
    for (const uint64_t end : all) ends.push_back(end * share / 10);
    for (std::string& id : Apply(&tail, ends)) ids.push_back(std::move(id));
    for (uint32_t partition = 0; partition < kPartitions; ++partition)
      EXPECT_EQ(state_.AppliedOffset(partition), ends[partition]);
  }
  EXPECT_THAT(ids, testing::UnorderedElementsAreArray(ids_));
  EXPECT_LE(reads_, 6) << "what is behind an end is kept";
}

TEST_F(MergedTailTest, APartitionKeepsItsOwnOrderAndOfOneInstantTheFirstGoesFirst) {
  AppendAt(0, 10, "a10");
  AppendAt(0, 30, "a30");
  AppendAt(0, 20, "a20");  // the clock was set back
  AppendAt(1, 10, "b10");
  AppendAt(1, 25, "b25");
  AppendAt(2, 5, "c5");
  MergedTail tail = Tail(1'000'000);
  EXPECT_THAT(Apply(&tail, Ends()), ElementsAre("c5", "a10", "b10", "b25", "a30", "a20"));
}

TEST_F(MergedTailTest, NobodyWaitsForWhoHasNothing) {
  AppendAt(1, 10, "b10");
  MergedTail tail = Tail(1'000'000);
  EXPECT_THAT(Apply(&tail, Ends()), ElementsAre("b10"));
  AppendAt(1, 20, "b20");
  AppendAt(2, 1, "c1");
  EXPECT_THAT(Apply(&tail, Ends()), ElementsAre("c1", "b20"));
}

TEST_F(MergedTailTest, OffsetsWithoutARecordArePassed) {
  log_.Append(0, "");  // nothing is left of it to apply
  log_.Append(0, "broken");
  AppendAt(0, 10, "a10");
  log_.Append(1, "broken");
  MergedTail tail = Tail(1);
  EXPECT_THAT(Apply(&tail, Ends()), ElementsAre("a10"));
  EXPECT_EQ(state_.AppliedRecords(), 4U);
}

TEST_F(MergedTailTest, FollowsAStateThatWasReplaced) {
  AppendWorld(100);
  MergedTail tail = Tail(3'000);
  const std::vector<uint64_t> all = Ends();
  EXPECT_EQ(Apply(&tail, {all[0] / 2, all[1], 0}).size(), all[0] / 2 + all[1]);
  state_.Become(LiveState(TemplateFeatures(), {}));
  EXPECT_EQ(Apply(&tail, all), ids_);
}

}  // namespace
}  // namespace feedmill::stream
