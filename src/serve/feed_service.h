// POST|GET /v1/feed, GET /v1/explain/{request_id}, and lists that are no feed of a user's (item_lists.h): a feed is a
// list of small stages under one deadline (design: feed stages).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "data/event.h"
#include "io/http_server.h"
#include "serve/bundle.h"
#include "serve/trending_board.h"
#include "stream/live_state.h"

namespace feedmill::serve {

struct FeedServiceOptions {
  std::string feed_folder;                // feed/*.toml: one scene a file
  Micros budget = 200 * kMicrosPerMilli;  // of one request, from its first byte on
  int items_max = 100;
  int candidates_max = 1200;            // ranked, whatever the scene says
  int explain_kept_max = 50'000;        // feed requests kept in memory for /v1/explain; older ones come from the lake
  size_t explain_bytes_max = 64 << 20;  // and of their bytes
  int row_samples = 10;                 // candidates of a row that were not shown, features and all
  int threads = 2;
  size_t queue_max = 512;  // requests waiting for a thread; more are refused with 503
  int parked_max = 256;    // requests waiting for the record they name with `after`; more are answered without it
  uint64_t seed = 0;       // of exploration and random order
  TrendingBoardOptions trending;
};

// What the service needs from the rest of the house; wired by app.
struct FeedServiceWiring {
  const Clock* clock = nullptr;
  const stream::LiveState* state = nullptr;
  // The set that `state` counts. A bundle trained on another (by hash) recalls but does not rank, and the answer says
  // so.
  const features::FeatureSet* features = nullptr;
  // Writes one record of kind kFeedRequest to the log; must not block.
  std::function<void(LogRecord&&)> write_back;
  // Tells whether a read key is known. Deny by default.
  std::function<bool(std::string_view key)> may_read;
  // Reads the row of an old request from the lake, empty when it is not there either; may be null. Called on a thread
  // of the service.
  std::function<Result<std::string>(const std::string& request_id)> find_old_row;
  MetricsRegistry* metrics = nullptr;  // may be null
};

struct SceneInfo {
  std::string name;
  std::string description;
};

class FeedService {
 public:
  virtual ~FeedService() = default;
  // Takes effect with the next request; requests in flight keep theirs. Null = no bundle yet: trending, fresh and
  // in-network only. Any thread.
  virtual void SetBundle(std::shared_ptr<const Bundle> bundle) = 0;
  virtual std::shared_ptr<const Bundle> bundle() const = 0;
  // Routes /v1/feed, /v1/explain/, /v1/similar/, /v1/popular/ and /v1/latest/; answers later from its own threads.
  virtual void Handle(io::HttpRequest&& request, io::HttpResponder&& respond) = 0;
  // Answers what waits, then joins. Requests that come later get 503. Idempotent.
  virtual void Stop() = 0;
  virtual std::vector<SceneInfo> scenes() const = 0;
};

Result<std::unique_ptr<FeedService>> MakeFeedService(const FeedServiceOptions& options,
                                                     const FeedServiceWiring& wiring);

}  // namespace feedmill::serve
