// Which service answers which path.
#pragma once

#include <atomic>
#include <functional>

#include "app/browser_access.h"
#include "app/config.h"
#include "app/health.h"
#include "base/metrics.h"
#include "console/console_service.h"
#include "ingest/collector.h"
#include "io/http_server.h"
#include "serve/feed_service.h"

namespace feedmill::app {

struct Router {
  ingest::Collector* collector = nullptr;
  serve::FeedService* feed = nullptr;
  const stream::LiveState* state = nullptr;
  console::ConsoleService* console = nullptr;
  const MetricsRegistry* metrics = nullptr;
  BrowserAccess browsers = {};
  MetricsConfig metrics_config = {};
  // Whether a key is the read key or the admin token.
  std::function<bool(std::string_view key)> may_read_metrics = nullptr;
  const Health* health = nullptr;

  // Events, feeds, metrics, health: what the outside sees. Any thread.
  void Public(io::HttpRequest&& request, io::HttpResponder&& respond) const;
  // The same and the console.
  void All(io::HttpRequest&& request, io::HttpResponder&& respond) const;
  // An answer that the HTTP server gives by itself: pages may read it where they may read those of the services.
  void Refused(const io::HttpRequest& request, io::HttpResponse* response) const;
  // The server that `metrics_config` gives an address of its own: GET /metrics and nothing else.
  void Metrics(io::HttpRequest&& request, io::HttpResponder&& respond) const;

 private:
  void WriteItem(io::HttpRequest&& request, io::HttpResponder&& respond) const;
  void AnswerMetrics(const io::HttpRequest& request, io::HttpResponder&& respond) const;
};

}  // namespace feedmill::app
