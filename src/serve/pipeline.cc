#include "serve/pipeline.h"

#include "base/hash.h"
#include "serve/stage.h"

namespace feedmill::serve {

void RunStages(FeedContext* context) {
  if (context->scene->rank.enabled) {
    if (context->bundle == nullptr) {
      context->degraded.emplace_back("rank: no bundle");
    } else if (!context->features_match) {
      context->degraded.emplace_back("rank: the bundle's models know other features");
    }
  }
  for (const Stage& stage : Stages()) {
    if (!stage.enabled(*context)) continue;
    if (stage.may_be_left_out && context->Late()) {
      context->degraded.push_back(fmt::format("{}: late", stage.name));
      continue;
    }
    const Micros start = MonotonicMicros();
    stage.run(context);
    const Micros elapsed = MonotonicMicros() - start;
    context->funnel.push_back({stage.name, stage.count(*context), elapsed});
  }
}

uint64_t FeedSeed(std::string_view user_id, std::string_view scene, Micros now, uint64_t seed) {
  return Mix64(Hash64(user_id, seed) ^ Mix64(Hash64(scene, seed) ^ Mix64(static_cast<uint64_t>(now))));
}

}  // namespace feedmill::serve
