// The raw events of the lake, applied to a live state in the order of the log: what the log's tail does, from the
// table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "query/engine.h"
#include "stream/live_state.h"

namespace feedmill::app {

// The partition's events with offsets [from, to), in order; with `only`, a condition in SQL, those of which it holds.
// `session` is the caller's alone meanwhile.
Result<std::vector<stream::LiveState::Positioned>> ReadLakeEvents(query::Session& session, lake::Catalog& catalog,
                                                                  uint32_t partition, uint64_t from, uint64_t to,
                                                                  std::string_view only = "TRUE");

class LakeEvents {
 public:
  // `session` and `catalog` outlive it; nobody else uses the session meanwhile.
  LakeEvents(query::Session& session, lake::Catalog& catalog, uint32_t partition)
      : session_(session), catalog_(catalog), partition_(partition) {}

  // Applies the partition's events before offset `end` that were not applied by this object yet, and tells the state
  // so.
  Status ApplyUpTo(uint64_t end, stream::LiveState* state,
                   const std::function<void(uint64_t offset)>& on_progress = {});
  uint64_t applied() const { return applied_; }

 private:
  Status ReadBlock();

  query::Session& session_;
  lake::Catalog& catalog_;
  const uint32_t partition_;
  std::vector<stream::LiveState::Positioned> block_;
  size_t next_ = 0;          // of block_
  uint64_t read_until_ = 0;  // offset
  uint64_t applied_ = 0;     // events
};

}  // namespace feedmill::app
