// The days before the platform recommended anything: users see what a simple app would show them (recent, popular,
// followed, at random), and react. A pure function of the world: the live phase replays it without sending, to know who
// follows whom and who saw what.
#pragma once

#include <functional>
#include <vector>

#include "simulate/event_text.h"
#include "simulate/world.h"

namespace feedmill::simulate {

// What users have seen, by user; sorted post numbers.
class SeenPosts {
 public:
  explicit SeenPosts(size_t users) : by_user_(users) {}
  bool Has(uint32_t user, uint32_t post) const;
  void Add(uint32_t user, uint32_t post);
  const std::vector<uint32_t>& of(uint32_t user) const { return by_user_[user]; }

 private:
  std::vector<std::vector<uint32_t>> by_user_;
};

struct HistoryFigures {
  uint64_t events = 0;
  uint64_t impressions = 0;
  uint64_t clicks = 0;
};

// Called with the batch whenever it holds enough; must empty it by Take(). `progress` is in [0, 1]. An error stops the
// run.
using HistorySink = std::function<Status(Batch& batch, double progress)>;

// Lives through [world.start(), world.live_start()). Follows and blocks are added to the world.
Result<HistoryFigures> LiveThroughHistory(World* world, SeenPosts* seen, size_t batch_events, const HistorySink& sink);

}  // namespace feedmill::simulate
