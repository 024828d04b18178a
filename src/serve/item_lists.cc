#include "serve/item_lists.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include "base/time_text.h"
#include "data/log_positions.h"
#include "serve/feed_query.h"
#include "serve/json_text.h"
#include "serve/user_vector.h"

namespace feedmill::serve {
namespace {

using features::EntityHandle;
using features::kNoEntity;
using Kind = ItemListQuery::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 3> kPaths = {
    {{"/v1/similar/", Kind::kSimilar}, {"/v1/popular/", Kind::kPopular}, {"/v1/latest/", Kind::kLatest}}};
// Some of what is found is removed, hidden or of another category.
constexpr size_t kAskFactor = 4;

std::unexpected<FeedError> Wrong(std::string_view field, std::string_view found, std::string allowed) {
  return std::unexpected(FeedError{400, fmt::format("{} is wrong", field), std::string(field),
                                   std::string(found.substr(0, 80)), std::move(allowed)});
}

// Where the parameter's text goes; null for one that is none.
std::string* TextOf(ItemListQuery* query, std::string_view name) {
  if (name == "category") return &query->category;
  if (name == "user_id") return &query->user_id;
  return name == "scene" ? &query->scene : nullptr;
}

// Collects what may be shown, each item once.
class Found {
 public:
  Found(const ItemListQuery& query, const ItemListSources& sources)
      : query_(query),
        state_(sources.state),
        lets_(sources.lets),
        category_(sources.state.FindTopic(query.category)),
        user_(query.user_id.empty() ? kNoEntity : sources.state.FindUser(query.user_id)) {}

  bool Full() const { return count_ >= query_.n; }
  void Leave(EntityHandle item) { known_.insert(item); }

  void Add(EntityHandle item, double score, std::string_view source) {
    if (Full() || item == kNoEntity || !Fits(item) || !known_.insert(item).second) return;
    const stream::PostInfo& info = state_.Post(item);
    json_.Open('{').Key("id").Text(state_.PostId(item));
    if (info.author != kNoEntity) json_.Key("author").Text(state_.UserId(info.author));
    if (info.topic != kNoEntity) json_.Key("category").Text(state_.TopicName(info.topic));
    json_.Key("score").Real(score);
    if (info.created_at != 0) json_.Key("created_at").Text(FormatTime(info.created_at));
    json_.Key("source").Text(source).Close('}');
    ++count_;
  }

  std::string Finish(const std::string& degraded) {
    std::string all = "{\"items\":[" + text_ + "]";
    if (!degraded.empty()) {
      all += ',';
      JsonText(&all).Key("degraded").Open('[').Text(degraded).Close(']');
    }
    return all + "}";
  }

 private:
  bool Fits(EntityHandle item) const {
    const stream::PostInfo& info = state_.Post(item);
    const bool is_known = state_.domain()->Shown().made_by.empty() || info.created_at != 0;
    if (!is_known || state_.IsGone(item)) return false;
    if (!query_.category.empty() && (info.topic == kNoEntity || info.topic != category_)) return false;
    if (lets_ != nullptr && !lets_->Through(item)) return false;
    if (user_ == kNoEntity) return true;
    return !state_.HiddenPost(user_, item) && (info.author == kNoEntity || !state_.HiddenAuthor(user_, info.author));
  }

  const ItemListQuery& query_;
  const stream::LiveState& state_;
  const RulesOfScene* const lets_;
  const EntityHandle category_;
  const EntityHandle user_;
  std::unordered_set<EntityHandle> known_;
  std::string text_;
  JsonText json_{&text_};
  int count_ = 0;
};

// Of one category, or of all when it is empty.
void AddPopular(const ItemListSources& sources, const std::string& category, std::string_view source, Found* found) {
  const TrendingList& list = sources.trending;
  const auto add = [&](const TrendingPost& item) { found->Add(item.post, item.score, source); };
  if (category.empty()) {
    for (const TrendingPost& item : list.best_first) add(item);
    return;
  }
  const auto of_category = list.by_topic.find(category);
  if (of_category == list.by_topic.end()) return;
  for (const uint32_t place : of_category->second) add(list.best_first[place]);
}

void AddNearest(const ItemListQuery& query, const ItemListSources& sources, Found* found) {
  const Bundle& bundle = *sources.bundle;
  if (bundle.post_index == nullptr || bundle.posts == nullptr || bundle.post_index->size() == 0) return;
  const std::span<const float> vector = PostVector(bundle, query.item);
  if (vector.empty()) return;
  for (const index::Neighbour& near : bundle.post_index->Search(vector, static_cast<size_t>(query.n) * kAskFactor))
    found->Add(sources.state.FindPost(bundle.posts->Key(near.row)), near.score, "vector");
}

std::optional<FeedError> AddSimilar(const ItemListQuery& query, const ItemListSources& sources, Found* found) {
  const EntityHandle item = sources.state.FindPost(query.item);
  if (item == kNoEntity)
    return FeedError{404, fmt::format("nothing is known of \"{}\"", query.item.substr(0, 80)), "id",
                     query.item.substr(0, 80), "an item that an event has named"};
  found->Leave(item);
  if (sources.bundle != nullptr && sources.bundle->i2i != nullptr) {
    for (const store::ScoredId& scored : sources.bundle->i2i->Get(query.item))
      found->Add(sources.state.FindPost(scored.id), scored.score, "i2i");
  }
  if (!found->Full() && sources.bundle != nullptr) AddNearest(query, sources, found);
  const EntityHandle category = sources.state.Post(item).topic;
  if (!found->Full() && category != kNoEntity)
    AddPopular(sources, std::string(sources.state.TopicName(category)), "category", found);
  return std::nullopt;
}

// The newest of a category may be far apart: all that are kept are looked at.
void AddLatest(const ItemListSources& sources, Found* found) {
  for (const EntityHandle item : sources.state.FreshPosts(sources.state.options().fresh_posts_max)) {
    if (found->Full()) return;
    found->Add(item, static_cast<double>(sources.state.Post(item).created_at) / kMicrosPerSecond, "latest");
  }
}

}  // namespace

bool IsItemList(std::string_view path) {
  return std::ranges::any_of(kPaths, [path](const auto& known) { return path.starts_with(known.first); });
}

std::expected<ItemListQuery, FeedError> ParseItemListQuery(const io::HttpRequest& request,
                                                           const domain::ItemKind& shown, int items_max) {
  const auto path =
      std::ranges::find_if(kPaths, [&](const auto& known) { return request.path.starts_with(known.first); });
  ItemListQuery query;
  query.kind = path->second;
  query.n = std::min(query.n, items_max);
  std::string kind = request.path.substr(path->first.size());
  if (query.kind == Kind::kSimilar) {
    const size_t slash = std::min(kind.find('/'), kind.size());
    query.item = kind.substr(std::min(slash + 1, kind.size()));
    kind.resize(slash);
  }
  if (kind != shown.name)
    return std::unexpected(FeedError{404, fmt::format("there is no kind \"{}\"", kind.substr(0, 80)), "kind",
                                     kind.substr(0, 80), shown.name});
  if (query.kind == Kind::kSimilar && !IsId(query.item))
    return Wrong("id", query.item, fmt::format("an id of 1 to {} bytes of UTF-8, none of value 0", kIdBytesMax));
  if (const auto repeated = io::RepeatedParameter(request); !repeated.empty())
    return Wrong(repeated, "it more than once", "once");
  for (const auto& [name, value] : request.query) {
    if (name == "n") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), query.n);
      if (error != std::errc() || end != value.data() + value.size() || query.n < 1 || query.n > items_max)
        return Wrong("n", value, fmt::format("a whole number from 1 to {}", items_max));
    } else if (name == "after") {
      auto after = ParseLogPositions(value);
      if (!after) return Wrong("after", value, kPositionsAllowed);
      query.after = std::move(*after);
    } else if (std::string* const text = TextOf(&query, name); text != nullptr) {
      if (!IsId(value))
        return Wrong(name, value, fmt::format("a text of 1 to {} bytes of UTF-8, none of value 0", kIdBytesMax));
      *text = value;
    } else {
      return Wrong(name, "an unknown parameter", "n, category, user_id, scene, after");
    }
  }
  return query;
}

std::expected<std::string, FeedError> ItemListJson(const ItemListQuery& query, const ItemListSources& sources) {
  Found found(query, sources);
  if (query.kind == Kind::kSimilar) {
    if (auto error = AddSimilar(query, sources, &found)) return std::unexpected(std::move(*error));
  } else if (query.kind == Kind::kPopular) {
    AddPopular(sources, query.category, "popular", &found);
  } else {
    AddLatest(sources, &found);
  }
  return found.Finish(sources.degraded);
}

}  // namespace feedmill::serve
