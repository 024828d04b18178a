#include "serve/recall.h"

#include <algorithm>
#include <array>

#include "serve/stage.h"

namespace feedmill::serve {
namespace {

// The channels, in the order they run; the order decides which one is `best` when two rank a post alike.
constexpr std::array<Channel, kChannelCount> kChannels = {{
    {Source::kInNetwork, HasInNetwork, RecallInNetwork},
    {Source::kI2i, HasI2i, RecallI2i},
    {Source::kU2u, HasU2u, RecallU2u},
    {Source::kVector, HasVector, RecallVector},
    {Source::kTrending, HasTrending, RecallTrending},
    {Source::kFresh, HasFresh, RecallFresh},
    {Source::kRandom, HasRandom, RecallRandom},
}};

}  // namespace

std::span<const Channel> Channels() { return kChannels; }

// What was done to items of another kind tells nothing of these; what one dislikes is filtered and seeds nothing.
float TasteWeight(const domain::Domain& domain, features::Action action) {
  const domain::Action& done = features::ActionOf(domain, action);
  return !domain.IsOfUsers(done) ? std::max(0.0F, static_cast<float>(done.taste)) : 0.0F;
}

RulesOfScene::RulesOfScene(const FeedContext& context)
    : context_(context), rules_(context.scene->filter.rules, context) {}

bool RulesOfScene::Through(features::EntityHandle post) const {
  if (context_.scene->filter.rules.empty()) return true;
  Candidate candidate;
  candidate.input.post = post;
  FillFrom(context_.state->Post(post), &candidate.input);
  return !rules_.Break(candidate);
}

}  // namespace feedmill::serve
