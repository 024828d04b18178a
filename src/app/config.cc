#include "app/config.h"

#include <algorithm>

#include "base/config_document.h"
#include "base/settings.h"
#include "base/units.h"
#include "io/file_system.h"
#include "io/machine_memory.h"

namespace feedmill::app {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kGiB = 1 << 30;
constexpr uint64_t kStepMemoryMin = 512 << 20;

constexpr uint64_t kLiveMemoryPart = 4;  // of the machine's memory
constexpr uint64_t kLiveMemoryMin = 64 * kMiB;

void BindHttp(Settings* settings, Config* c) {
  auto http = settings->Section("http", "The one HTTP server: events, feeds, console, metrics.");
  http.Text("address", &c->http.address, "address to bind; 127.0.0.1 = this machine only");
  http.Integer("port", &c->http.port, {0, 65535}, "TCP port; 0 = any free one");
  http.Text("tls_certificate", &c->http.tls.certificate,
            "PEM file, the server's certificate first; empty = no TLS. Read again when it changes, as is the key");
  http.Text("tls_key", &c->http.tls.key, "PEM file of its private key, without a passphrase");
  http.Boolean("tls_by_proxy", &c->tls_by_proxy,
               "something in front speaks TLS: other machines may be served without a certificate of our own");
  http.Integer("threads", &c->http.threads, {1, 64}, "threads that read and write sockets");
  http.ByteSize("header_bytes_max", &c->http.header_bytes_max, {1024, kMiB},
                "longer request headers are refused (431)");
  http.ByteSize("body_bytes_max", &c->http.body_bytes_max, {1024, 256 * kMiB},
                "longer bodies are refused (413), gzip inflated");
  http.Integer("connections_max", &c->http.connections_max, {1, 100'000}, "more connections are refused (503)");
  http.Duration("idle_timeout", &c->http.idle_timeout, {kMicrosPerSecond, kMicrosPerHour},
                "silent connections are closed");
  http.Duration("request_timeout", &c->http.request_timeout, {kMicrosPerSecond, kMicrosPerHour},
                "a request must arrive whole within");
  http.Duration("send_timeout", &c->http.send_timeout, {kMicrosPerSecond, kMicrosPerHour},
                "a reader that takes less than 64 KiB of its answers in this time is cut");
  http.ByteSize("send_buffer_bytes", &c->http.send_buffer_bytes, {0, 16 * kMiB},
                "kernel memory for the answers of one connection; 0 = as the system likes");
  http.ByteSize("unsent_bytes_max", &c->http.unsent_bytes_max, {kMiB, 64 * kGiB},
                "answers of all connections that nobody has read; beyond it the slowest readers are cut");
  http.ByteSize("bodies_bytes_max", &c->http.bodies_bytes_max, {kMiB, 64 * kGiB},
                "bodies of all requests that are being received; beyond it they are refused (503)");
  http.Integer("streams_max", &c->http.streams_max, {0, 100'000},
               "answers that go on, such as GET /v1/admin/events/live; more are refused (503)");
  http.ByteSize("stream_unsent_bytes_max", &c->http.stream_unsent_bytes_max, {4096, 16 * kMiB},
                "of one such answer, what waits for its reader; beyond it the reader misses messages and is told so");
  http.Integer("descriptors_reserved", &c->descriptors_reserved, {64, 100'000},
               "open files that connections may not take: there are fewer connections where the system allows few");
  http.TextList(
      "allowed_origins", &c->allowed_origins,
      "pages that may send events and read feeds in a browser: \"https://app.example\"; :* = any port, * = all");
}

void BindMetrics(Settings* settings, Config* c) {
  auto metrics = settings->Section("metrics", "GET /metrics, for Prometheus.");
  metrics.Text("address", &c->metrics.address, "address of a server of its own; empty = the HTTP server answers");
  metrics.Integer("port", &c->metrics.port, {0, 65535}, "its TCP port; 0 = any free one");
  metrics.Enum("access", &c->metrics.access,
               {{"loopback", MetricsAccess::kLoopback}, {"key", MetricsAccess::kKey}, {"open", MetricsAccess::kOpen}},
               "loopback = this machine; others, and all with key, need the read key or the admin token");
}

void BindClockAndLogging(Settings* settings, Config* c) {
  auto clock = settings->Section("clock", "Which time it is.");
  clock.Enum("source", &c->clock.source,
             {{"system", ClockSource::kSystem}, {"driven", ClockSource::kDriven}, {"shifted", ClockSource::kShifted}},
             "system; driven by POST /v1/admin/clock (synthetic worlds); shifted = runs on from start");
  clock.Text("start", &c->clock.start, "first instant of a driven or shifted clock");
  clock.Duration("jump_min", &c->clock.jumps.jump_min, {kMicrosPerSecond, kMicrosPerDay},
                 "a larger step of the machine's clock against its monotonic one is a jump, told by /readyz");
  clock.Duration("jump_hold", &c->clock.jumps.hold, {0, 30 * kMicrosPerDay},
                 "times go on as before a jump for so long; then the machine's clock is believed");
  auto logging = settings->Section("logging", "Lines on standard error, and of the server in data/logs too.");
  logging.Enum("level", &c->logging.level,
               {{"debug", log::Level::kDebug},
                {"info", log::Level::kInfo},
                {"warn", log::Level::kWarn},
                {"error", log::Level::kError}},
               "the least important line that is written");
  logging.Enum("format", &c->logging.format, {{"text", log::Format::kText}, {"json", log::Format::kJson}},
               "text for people, json for machines");
  logging.ByteSize("file_bytes_max", &c->logging.file_bytes_max, {64 << 10, kGiB},
                   "a longer data/logs/server.log is put aside and begun anew");
  logging.Integer("files_max", &c->logging.files_max, {1, 100}, "files put aside that are kept; the oldest goes first");
}

void BindIngest(Settings* settings, Config* c) {
  auto log = settings->Section("log", "The durable event log.");
  log.Integer("partitions", &c->event_log.partitions, {1, 64},
              "fixed when the log is made; one keeps all events in one order");
  log.ByteSize("segment_bytes_max", &c->event_log.segment_bytes_max, {kMiB, 4 * kGiB},
               "size at which a new file begins");
  log.Duration("commit_delay_max", &c->event_log.commit_delay_max, {0, kMicrosPerSecond},
               "how long an event may wait for others to share its fsync");
  log.ByteSize("commit_bytes_max", &c->event_log.commit_bytes_max, {64 << 10, 256 * kMiB},
               "bytes that share one fsync");
  log.ByteSize("queue_bytes_max", &c->event_log.queue_bytes_max, {kMiB, 4 * kGiB},
               "bytes waiting for the disk; beyond it clients get 429");
  auto collect = settings->Section("collect", "The door for events.");
  collect.Integer("batch_events_max", &c->collect.batch_events_max, {1, 100'000}, "events of one request");
  collect.ByteSize("import_batch_bytes_max", &c->import_batch_bytes_max, {64 << 10, 256 * kMiB},
                   "body of one request with the import key");
  collect.Integer("batch_threads", &c->collect.batch_threads, {1, 64}, "threads that read larger bodies");
  collect.Integer("import_threads", &c->collect.import_threads, {1, 64},
                  "threads that read bodies with the import key, behind everything else");
  collect.ByteSize("batch_queue_bytes_max", &c->collect.batch_queue_bytes_max, {kMiB, 4 * kGiB},
                   "larger bodies waiting to be read; beyond it clients get 429");
  collect.ByteSize("import_queue_bytes_max", &c->collect.import_queue_bytes_max, {kMiB, 4 * kGiB},
                   "the same with the import key");
  collect.Text("public_url", &c->collect.public_url,
               "how browsers reach this server, e.g. https://events.example; empty = as their requests name it");
  collect.Duration("dedupe_horizon", &c->collect.dedupe.horizon, {kMicrosPerHour, 90 * kMicrosPerDay},
                   "how long a messageId is recognised");
  collect.ByteSize("dedupe_bytes_max", &c->collect.dedupe.bytes_max, {kMiB, 64 * kGiB},
                   "memory for recognising them; beyond it the oldest are forgotten");
  collect.Text("place_database", &c->place_database,
               "MaxMind database file for country, region and city of addresses; empty = none");
  auto landing = settings->Section("landing", "From the log into the lake.");
  landing.Duration("interval", &c->landing.interval, {100 * kMicrosPerMilli, kMicrosPerHour},
                   "how often new events are committed to the raw tables");
  landing.ByteSize("batch_bytes_max", &c->landing.batch_bytes_max, {kMiB, 4 * kGiB}, "log bytes of one commit");
  landing.Integer("batch_records_max", &c->landing.batch_records_max, {1000, 100'000'000}, "log records of one commit");
}

void BindServing(Settings* settings, Config* c) {
  auto stream = settings->Section("stream", "What the server knows right now.");
  stream.Integer("last_actions_max", &c->stream.state.last_actions_max, {1, 1000}, "actions kept a user");
  stream.Integer("seen_max", &c->stream.state.seen_max, {10, 1'000'000}, "seen posts kept a user");
  stream.Integer("fresh_posts_max", &c->stream.state.fresh_posts_max, {10, 10'000'000}, "newest posts kept");
  stream.ByteSize("memory_bytes_max", &c->stream.state.memory_bytes_max, {0, int64_t{1} << 46},
                  "memory of all that is known live; what was not touched lately stands in a file of data/state. 0 = a "
                  "quarter of the machine's");
  stream.Duration("checkpoint_interval", &c->stream.checkpoint_interval, {kMicrosPerSecond, kMicrosPerHour},
                  "the log is replayed from the last one at start");
  auto feed = settings->Section("feed", "Feeds.");
  feed.Duration("budget", &c->feed.budget, {kMicrosPerMilli, 10 * kMicrosPerSecond},
                "of one request from its first byte; what is not ready by then is left out and named");
  feed.Integer("items_max", &c->feed.items_max, {1, 1000}, "items one request may ask for");
  feed.Integer("candidates_max", &c->feed.candidates_max, {10, 100'000}, "candidates that are ranked");
  feed.Integer("threads", &c->feed.threads, {1, 64}, "requests answered at the same time");
  feed.Integer("queue_max", &c->feed.queue_max, {1, 100'000}, "requests that may wait; more get 503");
  feed.Integer("parked_max", &c->feed.parked_max, {0, 100'000},
               "requests that may wait for the event they name; more are answered without it");
  feed.Duration("trending_half_life", &c->feed.trending.half_life, {kMicrosPerHour, 365 * kMicrosPerDay},
                "of an action in what is popular; the nearest post counter of features/*.toml is read");
  feed.Duration("trending_age_max", &c->feed.trending.age_max, {kMicrosPerHour, 3650 * kMicrosPerDay},
                "older posts are not popular");
  feed.Integer("explain_kept_max", &c->feed.explain_kept_max, {0, 10'000'000},
               "answers kept in memory for /v1/explain");
  feed.Integer("seed", &c->feed.seed, {0}, "of exploration and of the random scene");
}

void BindNightly(Settings* settings, Config* c) {
  auto retention = settings->Section("retention", "How long things are kept.");
  constexpr IntegerRange kAges = {kMicrosPerSecond, 3650 * kMicrosPerDay};
  retention.Duration("log", &c->landing.log_retention, kAges, "log records that are in the lake");
  retention.Duration("snapshots", &c->retention.snapshots, kAges,
                     "former versions of tables; a query that reads one for longer loses its files");
  retention.Integer("snapshots_min", &c->retention.snapshots_min, {1, 10'000},
                    "former versions kept whatever their age");
  retention.Duration("bundles", &c->retention.bundles, kAges, "bundles that are not live");
  retention.Integer("bundles_min", &c->retention.bundles_min, {2, 1000}, "the newest bundles, whatever their age");
  constexpr IntegerRange kDays = {kMicrosPerDay, 3650 * kMicrosPerDay};
  retention.Duration("training", &c->retention.training, kDays, "what the training steps of one night hand on");
  retention.Duration("temporary", &c->retention.temporary, kDays, "files in tmp that a killed step has left");
  retention.Duration("runs", &c->retention.runs, kAges, "records and reports of runs");
  retention.Integer("runs_min", &c->retention.runs_min, {1, 100'000}, "the newest runs, whatever their age");
  retention.Duration("intervals", &c->retention.intervals, kDays, "interval records of tables that are no more");
  retention.Duration("raw", &c->retention.raw, {0, 36'500 * kMicrosPerDay},
                     "raw events in the lake, by the time they came in; 0s = for ever, else 60 days or more");
  retention.Duration("orphans", &c->retention.orphans, {kMicrosPerMinute, 3650 * kMicrosPerDay},
                     "age of files below a table that nothing refers to; a step that writes for longer loses them");
  retention.Boolean("orphans_dry_run", &c->retention.orphans_dry_run, "count them and leave them");
  retention.ByteSize("scrub_bytes", &c->retention.scrub_bytes, {0, 64 * kGiB},
                     "of the lake that a server reads each maintenance.scrub and compares with checksums; 0 = none");
  auto maintenance = settings->Section("maintenance", "How often a server looks after its folder.");
  constexpr IntegerRange kPauses = {100 * kMicrosPerMilli, 30 * kMicrosPerDay};
  maintenance.Duration("messages", &c->maintenance.messages, kPauses, "saves which messages are known");
  maintenance.Duration("snapshots", &c->maintenance.snapshots, kPauses, "lets former versions of tables go");
  maintenance.Duration("keeper", &c->maintenance.keeper, kPauses, "lets everything else go whose retention is over");
  maintenance.Duration("orphans", &c->maintenance.orphans, kPauses, "looks for files that nothing refers to");
  maintenance.Duration("scrub", &c->maintenance.scrub, kPauses, "compares some files with their checksums");
  auto nightly = settings->Section("nightly", "The steps of `feedmill run`, each a process of its own.");
  nightly.ByteSize("memory_bytes_max", &c->nightly.memory_bytes_max, {0, 1024 * kGiB},
                   "of one step, at least 512MiB; over it the step is tried again in smaller parts; 0 = memory_share");
  nightly.Real("memory_share", &c->nightly.memory_share, {0.02, 0.9},
               "of the memory of the machine, or of the container, that one step may use");
  nightly.Duration("step_time_max", &c->nightly.step_time_max, {kMicrosPerSecond, 7 * kMicrosPerDay}, "of one step");
  nightly.Integer("parallel", &c->nightly.parallel, {1, 64}, "steps at the same time");
  nightly.Integer("attempts_max", &c->nightly.attempts_max, {1, 10}, "tries of one step");
  nightly.Integer("threads", &c->nightly.threads, {1, 256}, "threads of one step");
  nightly.Integer("day_samples_max", &c->nightly.day_samples_max, {0, int64_t{1} << 40},
                  "rows of ads_sample_ctr a day: of a day with more impressions only every second, fourth, ... request "
                  "is kept, whole; 0 = all");
  nightly.Integer("nice", &c->nightly.nice, {0, 19},
                  "how far runs give way to what else the processors have to do, feeds above all; 0 = not at all");
  nightly.Text("at", &c->nightly.schedule.at,
               "time of day at which a server runs it by itself; empty = never (as with a driven clock)");
  nightly.Text("time_zone", &c->nightly.schedule.time_zone, "of that time: UTC, local or an offset like +02:00");
}

Status Read(const std::string& project, const Overrides& overrides, Settings* settings, Config* config) {
  config->paths.project = project;
  config->overrides = overrides;
  config->http.port = 8080;
  config->http.body_bytes_max = 16 << 20;
  BindHttp(settings, config);
  BindMetrics(settings, config);
  BindClockAndLogging(settings, config);
  BindIngest(settings, config);
  BindServing(settings, config);
  BindNightly(settings, config);
  settings->Section("data", "Where state is kept.")
      .Text("folder", &config->paths.data, "empty = the folder data beside this file");
  for (const std::string& override : overrides) {
    const size_t equal = override.find('=');
    if (equal == std::string::npos)
      return InvalidArgument("--set {}: found no \"=\", allowed name=value like http.port=9000", override);
    settings->Override(override.substr(0, equal), override.substr(equal + 1), "--set");
  }
  const auto text = io::ReadWholeFile(io::PosixFileSystem(), config->paths.Settings());
  if (!text)
    return NotFound("{}: no feedmill.toml there; make a project with `feedmill init {}` or name one with --project",
                    project, project);
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(config->paths.Settings(), *text));
  return settings->Load(document);
}

// What the type of a setting does not say.
// Keys and people's events go over it.
Status CheckWhoReaches(const Config& config, std::string_view setting, const std::string& address) {
  if (address.empty() || io::IsLoopback(address) || config.http.tls.any() || config.tls_by_proxy) return Ok();
  return InvalidArgument(
      "{}: found {}, which other machines reach, without TLS; allowed: 127.0.0.1 or ::1, or a certificate "
      "(http.tls_certificate and http.tls_key), or http.tls_by_proxy = true where something in front speaks TLS",
      setting, address);
}

Status Check(const Config& config) {
  constexpr Micros kRawMin = 60 * kMicrosPerDay;  // windows and lookbacks of the tables reach back less
  const NightSchedule& schedule = config.nightly.schedule;
  if (!schedule.at.empty()) FEEDMILL_TRY(ParseTimeOfDay(schedule.at));
  FEEDMILL_TRY(OffsetOf(schedule.time_zone, 0));
  if (config.retention.raw != 0 && config.retention.raw < kRawMin) {
    return InvalidArgument("retention.raw: found {}, allowed 0s or {} and more", FormatDuration(config.retention.raw),
                           FormatDuration(kRawMin));
  }
  FEEDMILL_TRY(CheckWhoReaches(config, "http.address", config.http.address));
  return CheckWhoReaches(config, "metrics.address", config.metrics.address);
}

void MakeAbsolute(const std::string& project, std::string* path) {
  if (!path->empty() && !path->starts_with('/')) *path = project + "/" + *path;
}

// What follows from other settings.
Status Derive(Config* config) {
  uint64_t& memory = config->nightly.memory_bytes_max;
  if (memory > 0 && memory < kStepMemoryMin) {
    return InvalidArgument("nightly.memory_bytes_max: found {} bytes, allowed 0 or at least {}", memory,
                           kStepMemoryMin);
  }
  if (memory == 0) {
    const auto share = static_cast<double>(io::MachineMemoryBytes()) * config->nightly.memory_share;
    memory = std::max(kStepMemoryMin, static_cast<uint64_t>(share));
  }
  if (config->paths.data.empty()) config->paths.data = config->paths.project + "/data";
  MakeAbsolute(config->paths.project, &config->http.tls.certificate);
  MakeAbsolute(config->paths.project, &config->http.tls.key);
  config->event_log.directory = config->paths.Log();
  config->collect.dedupe_checkpoint = config->paths.State() + "/dedupe.checkpoint";
  config->feed.feed_folder = config->paths.Feed();
  config->stream.state.cold_folder = config->paths.State() + "/cold";
  if (config->stream.state.memory_bytes_max == 0)
    config->stream.state.memory_bytes_max = std::max(kLiveMemoryMin, io::MachineMemoryBytes() / kLiveMemoryPart);
  return Ok();
}

}  // namespace

Result<Config> LoadConfig(const std::string& project, const Overrides& overrides) {
  Config config;
  Settings settings;
  FEEDMILL_TRY(Read(project, overrides, &settings, &config));
  FEEDMILL_TRY(Check(config));
  FEEDMILL_TRY(Derive(&config));
  return config;
}

Result<std::string> ExplainConfig(const std::string& project, const Overrides& overrides) {
  Config config;
  Settings settings;
  FEEDMILL_TRY(Read(project, overrides, &settings, &config));
  FEEDMILL_TRY(Check(config));
  return settings.Explain();
}

}  // namespace feedmill::app
