#include "serve/feed_metrics.h"

#include "serve/recall.h"
#include "serve/stage.h"

namespace feedmill::serve {

FeedMetrics::FeedMetrics(MetricsRegistry* registry) : registry_(registry) {
  if (registry_ == nullptr) return;
  seconds_ = &registry_->GetHistogram("feedmill_feed_seconds", "Time from a feed request's arrival to its answer");
  items_ = &registry_->GetCounter("feedmill_feed_items_total", "Items answered");
  empty_ = &registry_->GetCounter("feedmill_feed_empty_total", "Answers without an item");
  for (const Stage& stage : Stages()) {
    stages_[stage.name] = &registry_->GetHistogram("feedmill_feed_stage_seconds", "Time of one stage",
                                                   {{"stage", std::string(stage.name)}});
  }
}

void FeedMetrics::Answered(const FeedContext& context, Micros elapsed) {
  if (registry_ == nullptr) return;
  seconds_->Observe(static_cast<double>(elapsed) / kMicrosPerSecond);
  items_->Add(context.page.size());
  if (context.page.empty()) empty_->Add();
  for (const FunnelStep& step : context.funnel) {
    const auto stage = stages_.find(step.stage);
    if (stage != stages_.end()) stage->second->Observe(static_cast<double>(step.elapsed) / kMicrosPerSecond);
  }
  for (const std::string& part : context.degraded) Degraded(part).Add();
}

Counter& FeedMetrics::Degraded(const std::string& part) {
  const std::string stage = part.substr(0, part.find(':'));
  return registry_->GetCounter("feedmill_feed_degraded_total", "Answers that lack a part", {{"part", stage}});
}

void FeedMetrics::Refused(int status) {
  if (registry_ == nullptr) return;
  registry_
      ->GetCounter("feedmill_feed_refused_total", "Requests answered with an error",
                   {{"status", std::to_string(status)}})
      .Add();
}

}  // namespace feedmill::serve
