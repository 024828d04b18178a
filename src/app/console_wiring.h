// What the console shows and does, read from the rooms of this server.
#pragma once

#include "access/key_ring.h"
#include "app/config.h"
#include "app/data_folder.h"
#include "app/lake_lookup.h"
#include "app/live_bundle.h"
#include "app/service_clock.h"
#include "base/metrics.h"
#include "console/console_service.h"
#include "domain/domain.h"
#include "ingest/landing.h"
#include "ingest/log.h"
#include "ingest/tracking_plan.h"
#include "serve/feed_service.h"
#include "stream/live_state.h"
#include "stream/log_tailer.h"

namespace feedmill::app {

// All of it outlives the console service.
struct ConsoleSources {
  ServiceClock& clock;
  DataFolder& folder;
  ingest::EventLog& log;
  ingest::Landing& landing;
  stream::LiveState& state;
  stream::LogTailer& tailer;
  serve::FeedService& feed;
  LiveBundleFollower& live_bundle;
  MetricsRegistry& metrics;
  console::ActivityRing& activity;
  LakeLookup& lookup;
  std::string data_folder;
  std::string events_folder;  // the tracking plan
  std::string project;        // as commands name it
  domain::DomainPtr domain;
  std::shared_ptr<const ingest::TrackingPlan> plan;
};

// Without `route`, which the server adds.
console::ConsoleWiring MakeConsoleWiring(const ConsoleSources& sources, const access::KeyRing& keys);

}  // namespace feedmill::app
