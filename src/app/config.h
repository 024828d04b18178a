// Everything that can be set in a project's feedmill.toml, typed and with its limits. One place: rooms bring their
// options structs, this file binds them.
#pragma once

#include <string>
#include <vector>

#include "app/night_schedule.h"
#include "app/project.h"
#include "app/service_clock.h"
#include "base/log.h"
#include "ingest/collector.h"
#include "ingest/landing.h"
#include "ingest/log.h"
#include "io/http_server.h"
#include "query/engine.h"
#include "serve/feed_service.h"
#include "stream/live_state.h"

namespace feedmill::app {

struct ClockConfig {
  ClockSource source = ClockSource::kSystem;
  std::string start = "2026-01-01";  // of a driven or shifted clock
  JumpOptions jumps;
};

// Who may read /metrics.
enum class MetricsAccess {
  kLoopback,  // peers on this machine; others with the read key or the admin token
  kKey,       // all need one of the two
  kOpen,
};

struct MetricsConfig {
  std::string address;  // of a server of its own; empty = the HTTP server answers
  uint16_t port = 9464;
  MetricsAccess access = MetricsAccess::kLoopback;
};

struct LogConfig {
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kText;
  uint64_t file_bytes_max = 16 << 20;  // of data/logs/server.log
  int files_max = 4;                   // former ones that are kept
};

struct StreamConfig {
  stream::LiveStateOptions state;
  Micros checkpoint_interval = 30 * kMicrosPerSecond;
};

struct RetentionConfig {
  Micros snapshots = 5 * kMicrosPerDay;  // of table snapshots
  int snapshots_min = 10;
  Micros bundles = 30 * kMicrosPerDay;  // that are not live
  int bundles_min = 5;                  // the newest, whatever their age
  Micros training = 7 * kMicrosPerDay;  // what the trainers of a night hand on
  Micros temporary = kMicrosPerDay;
  Micros runs = 90 * kMicrosPerDay;  // records and reports
  int runs_min = 50;
  Micros intervals = 30 * kMicrosPerDay;  // records of tables that are no more
  Micros raw = 0;                         // 0 = for ever
  Micros orphans = kMicrosPerDay;         // age of files that nothing refers to
  bool orphans_dry_run = false;           // they are only counted
  uint64_t scrub_bytes = 64 << 20;        // a look
};

// How often a running server looks after its folder.
struct MaintenanceConfig {
  Micros messages = kMicrosPerMinute;
  Micros snapshots = 10 * kMicrosPerMinute;
  Micros keeper = kMicrosPerHour;
  Micros orphans = kMicrosPerDay;
  Micros scrub = kMicrosPerMinute;
};

struct NightlyConfig {
  uint64_t memory_bytes_max = 0;  // of one step; LoadConfig puts the share of the machine in place of 0
  double memory_share = 0.25;
  Micros step_time_max = 30 * kMicrosPerMinute;
  int parallel = 1;                     // steps at the same time
  int attempts_max = 2;                 // of one step
  int threads = 2;                      // of one step
  int64_t day_samples_max = 5'000'000;  // about so many rows of ads_sample_ctr a day; 0 = all
  int nice = 10;                        // steps of nice(1) that a run gives way to a server beside it
  NightSchedule schedule;
};

// "name=text", as on the command line: --set http.port=9000.
using Overrides = std::vector<std::string>;

struct Config {
  ProjectPaths paths;
  Overrides overrides;  // that were applied: processes that are started get them too
  io::HttpServerOptions http;
  bool tls_by_proxy = false;                 // other machines may be served without TLS of our own
  int descriptors_reserved = 256;            // for files
  std::vector<std::string> allowed_origins;  // of pages in browsers
  MetricsConfig metrics;
  ClockConfig clock;
  LogConfig logging;
  ingest::LogOptions event_log;
  ingest::CollectorOptions collect;
  size_t import_batch_bytes_max = 16 << 20;
  std::string place_database;  // MaxMind file; empty = places stay unknown
  ingest::LandingOptions landing;
  StreamConfig stream;
  serve::FeedServiceOptions feed;
  RetentionConfig retention;
  MaintenanceConfig maintenance;
  NightlyConfig nightly;
};

// Reads <project>/feedmill.toml (must exist) and applies the overrides. All errors at once, one a line.
Result<Config> LoadConfig(const std::string& project, const Overrides& overrides);
// Every setting with its meaning, limits, default, value and where the value came from, as TOML.
Result<std::string> ExplainConfig(const std::string& project, const Overrides& overrides);

}  // namespace feedmill::app
