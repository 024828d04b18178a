// What is asked of /v1/feed, read from a query string or a JSON body.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/event.h"
#include "domain/domain.h"
#include "io/http_server.h"
#include "serve/feed_cursor.h"

namespace feedmill::serve {

// What a request says of a declared field.
struct ContextValue {
  double number = 0;               // 0 or 1 of a boolean
  std::vector<std::string> texts;  // one of a text
};

// Of `after`.
inline constexpr const char* kPositionsAllowed =
    "partition:offset, as the answer of /v1/batch gives it, e.g. 0:123 or 0:123,2:9";

struct FeedQuery {
  std::string user_id;              // empty of a guest
  bool guest = false;               // nobody that is known: context and `recent` alone speak for them
  std::vector<std::string> recent;  // items that they looked at last, the newest first
  FeedCursor cursor;                // items of the pages before
  std::string scene = "home";
  int n = 20;
  std::vector<std::string> exclude;        // post ids not to show
  std::vector<std::string> topics;         // context.topics: interests the user has told the app
  std::map<size_t, ContextValue> context;  // declared fields of the domain's [context], by place
  std::vector<LogPosition> after;          // answer only from a state that has applied these records
  bool debug = false;                      // adds the funnel, per-action scores, feature values and moves
  bool dry_run = false;                    // leaves no row in the log; always so when something is supposed
  std::vector<LogRecord> suppose;          // events of this user that never came in: the feed as if they had
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
inline constexpr size_t kRecentMax = 50;
inline constexpr size_t kSupposedMax = 200;
inline constexpr size_t kBodyBytesMax = 64 * 1024;

// Whether it can be the id of an item or a user: 1 to kIdBytesMax bytes of UTF-8, none of value 0.
bool IsId(std::string_view text);

// Pure. `items_max` is the largest n; `fields` are the domain's of a request. Other members of context are passed over.
std::expected<FeedQuery, QueryError> ParseFeedQuery(const io::HttpRequest& request, int items_max,
                                                    const std::vector<domain::Field>& fields = {});

}  // namespace feedmill::serve
