// What is popular now, over all topics and, turn about, in the user's own.
#include "serve/recall.h"

namespace feedmill::serve {
namespace {

// Walks one topic's list; the empty topic is the list of everything.
class TopicWalk {
 public:
  TopicWalk(const TrendingList& list, const std::vector<uint32_t>* places) : list_(list), places_(places) {}
  features::EntityHandle Next() {
    const size_t size = places_ == nullptr ? list_.best_first.size() : places_->size();
    if (next_ >= size) return features::kNoEntity;
    const size_t place = places_ == nullptr ? next_ : (*places_)[next_];
    ++next_;
    return list_.best_first[place].post;
  }

 private:
  const TrendingList& list_;
  const std::vector<uint32_t>* places_;
  size_t next_ = 0;
};

}  // namespace

bool HasTrending(const FeedContext& context) {
  return context.trending != nullptr && !context.trending->best_first.empty();
}

void RecallTrending(const ChannelSettings& settings, FeedContext* context) {
  std::vector<TopicWalk> walks;
  const bool page_of_topics = context->scene->filter.topics && !context->query->topics.empty();
  if (!page_of_topics) walks.emplace_back(*context->trending, nullptr);
  // A scene whose order is the trending order itself stays the same for everybody.
  const bool personal = context->scene->rank.enabled || page_of_topics;
  for (std::string_view topic : context->topics) {
    const auto found = context->trending->by_topic.find(std::string(topic));
    if (personal && found != context->trending->by_topic.end()) walks.emplace_back(*context->trending, &found->second);
  }
  int rank = 0;
  for (bool any = true; any && rank < settings.limit;) {
    any = false;
    for (TopicWalk& walk : walks) {
      const features::EntityHandle post = walk.Next();
      if (post == features::kNoEntity) continue;
      any = true;
      if (rank < settings.limit) context->candidates.Add(Source::kTrending, rank++, post);
    }
  }
}

}  // namespace feedmill::serve
