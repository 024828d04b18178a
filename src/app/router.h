// Which service answers which path.
#pragma once

#include <atomic>
#include <functional>

#include "base/metrics.h"
#include "console/console_service.h"
#include "ingest/collector.h"
#include "io/http_server.h"
#include "serve/feed_service.h"

namespace feedmill::app {

struct Router {
  ingest::Collector* collector = nullptr;
  serve::FeedService* feed = nullptr;
  console::ConsoleService* console = nullptr;
  const MetricsRegistry* metrics = nullptr;
  std::function<bool()> ready;

  // Events, feeds, metrics, health: what the outside sees. Any thread.
  void Public(io::HttpRequest&& request, io::HttpResponder&& respond) const;
  // The same and the console.
  void All(io::HttpRequest&& request, io::HttpResponder&& respond) const;
};

}  // namespace feedmill::app
