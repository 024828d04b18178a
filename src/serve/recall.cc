#include "serve/recall.h"

#include <array>

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

float TasteWeight(features::Action action) {
  switch (action) {
    case features::Action::kClick:
      return 1;
    case features::Action::kLike:
      return 2;
    case features::Action::kComment:
      return 2.5F;
    case features::Action::kShare:
      return 3;
    case features::Action::kDwellSeconds:
      return 0.5F;
    default:
      return 0;
  }
}

}  // namespace feedmill::serve
