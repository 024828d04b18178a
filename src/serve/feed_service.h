// POST|GET /v1/feed and GET /v1/explain/{request_id}: a feed is a list of small stages under one deadline (design: feed stages).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "data/event.h"
#include "io/http_server.h"
#include "serve/bundle.h"
#include "stream/live_state.h"

namespace feedmill::serve {

struct FeedServiceOptions {
  std::string feed_folder;                 // feed/*.toml: one scene a file
  Micros budget = 200 * kMicrosPerMilli;   // of one request
  int items_max = 100;
  int candidates_max = 1200;               // ranked
  int explain_kept_max = 50'000;           // feed requests kept in memory for /v1/explain; older ones come from the lake
  int threads = 2;
};

// What the service needs from the rest of the house; wired by app.
struct FeedServiceWiring {
  const Clock* clock = nullptr;
  const stream::LiveState* state = nullptr;
  // Writes one record of kind kFeedRequest to the log; must not block.
  std::function<void(LogRecord&&)> write_back;
  // Tells whether a read key is known. Deny by default.
  std::function<bool(std::string_view key)> may_read;
  MetricsRegistry* metrics = nullptr;
};

class FeedService {
 public:
  virtual ~FeedService() = default;
  // Takes effect with the next request; requests in flight keep theirs. Null = no bundle yet: trending, fresh and in-network only. Any thread.
  virtual void SetBundle(std::shared_ptr<const Bundle> bundle) = 0;
  virtual std::shared_ptr<const Bundle> bundle() const = 0;
  // Routes /v1/feed and /v1/explain/; answers later from its own threads.
  virtual void Handle(io::HttpRequest&& request, io::HttpResponder&& respond) = 0;
  virtual void Stop() = 0;
};

Result<std::unique_ptr<FeedService>> MakeFeedService(const FeedServiceOptions& options, const FeedServiceWiring& wiring);

}  // namespace feedmill::serve
