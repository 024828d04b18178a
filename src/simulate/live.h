// The live phase: users ask the platform for their feeds, and answer what it shows.
#pragma once

#include <functional>

#include "simulate/app_client.h"
#include "simulate/history.h"
#include "simulate/tally.h"
#include "simulate/world.h"

namespace feedmill::simulate {

struct LiveOptions {
  std::string scene = "home";  // the policy: a scene of the platform
  bool drive_clock = true;     // the platform's clock follows the world's; needs clock.source = "driven"
  int64_t feeds_max = 0;       // 0 = no limit
};

using OnProgress = std::function<void(double done)>;

// `seen` and the world's follows and blocks must stand as history left them. Users are taken one after another in the
// order of the world's time.
Result<Tally> LiveWithFeeds(World* world, SeenPosts* seen, AppClient* client, const LiveOptions& options,
                            const OnProgress& progress);

}  // namespace feedmill::simulate
