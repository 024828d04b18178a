// Follows the registry: whatever bundle is live there is opened, verified and handed to the feed service.
#pragma once

#include <string>
#include <thread>

#include "base/mutex.h"
#include "registry/registry.h"
#include "serve/feed_service.h"

namespace feedmill::app {

class LiveBundleFollower {
 public:
  // Looks once at once (errors are logged; the service answers without a bundle), then every `interval`.
  LiveBundleFollower(registry::Registry& registry, std::string bundles_folder, domain::DomainPtr domain,
                     serve::FeedService& feed, Micros interval);
  ~LiveBundleFollower();
  // Looks now. Any thread.
  void Look();

 private:
  void Run(Micros interval);

  registry::Registry& registry_;
  const std::string bundles_folder_;
  const domain::DomainPtr domain_;
  serve::FeedService& feed_;
  Mutex look_mutex_;
  std::string live_id_ FEEDMILL_GUARDED_BY(look_mutex_);
  // Could not be opened; not tried again until another is live.
  std::string refused_id_ FEEDMILL_GUARDED_BY(look_mutex_);
  Mutex stop_mutex_;
  CondVar stop_;
  bool stopping_ FEEDMILL_GUARDED_BY(stop_mutex_) = false;
  std::thread thread_;
};

}  // namespace feedmill::app
