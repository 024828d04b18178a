#include "app/console_wiring.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "app/status.h"
#include "app/user_search.h"
#include "app/work_lock.h"
#include "base/mutex.h"
#include "base/time_text.h"
#include "ingest/event_tables.h"
#include "jobs/run_store.h"

namespace feedmill::app {
namespace {

using console::StateTiles;

constexpr Micros kLandTime = 10 * kMicrosPerMinute;
constexpr Micros kLakeTotalsPeriod = 3 * kMicrosPerSecond;

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

// What the raw tables hold of all time. Their metadata is read every few seconds, and not for each look at the tiles.
class LakeTotals {
 public:
  struct Totals {
    int64_t events = 0;
    int64_t refused = 0;
    Micros committed_at = 0;  // of the newest commit of events
  };
  explicit LakeTotals(lake::Catalog& catalog) : catalog_(catalog) {}

  Totals Get() {
    const MutexLock lock(mutex_);
    if (read_at_ != 0 && MonotonicMicros() - read_at_ < kLakeTotalsPeriod) return totals_;
    read_at_ = MonotonicMicros();
    Read(ingest::kEventTable, &totals_.events, &totals_.committed_at);
    Micros unused = 0;
    Read(ingest::kRejectedTable, &totals_.refused, &unused);
    return totals_;
  }

 private:
  // What cannot be read keeps its former figures; a table that is not there yet has none.
  void Read(std::string_view table, int64_t* rows, Micros* committed_at) {
    const auto description = catalog_.Load(std::string(table));
    if (!description || description->snapshots.empty()) return;
    const lake::Snapshot& newest = description->snapshots.back();
    const auto total = newest.summary.find("total-records");
    if (total != newest.summary.end())
      std::from_chars(total->second.data(), total->second.data() + total->second.size(), *rows);
    *committed_at = newest.committed_at;
  }

  lake::Catalog& catalog_;
  Mutex mutex_;
  Totals totals_ FEEDMILL_GUARDED_BY(mutex_);
  Micros read_at_ FEEDMILL_GUARDED_BY(mutex_) = 0;
};

StateTiles Tiles(const ConsoleSources& s, LakeTotals& lake) {
  StateTiles tiles;
  tiles.now = s.clock.Now();
  tiles.clock_driven = s.clock.source() == ClockSource::kDriven;
  tiles.version = FEEDMILL_VERSION;
  tiles.events_accepted =
      static_cast<int64_t>(s.metrics.GetCounter("feedmill_collect_events_accepted_total", "").Value());
  const LakeTotals::Totals totals = lake.Get();
  tiles.events_total = totals.events;
  tiles.rejected_total = totals.refused;
  tiles.log_lag_records = static_cast<int64_t>(s.tailer.Lag());
  tiles.lake_lag_records = LakeLag(s.log, s.landing);
  tiles.lake_committed_at = totals.committed_at;
  {
    const auto guard = s.state.Read();
    tiles.users = static_cast<int64_t>(s.state.UserCount());
    tiles.posts = static_cast<int64_t>(s.state.PostCount());
  }
  DescribeBundle(s.feed, &tiles);
  for (const serve::SceneInfo& scene : s.feed.scenes()) tiles.scenes.emplace_back(scene.name, scene.description);
  return tiles;
}

// The files of the tracking plan, by name.
Result<std::vector<console::PlannedEvent>> Plan(const std::string& folder) {
  constexpr std::string_view kEnding = ".json";
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(std::vector<std::string> names, files.List(folder));
  std::ranges::sort(names);
  std::vector<console::PlannedEvent> plan;
  for (const std::string& name : names) {
    if (!name.ends_with(kEnding)) continue;
    FEEDMILL_ASSIGN(std::string schema, io::ReadWholeFile(files, fmt::format("{}/{}", folder, name)));
    plan.push_back({name.substr(0, name.size() - kEnding.size()), std::move(schema)});
  }
  return plan;
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

std::vector<console::LeftOutRow> LeftOutOf(const jobs::RunRecord& run, const std::string& project) {
  std::vector<console::LeftOutRow> rows;
  for (const warehouse::LeftOutRows& model : warehouse::LeftOutOf(run)) {
    rows.push_back({model.model, model.text, CommandFor(model, project)});
  }
  return rows;
}

Result<std::vector<console::RunRow>> Runs(const ConsoleSources& sources, int limit) {
  meta::Store& store = *sources.folder.store;
  const bool somebody_works = SomebodyWorks(sources.data_folder);
  FEEDMILL_ASSIGN(const auto runs, jobs::ListRuns(store, "", limit));
  std::vector<console::RunRow> rows;
  for (const jobs::RunRecord& brief : runs) {
    FEEDMILL_ASSIGN(const jobs::RunRecord run, jobs::LoadRun(store, brief.id));
    console::RunRow row{run.id, StateOf(run, somebody_works),   run.started_at, run.ended_at, run.kind,
                        {},     LeftOutOf(run, sources.project)};
    for (const jobs::StepRecord& step : run.steps) row.steps.push_back(StepOf(step));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

console::ConsoleWiring MakeConsoleWiring(const ConsoleSources& sources, const access::KeyRing& keys) {
  console::ConsoleWiring wiring;
  using access::Scope;
  wiring.may_administer = [&keys](std::string_view token) { return keys.Opens(token, Scope::kAdmin); };
  wiring.keys = [&keys] { return console::ConsoleKeys{keys.FileSecret(Scope::kRead), keys.FileSecret(Scope::kWrite)}; };
  wiring.metrics = &sources.metrics;
  wiring.activity = &sources.activity;
  wiring.state = [sources, lake = std::make_shared<LakeTotals>(*sources.folder.catalog)] {
    return Tiles(sources, *lake);
  };
  wiring.words = {sources.domain, [plan = sources.plan](std::string_view event, std::string_view property) {
                    return plan->TypeOf("track", event, property).has_value();
                  }};
  wiring.plan = [folder = sources.events_folder] { return Plan(folder); };
  wiring.titles = [sources](const std::vector<console::DatedPost>& posts) { return sources.lookup.Titles(posts); };
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
  wiring.runs = [sources](int limit) { return Runs(sources, limit); };
  wiring.land = [sources] { return sources.landing.LandNow(Deadline::After(kLandTime)); };
  if (sources.clock.source() == ClockSource::kDriven) {
    wiring.set_clock = [sources](Micros now) { return sources.clock.Set(now); };
    wiring.jump_to = [sources](Micros wall) { return sources.clock.JumpTo(wall); };
  }
  return wiring;
}

}  // namespace feedmill::app
