// What is asked of /v1/feed, read from a query string or a JSON body.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/event.h"
#include "io/http_server.h"

namespace feedmill::serve {

struct FeedQuery {
  std::string user_id;
  std::string scene = "home";
  int n = 20;
  std::vector<std::string> exclude;  // post ids not to show
  std::vector<std::string> topics;   // context.topics: interests the user has told the app
  std::optional<LogPosition> after;  // answer only from a state that has applied this record
  bool debug = false;                // adds the funnel, per-action scores, feature values and moves
  bool dry_run = false;              // leaves no row in the log; always so when something is supposed
  std::vector<LogRecord> suppose;    // events of this user that never came in: the feed as if they had
};

// What is wrong with a request, as its 400 says it.
struct QueryError {
  std::string field;
  std::string found;
  std::string allowed;
};

inline constexpr int kItemsDefault = 20;
inline constexpr size_t kIdBytesMax = 256;
inline constexpr size_t kExcludeMax = 1000;
inline constexpr size_t kTopicsMax = 50;
inline constexpr size_t kSupposedMax = 200;
inline constexpr size_t kBodyBytesMax = 64 * 1024;

// Pure. `items_max` is the largest n.
std::expected<FeedQuery, QueryError> ParseFeedQuery(const io::HttpRequest& request, int items_max);

}  // namespace feedmill::serve
