#include "app/console_wiring.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "app/user_search.h"
#include "base/time_text.h"
#include "jobs/run_store.h"

namespace feedmill::app {
namespace {

using console::StateTiles;

constexpr Micros kLandTime = 10 * kMicrosPerMinute;

int64_t LakeLag(const ingest::EventLog& log, const ingest::Landing& landing) {
  int64_t lag = 0;
  for (uint32_t partition = 0; partition < log.partitions(); ++partition) {
    lag += static_cast<int64_t>(log.EndOffset(partition)) - static_cast<int64_t>(landing.LandedOffset(partition));
  }
  return lag;
}

void DescribeBundle(const serve::FeedService& feed, StateTiles* tiles) {
  const auto bundle = feed.bundle();
  if (!bundle) return;
  tiles->live_bundle = bundle->manifest.id;
  tiles->bundle_created_at = bundle->manifest.created_at;
  tiles->bundle_metrics = bundle->manifest.metrics;
}

StateTiles Tiles(const ConsoleSources& s) {
  StateTiles tiles;
  tiles.now = s.clock.Now();
  tiles.clock_driven = s.clock.source() == ClockSource::kDriven;
  tiles.version = FEEDMILL_VERSION;
  tiles.events_total = static_cast<int64_t>(s.metrics.GetCounter("feedmill_collect_events_accepted_total", "").Value());
  tiles.rejected_total =
      static_cast<int64_t>(s.metrics.GetCounter("feedmill_collect_events_rejected_total", "").Value());
  tiles.log_lag_records = static_cast<int64_t>(s.tailer.Lag());
  tiles.lake_lag_records = LakeLag(s.log, s.landing);
  tiles.lake_committed_at =
      static_cast<Micros>(s.metrics.GetGauge("feedmill_landing_fresh_until_seconds", "").Value() * kMicrosPerSecond);
  {
    const auto guard = s.state.Read();
    tiles.users = static_cast<int64_t>(s.state.UserCount());
    tiles.posts = static_cast<int64_t>(s.state.PostCount());
  }
  DescribeBundle(s.feed, &tiles);
  for (const serve::SceneInfo& scene : s.feed.scenes()) tiles.scenes.emplace_back(scene.name, scene.description);
  return tiles;
}

int64_t RowsOf(const nlohmann::json& result) {
  const auto it = result.find("rows");
  return it != result.end() && it->is_number_integer() ? it->get<int64_t>() : -1;
}

// A member as text, whatever its type: records of runs are read, never trusted.
std::string MemberText(const nlohmann::json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return "";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

std::vector<console::CheckRow> ChecksOf(const nlohmann::json& result) {
  std::vector<console::CheckRow> checks;
  const auto it = result.find("checks");
  if (it == result.end() || !it->is_array()) return checks;
  for (const auto& check : *it) {
    if (!check.is_object()) continue;
    checks.push_back({MemberText(check, "rule"), MemberText(check, "passed") == "true", MemberText(check, "found")});
  }
  return checks;
}

console::StepRow StepOf(const jobs::StepRecord& record) {
  console::StepRow row;
  row.name = record.name;
  row.state = jobs::StepStateName(record.state);
  row.seconds = record.started_at > 0
                    ? static_cast<double>(std::max<Micros>(0, record.ended_at - record.started_at)) / kMicrosPerSecond
                    : 0;
  row.attempts = record.attempts;
  row.message = record.message;
  const auto result = nlohmann::json::parse(record.result, nullptr, false);
  if (result.is_object()) {
    row.rows = RowsOf(result);
    row.checks = ChecksOf(result);
  }
  return row;
}

Result<std::vector<console::RunRow>> Runs(meta::Store& store, int limit) {
  FEEDMILL_ASSIGN(const auto runs, jobs::ListRuns(store, "", limit));
  std::vector<console::RunRow> rows;
  for (const jobs::RunRecord& brief : runs) {
    FEEDMILL_ASSIGN(const jobs::RunRecord run, jobs::LoadRun(store, brief.id));
    console::RunRow row{run.id, run.state, run.started_at, run.ended_at, run.kind, {}};
    for (const jobs::StepRecord& step : run.steps) row.steps.push_back(StepOf(step));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

console::ConsoleWiring MakeConsoleWiring(const ConsoleSources& sources, const cli::Keys& keys) {
  console::ConsoleWiring wiring;
  wiring.admin_token = keys.admin;
  wiring.read_key = keys.read;
  wiring.write_key = keys.write;
  wiring.metrics = &sources.metrics;
  wiring.activity = &sources.activity;
  wiring.state = [sources] { return Tiles(sources); };
  wiring.users = [sources](const std::string& search, int limit) -> Result<std::vector<console::UserRow>> {
    return SearchUsers(sources.state, search, static_cast<size_t>(std::max(0, limit)));
  };
  wiring.bundles = [sources] { return sources.folder.registry->List(); };
  wiring.promote = [sources](const std::string& id, bool force) {
    auto promotion = sources.folder.registry->Promote(id, force);
    sources.live_bundle.Look();
    return promotion;
  };
  wiring.rollback = [sources] {
    auto promotion = sources.folder.registry->Rollback();
    sources.live_bundle.Look();
    return promotion;
  };
  wiring.runs = [sources](int limit) { return Runs(*sources.folder.store, limit); };
  wiring.land = [sources] { return sources.landing.LandNow(Deadline::After(kLandTime)); };
  if (sources.clock.source() == ClockSource::kDriven) {
    wiring.set_clock = [sources](Micros now) { return sources.clock.Set(now); };
    wiring.jump_to = [sources](Micros wall) { return sources.clock.JumpTo(wall); };
  }
  return wiring;
}

}  // namespace feedmill::app
