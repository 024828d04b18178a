// Recall: each channel brings a bounded list of candidates, named after it. One file a channel; the list is in
// recall.cc.
#pragma once

#include <span>

#include "serve/feed_context.h"

namespace feedmill::serve {

struct Channel {
  Source source;
  // Whether the channel can bring anything here (it needs a bundle, a known user, ...); the scene says whether it
  // should.
  bool (*enabled)(const FeedContext& context);
  // Adds at most `settings.limit` candidates to context->candidates, best first.
  void (*recall)(const ChannelSettings& settings, FeedContext* context);
};

std::span<const Channel> Channels();

// Each channel: HasX and RecallX.
bool HasInNetwork(const FeedContext& context);
void RecallInNetwork(const ChannelSettings& settings, FeedContext* context);
bool HasI2i(const FeedContext& context);
void RecallI2i(const ChannelSettings& settings, FeedContext* context);
bool HasU2u(const FeedContext& context);
void RecallU2u(const ChannelSettings& settings, FeedContext* context);
bool HasVector(const FeedContext& context);
void RecallVector(const ChannelSettings& settings, FeedContext* context);
bool HasTrending(const FeedContext& context);
void RecallTrending(const ChannelSettings& settings, FeedContext* context);
bool HasFresh(const FeedContext& context);
void RecallFresh(const ChannelSettings& settings, FeedContext* context);
bool HasRandom(const FeedContext& context);
void RecallRandom(const ChannelSettings& settings, FeedContext* context);

// The rules of the request's scene, for channels that could bring others instead of what they take out.
class RulesOfScene {
 public:
  explicit RulesOfScene(const FeedContext& context);
  bool Through(features::EntityHandle post) const;

 private:
  const FeedContext& context_;
  const BoundRules rules_;
};

// How much an action tells of a user's taste; 0 for those that tell nothing or the opposite.
float TasteWeight(const domain::Domain& domain, features::Action action);

}  // namespace feedmill::serve
