// What Prometheus sees of the feed. All null when there is no registry.
#pragma once

#include <map>
#include <string>

#include "base/metrics.h"
#include "serve/feed_context.h"

namespace feedmill::serve {

class FeedMetrics {
 public:
  explicit FeedMetrics(MetricsRegistry* registry);
  // Any thread.
  void Answered(const FeedContext& context, Micros elapsed);
  void Refused(int status);

 private:
  Counter& Degraded(const std::string& part);

  MetricsRegistry* registry_;
  Histogram* seconds_ = nullptr;
  Counter* items_ = nullptr;
  Counter* empty_ = nullptr;
  std::map<std::string_view, Histogram*> stages_;
};

}  // namespace feedmill::serve
