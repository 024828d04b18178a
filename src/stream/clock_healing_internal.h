// What the tailer does when the log shows that the clock had been ahead: the records since then are applied again,
// under the times that the rule of data/receipt_times.h gives them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "stream/decoded_tail.h"

namespace feedmill::stream {

// How many records of the batch can be applied before one that shows that something applied earlier has a time of a
// clock that was ahead.
size_t CountBeforeStepBack(const LiveState& state, uint32_t partition, std::span<const LiveState::Positioned> records);

// Names of checkpoints, oldest first: the number in the name is how many records had been applied.
Result<std::vector<std::string>> CheckpointNames(io::FileSystem& files, const std::string& folder);
uint64_t AppliedInName(const std::string& name);
std::string CheckpointName(uint64_t applied);

struct ApplyAgainParts {
  io::FileSystem& files;
  const std::string& folder;
  const features::FeatureSet& set;
  const LiveStateOptions& options;
  const TailSource& source;
  size_t read_bytes_max;
};
// The state of all that the log has, from the newest checkpoint that has nothing later than `time` of the partition.
// kNotFound: the log no longer holds what comes after it.
Result<std::unique_ptr<LiveState>> ApplyAgain(const ApplyAgainParts& parts, uint32_t partition, Micros time);

}  // namespace feedmill::stream
