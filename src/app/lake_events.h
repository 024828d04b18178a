// The raw events of the lake, applied to a live state as those of the log's tail are.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "query/engine.h"
#include "stream/live_state.h"
#include "stream/merged_tail.h"

namespace feedmill::app {

// The partition's events with offsets [from, to), in order; with `only`, a condition in SQL, those of which it holds.
// `session` is the caller's alone meanwhile.
Result<std::vector<stream::LiveState::Positioned>> ReadLakeEvents(query::Session& session, lake::Catalog& catalog,
                                                                  uint32_t partition, uint64_t from, uint64_t to,
                                                                  std::string_view only = "TRUE");

class LakeEvents {
 public:
  // `session` and `catalog` outlive it; nobody else uses the session meanwhile.
  LakeEvents(query::Session& session, lake::Catalog& catalog, uint32_t partitions);

  // Applies the events before the offset of `ends`, by partition, that the state lacks, in order of receipt, and tells
  // the state so.
  Status ApplyUpTo(std::span<const uint64_t> ends, stream::LiveState* state,
                   const std::function<void()>& on_progress = {});
  uint64_t applied() const { return applied_; }  // events

 private:
  stream::MergedTail tail_;
  uint64_t applied_ = 0;
};

}  // namespace feedmill::app
