// The web console: its pages under /console/ (embedded in the binary) and its API under /v1/admin/ (admin token,
// Bearer). Thin: what it shows and does is wired by app. A function that is not wired answers 501.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "console/act.h"
#include "console/activity.h"
#include "io/http_server.h"
#include "registry/registry.h"

namespace feedmill::console {

// The totals and ages behind the health tiles; rates and latencies the console makes itself.
struct StateTiles {
  Micros now = 0;  // of the clock
  bool clock_driven = false;
  std::string version;
  int64_t events_accepted = 0;   // since the start: what rates are made of
  int64_t events_total = 0;      // rows of the raw tables, of all time
  int64_t rejected_total = 0;    // the same
  int64_t log_lag_records = 0;   // written to the log and not yet applied by the stream
  int64_t lake_lag_records = 0;  // written to the log and not yet in the lake
  Micros lake_committed_at = 0;  // of the newest commit to ods_event, 0 when none; same clock as `now`
  int64_t users = 0;
  int64_t posts = 0;
  std::string live_bundle;  // "" when none
  Micros bundle_created_at = 0;
  std::map<std::string, double> bundle_metrics;
  std::vector<std::pair<std::string, std::string>> scenes;  // name, description
};

struct UserRow {
  std::string id;
  int64_t follows = 0;
  int64_t actions = 0;        // kept last actions
  Micros last_action_at = 0;  // 0: none
};

struct DatedPost {
  std::string id;
  Micros created_at = 0;
};

// One file of the tracking plan.
struct PlannedEvent {
  std::string name;
  std::string schema;  // JSON text
};

struct CheckRow {
  std::string rule;
  bool passed = false;
  std::string found;
};

struct StepRow {
  std::string name;
  std::string state;  // "succeeded" | "failed" | "running" | "waiting" | "skipped"
  double seconds = 0;
  int64_t rows = -1;  // written, -1 unknown
  int attempts = 1;
  std::string message;  // why it failed
  std::vector<CheckRow> checks;
};

// Events that a run has left out of a table.
struct LeftOutRow {
  std::string model;
  std::string text;     // for people
  std::string command;  // what brings them in; "" when a later run does by itself
};

struct RunRow {
  std::string id;
  std::string state;
  Micros started_at = 0;
  Micros finished_at = 0;  // 0: still running
  std::string interval;    // "2026-11-21 .. 2026-11-22"
  std::vector<StepRow> steps;
  std::vector<LeftOutRow> left_out = {};
};

struct ConsoleKeys {
  std::string read;
  std::string write;
};

struct ConsoleWiring {
  std::function<bool(std::string_view token)> may_administer;  // null: every request to the API is refused
  // Keys the console uses for the playground, so that none sits in a browser; route() must accept them.
  std::function<ConsoleKeys()> keys;
  // The server's own front door: /v1/feed, /v1/explain/..., /v1/track, /v1/batch. Never called for /v1/admin/.
  std::function<void(io::HttpRequest&&, io::HttpResponder&&)> route;
  MetricsRegistry* metrics = nullptr;  // feedmill_feed_seconds is read for the tiles; may be null
  ActivityRing* activity = nullptr;    // may be null
  // Called on threads of the console; any of them may be null.
  std::function<StateTiles()> state;
  std::function<Result<std::vector<UserRow>>(const std::string& search, int limit)> users;
  std::function<Result<std::vector<PlannedEvent>>()> plan;
  ActWords words;  // of the playground
  // Titles of those posts that have one.
  std::function<Result<std::map<std::string, std::string>>(const std::vector<DatedPost>& posts)> titles;
  std::function<Result<std::vector<registry::BundleRow>>()> bundles;
  std::function<Result<registry::Promotion>(const std::string& id, bool force)> promote;
  std::function<Result<registry::Promotion>()> rollback;
  std::function<Result<std::vector<RunRow>>(int limit)> runs;  // newest first
  // What only the running server knows of its nights and its housekeeping, as a JSON object.
  std::function<std::string()> status;
  // Brings everything that is in the log into the lake; returns when it is there.
  std::function<Status()> land;
  std::function<Status(Micros now)> set_clock;  // null or an error when the clock is the system's
  std::function<Status(Micros wall)> jump_to;   // of a driven clock, as when the machine's wall clock jumps
};

class ConsoleService {
 public:
  virtual ~ConsoleService() = default;
  // Routes /v1/admin/..., /console and /console/...; anything else is 404. Any thread.
  virtual void Handle(io::HttpRequest&& request, io::HttpResponder&& respond) = 0;
  // Joins the console's threads. Requests that come later get 503. Idempotent.
  virtual void Stop() = 0;
};

std::unique_ptr<ConsoleService> MakeConsoleService(ConsoleWiring wiring);

}  // namespace feedmill::console
