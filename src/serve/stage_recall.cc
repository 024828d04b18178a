// Runs the scene's channels one after the other: each takes tens of microseconds on memory, less than handing it to
// another thread.
#include "serve/recall.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

// "recall.i2i": names that live for ever, for the funnel.
std::string_view ChannelStageName(Source source) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (int i = 0; i < kChannelCount; ++i)
      made.push_back(fmt::format("recall.{}", SourceName(static_cast<Source>(i))));
    return made;
  }();
  return names[static_cast<size_t>(source)];
}

int CountOf(const FeedContext& context, Source source) {
  int count = 0;
  for (const Candidate& candidate : context.candidates.items()) count += (candidate.sources & SourceBit(source)) != 0;
  return count;
}

void SetFusion(FeedContext* context) {
  std::array<float, kChannelCount> weights;
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(context->scene->channels[i].weight);
  context->candidates.SetFusion(weights, static_cast<float>(context->scene->rank.fusion_offset));
}

}  // namespace

void Recall(FeedContext* context) {
  SetFusion(context);
  for (const Channel& channel : Channels()) {
    const ChannelSettings& settings = context->scene->channel(channel.source);
    if (!settings.enabled) continue;
    const std::string_view name = ChannelStageName(channel.source);
    if (context->Late()) {
      context->degraded.push_back(fmt::format("{}: late", name));
      continue;
    }
    const Micros start = MonotonicMicros();
    if (channel.enabled(*context)) channel.recall(settings, context);
    const Micros elapsed = MonotonicMicros() - start;
    context->funnel.push_back({name, CountOf(*context, channel.source), elapsed});
  }
}

}  // namespace feedmill::serve
