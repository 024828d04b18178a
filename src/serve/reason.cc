#include "serve/reason.h"

namespace feedmill::serve {
namespace {

// What the user did to `post` last, as a participle.
std::string_view LastDeed(const FeedContext& context, features::EntityHandle post) {
  for (const stream::LastAction& action : context.last_actions) {
    if (action.post != post) continue;
    const std::string& said = features::ActionOf(*context.state->domain(), action.action).said;
    if (!said.empty()) return said;
  }
  return "know";
}

std::string InTopic(const FeedContext& context, const Candidate& candidate) {
  if (candidate.input.topic == features::kNoEntity) return "";
  const std::string_view topic = context.state->TopicName(candidate.input.topic);
  return topic.empty() ? "" : fmt::format(" in {}", topic);
}

}  // namespace

std::string ReasonFor(const FeedContext& context, const Candidate& candidate) {
  // Whatever else brought it: that one follows the author says most.
  const bool followed = (candidate.sources & SourceBit(Source::kInNetwork)) != 0;
  switch (followed ? Source::kInNetwork : candidate.best) {
    case Source::kInNetwork:
      return fmt::format("You follow {}", context.state->UserId(candidate.input.author));
    case Source::kI2i:
      return fmt::format("Similar to a {} you {}", context.state->domain()->Shown().name,
                         LastDeed(context, candidate.because));
    case Source::kU2u:
      return "People with your taste liked this";
    case Source::kVector:
      return "Close to your interests";
    case Source::kTrending:
      return fmt::format("Popular{} today", InTopic(context, candidate));
    case Source::kFresh:
      return fmt::format("New{}", InTopic(context, candidate));
    case Source::kRandom:
      return "Picked at random";
    case Source::kExploration:
      return fmt::format("Something new to try{}", InTopic(context, candidate));
    case Source::kFallback:
      return "Popular today";
  }
  return "";
}

}  // namespace feedmill::serve
