// What the live state tells of an item, of an action, and of the clock that a partition was received under.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "features/compute.h"

namespace feedmill::stream {

using features::EntityHandle;
using features::kNoEntity;

struct PostInfo {
  EntityHandle author = kNoEntity;  // whose creation came first; as actions state it while the creation is not known
  EntityHandle topic = kNoEntity;   // this and the numbers are of its newest version
  Micros created_at = 0;            // of its first version; 0: only heard of through actions
  Micros removed_at = 0;            // by its author, and not made again since; 0: it stands
  Micros version_at = 0;            // of its newest version
  features::ItemNumbers numbers{};
};

struct LastAction {
  EntityHandle post = kNoEntity;
  EntityHandle author = kNoEntity;
  features::Action action{};
  Micros time = 0;
};

// What a partition's records say about the clock that they were received under.
struct PartitionTimes {
  Micros newest_receipt = 0;  // as data/receipt_times.h counts it
  Micros newest_event = 0;    // of the events applied
  // The widest pause between two receipts of the last kGapKept, both its ends: it may be a clock that jumped ahead.
  Micros gap_begin = 0;
  Micros gap_end = 0;
  uint64_t gap_at = 0;  // records applied before it, of all partitions
};

}  // namespace feedmill::stream
