// Who asks: the user's handle, last actions and topics.
#include <algorithm>
#include <map>
#include <set>

#include "serve/recall.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

constexpr size_t kTopicsOfActionsMax = 3;
constexpr int kNewcomerActions = 3;  // who has done fewer that tell of a taste is a newcomer

// Topics of the last actions by weight, the heaviest first.
std::vector<std::string_view> TopicsOfActions(const FeedContext& context) {
  std::map<std::string_view, float> weights;
  for (const stream::LastAction& action : context.last_actions) {
    if (action.post == features::kNoEntity) continue;
    const features::EntityHandle topic = context.state->Post(action.post).topic;
    if (topic != features::kNoEntity)
      weights[context.state->TopicName(topic)] += TasteWeight(*context.state->domain(), action.action);
  }
  std::vector<std::pair<float, std::string_view>> sorted;
  for (const auto& [name, weight] : weights) {
    if (weight > 0) sorted.emplace_back(-weight, name);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string_view> topics;
  for (size_t i = 0; i < std::min(sorted.size(), kTopicsOfActionsMax); ++i) topics.push_back(sorted[i].second);
  return topics;
}

bool IsNewcomer(const FeedContext& context) {
  int known = 0;
  for (const stream::LastAction& action : context.last_actions)
    known += TasteWeight(*context.state->domain(), action.action) > 0;
  return known < kNewcomerActions;
}

// What a guest looked at: seen, and as the first action that tells of a taste.
void AddRecent(FeedContext* context) {
  const auto& actions = context->state->domain()->actions;
  const auto looked = std::ranges::find_if(actions, [](const domain::Action& action) { return action.taste > 0; });
  if (looked == actions.end()) return;
  for (const std::string& id : context->query->recent) {
    const features::EntityHandle item = context->state->FindPost(id);
    if (item == features::kNoEntity) continue;
    context->supposed.seen_posts.push_back(item);
    context->last_actions.push_back({item, context->state->Post(item).author,
                                     static_cast<features::Action>(looked - actions.begin()), context->now});
  }
}

// What the state says of the user, then what the query supposes over it.
void ReadUser(FeedContext* context) {
  const stream::LiveState& state = *context->state;
  if (context->user != features::kNoEntity) {
    context->last_actions = state.LastActions(context->user);
    context->followees = state.Followees(context->user);
  }
  if (context->query->suppose.empty()) return;
  std::vector<LogRecord> events = context->query->suppose;
  for (LogRecord& record : events) {
    record.event.user_id = context->query->user_id;
    record.event.event_time = context->now;
  }
  context->supposed = stream::Suppose(state, events);
  const stream::Supposition& supposed = context->supposed;
  context->last_actions.insert(context->last_actions.begin(), supposed.actions.begin(), supposed.actions.end());
  if (supposed.follows.empty()) return;
  std::set<features::EntityHandle> followees(context->followees.begin(), context->followees.end());
  for (const auto& [author, follows] : supposed.follows)
    follows ? (void)followees.insert(author) : (void)followees.erase(author);
  context->supposed_followees.assign(followees.begin(), followees.end());
  context->followees = context->supposed_followees;
}

}  // namespace

void HydrateQuery(FeedContext* context) {
  context->user = context->state->FindUser(context->query->user_id);
  context->told_topics.assign(context->query->topics.begin(), context->query->topics.end());
  ReadUser(context);
  AddRecent(context);
  context->is_newcomer = IsNewcomer(*context);
  if (context->told_topics.empty() && context->is_newcomer) {
    for (features::EntityHandle topic : context->ToldTopicsOfUser())
      context->told_topics.push_back(context->state->TopicName(topic));
  }
  context->topics = context->told_topics;
  for (std::string_view topic : TopicsOfActions(*context)) {
    if (std::find(context->topics.begin(), context->topics.end(), topic) == context->topics.end())
      context->topics.push_back(topic);
  }
}

}  // namespace feedmill::serve
