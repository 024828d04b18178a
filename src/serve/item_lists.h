// Lists of items that are no feed of a user's: GET /v1/similar/{kind}/{id}, /v1/popular/{kind} and /v1/latest/{kind}.
// Nothing of them is logged or learned from; what is removed, what the rules of a scene leave out, and what is hidden
// by the user who is named, stays out.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_server.h"
#include "serve/bundle.h"
#include "serve/feed_errors.h"
#include "serve/recall.h"
#include "serve/trending_board.h"
#include "stream/live_state.h"

namespace feedmill::serve {

struct ItemListQuery {
  enum class Kind { kSimilar, kPopular, kLatest };
  Kind kind = Kind::kPopular;
  std::string item;                // of kSimilar
  std::string category;            // items of this one only; empty: of all
  std::string user_id;             // whose hidden items stay out, and for whom rules are asked; empty: nobody
  std::string scene;               // whose rules hold; empty: those of the scene that feeds have by default
  std::vector<LogPosition> after;  // answer only from a state that has applied these records
  int n = 20;
};

// Whether `path` is one of these.
bool IsItemList(std::string_view path);
// `shown` is the kind that scenes show. Or why the request cannot be answered.
std::expected<ItemListQuery, FeedError> ParseItemListQuery(const io::HttpRequest& request,
                                                           const domain::ItemKind& shown, int items_max);

// What an answer is made from, under a ReadGuard of the state.
struct ItemListSources {
  const stream::LiveState& state;
  const Bundle* bundle = nullptr;  // null: similar items are those of the same category
  const TrendingList& trending;
  const RulesOfScene* lets = nullptr;  // null: no rules
  std::string degraded = {};           // what the answer lacks; empty: nothing
};
// {"items": [{"id", "author", "category", "score", "created_at", "source"}], "degraded": [...]}, best first, newest
// first for kLatest; `degraded` only when it is.
// Similar items come from what the same people acted on ("i2i"), then from the nearest vectors ("vector"), then, so
// that an item that nobody acted on has some too, from what is popular in its category ("category"). 404 for an item
// that nothing is known of.
std::expected<std::string, FeedError> ItemListJson(const ItemListQuery& query, const ItemListSources& sources);

}  // namespace feedmill::serve
