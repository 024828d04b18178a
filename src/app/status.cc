#include "app/status.h"

#include <algorithm>

#include "app/work_lock.h"
#include "base/progress.h"
#include "base/time_text.h"
#include "base/units.h"
#include "cli/admin_client.h"
#include "cli/running_server.h"
#include "jobs/run_store.h"
#include "warehouse/report.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

constexpr Micros kAskTime = 5 * kMicrosPerSecond;
constexpr uint64_t kKiB = 1024;

Json TimeOrNull(Micros time) { return time == 0 ? Json(nullptr) : Json(FormatTime(time)); }

// The whole answer, or null: a server that is busy or of another release is no reason to tell nothing.
Json Ask(cli::AdminClient& client, const char* name) {
  const auto answer = client.Call("GET", name, "", kAskTime);
  Json json = answer ? Json::parse(*answer, nullptr, false) : Json();
  return json.is_object() ? json : Json();
}

// Why the server is not ready, in its own words; null when it is.
Json AskWhyNotReady(const std::string& url) {
  const auto client = io::MakeHttpClient(url);
  if (!client) return nullptr;
  const auto reply = (*client)->Send("GET", "/readyz", {}, "", Deadline::After(kAskTime));
  return !reply || reply->status == 200 ? Json(nullptr) : Json(reply->body);
}

Json ServerJson(const Config& config) {
  const auto server = cli::FindRunningServer(config.paths.data);
  if (!server) return nullptr;
  Json json = {{"url", server->url},
               {"pid", server->pid},
               {"since", TimeOrNull(server->started_at)},
               {"not_ready", AskWhyNotReady(server->url)}};
  cli::Connection connection;
  connection.url = server->url;
  connection.project = config.paths.project;
  if (!cli::FillKeys(&connection)) return json;
  auto client = cli::AdminClient::Make(connection);
  if (!client) return json;
  const Json state = Ask(*client, "state");
  for (const char* name : {"version", "log_lag_records", "lake_lag_records", "lake_age_s", "users", "posts"})
    json[name] = state.is_object() && state.contains(name) ? state[name] : Json();
  const Json own = Ask(*client, "status");
  for (const char* name : {"nightly", "keeper"})
    json[name] = own.is_object() && own.contains(name) ? own[name] : Json();
  return json;
}

Json RunJson(const jobs::RunRecord& run, bool alive) {
  return {{"id", run.id},
          {"kind", run.kind},
          {"state", StateOf(run, alive)},
          {"started_at", TimeOrNull(run.started_at)},
          {"ended_at", TimeOrNull(run.ended_at)}};
}

Json FailedSteps(const jobs::RunRecord& run) {
  Json failed = Json::array();
  for (const jobs::StepRecord& step : run.steps) {
    if (step.state == jobs::StepState::kFailed) failed.push_back({{"step", step.name}, {"message", step.message}});
  }
  return failed;
}

Result<Json> LastRun(const DataFolder& folder, bool alive) {
  FEEDMILL_ASSIGN(const auto runs, jobs::ListRuns(*folder.store, "", 1));
  if (runs.empty()) return Json(nullptr);
  FEEDMILL_ASSIGN(const auto run, jobs::LoadRun(*folder.store, runs.front().id));
  Json json = RunJson(run, alive);
  json["failed"] = FailedSteps(run);
  return json;
}

int64_t SummaryNumber(const lake::Snapshot& snapshot, const char* name) {
  const auto found = snapshot.summary.find(name);
  return found == snapshot.summary.end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
}

Result<Json> TablesJson(lake::Catalog& catalog) {
  Json tables = Json::array();
  FEEDMILL_ASSIGN(const auto names, catalog.ListTables());
  for (const std::string& name : names) {
    const auto table = catalog.Load(name);
    if (!table) {
      tables.push_back({{"name", name}, {"error", table.error().message()}});
      continue;
    }
    Json json = {{"name", name},
                 {"rows", 0},
                 {"files", 0},
                 {"bytes", 0},
                 {"changed_at", nullptr},
                 {"snapshots", table->snapshots.size()}};
    for (const lake::Snapshot& snapshot : table->snapshots) {
      if (snapshot.id != table->current_snapshot_id) continue;
      json["rows"] = SummaryNumber(snapshot, "total-records");
      json["files"] = SummaryNumber(snapshot, "total-data-files");
      json["bytes"] = SummaryNumber(snapshot, "total-files-size");
      json["changed_at"] = TimeOrNull(snapshot.committed_at);
    }
    tables.push_back(std::move(json));
  }
  return tables;
}

std::string Text(const Json& json, const char* name, const char* otherwise = "-") {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return otherwise;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

// "1.2 GiB": to be read, not parsed.
std::string ShortSize(uint64_t bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= kKiB && unit + 1 < std::size(units); ++unit) value /= kKiB;
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 100 ? 0 : 1, units[unit]);
}

std::string ServerText(const Json& server) {
  if (server.is_null()) return "server    not running\n";
  std::string text = fmt::format("server    {}  process {}, since {}\n", Text(server, "url"), Text(server, "pid"),
                                 Text(server, "since"));
  if (!Text(server, "not_ready", "").empty()) text += Text(server, "not_ready");
  text += fmt::format("lag       {} records to the live state, {} to the lake\n", Text(server, "log_lag_records"),
                      Text(server, "lake_lag_records"));
  return text;
}

std::string NightlyText(const Json& status) {
  std::string text;
  const Json& server = status["server"];
  const Json nightly = server.is_object() ? server.value("nightly", Json()) : Json();
  if (nightly.is_object()) {
    const bool off = Text(nightly, "at", "").empty();
    text += off ? "nightly   does not run by itself (nightly.at)\n"
                : fmt::format("nightly   next {}  ({} {}){}\n", Text(nightly, "next"), Text(nightly, "at"),
                              Text(nightly, "time_zone"), nightly.value("running", false) ? ", one runs now" : "");
    if (!Text(nightly, "last_error", "").empty()) text += "          " + Text(nightly, "last_error") + "\n";
  }
  const Json& work = status["work"];
  if (work.is_object())
    text +=
        fmt::format("work      {} since {} (process {})\n", Text(work, "what"), Text(work, "since"), Text(work, "pid"));
  const Json& last = status["last_run"];
  if (last.is_null()) return text + "last run  none yet: feedmill run\n";
  text += fmt::format("last run  {} {}, {} .. {}\n", Text(last, "id"), Text(last, "state"), Text(last, "started_at"),
                      Text(last, "ended_at"));
  for (const Json& step : last["failed"])
    text += fmt::format("          {}: {}\n", Text(step, "step"), Text(step, "message"));
  for (const Json& rows : status["left_out"])
    text += fmt::format("left out  {}: {}\n", Text(rows, "model"), Text(rows, "text"));
  return text;
}

std::string TablesText(const Json& tables) {
  std::string text = fmt::format("{:<28}{:>12}{:>8}{:>12}  {}\n", "table", "rows", "files", "size", "changed");
  for (const Json& table : tables) {
    if (table.contains("error")) {
      text += fmt::format("{:<28}{}\n", Text(table, "name"), Text(table, "error"));
      continue;
    }
    text += fmt::format("{:<28}{:>12}{:>8}{:>12}  {}\n", Text(table, "name"), Text(table, "rows"), Text(table, "files"),
                        ShortSize(table["bytes"].get<uint64_t>()), Text(table, "changed_at"));
  }
  return text;
}

}  // namespace

std::string StateOf(const jobs::RunRecord& run, bool somebody_works) {
  return run.state == "running" && !somebody_works ? "interrupted" : run.state;
}

std::string CommandFor(const warehouse::LeftOutRows& rows, const std::string& project) {
  return rows.late_intervals > 0 ? "feedmill backfill --late --project " + project : "";
}

Json LeftOutNow(meta::Store& store, const std::string& project) {
  constexpr int kRunsLookedAt = 50;  // a run of one table says nothing of the others
  const auto runs = jobs::ListRuns(store, "", kRunsLookedAt);
  Json left_out = Json::array();
  if (!runs) return left_out;
  const auto whole = std::ranges::find_if(
      *runs, [](const jobs::RunRecord& run) { return run.kind == "nightly" || run.kind == "backfill"; });
  if (whole == runs->end()) return left_out;
  for (const warehouse::LeftOutRows& rows : warehouse::LeftOutOf(*whole)) {
    left_out.push_back({{"model", rows.model},
                        {"text", rows.text},
                        {"late_rows", rows.late_rows},
                        {"command", CommandFor(rows, project)}});
  }
  return left_out;
}

std::string ServerStatusJson(const NightStatus& night, const Json& left_out,
                             const std::map<std::string, KeeperPart>& keeper) {
  Json parts = Json::object();
  for (const auto& [name, part] : keeper) {
    parts[name] = {{"removed", part.removed}, {"looked_at", TimeOrNull(part.looked_at)}, {"error", part.error}};
  }
  return Json{{"nightly",
               {{"at", night.at},
                {"time_zone", night.time_zone},
                {"next", TimeOrNull(night.next.value_or(0))},
                {"running", night.running},
                {"last", night.last ? RunJson(*night.last, night.running) : Json(nullptr)},
                {"last_error", night.last_error},
                {"left_out", left_out}}},
              {"keeper", std::move(parts)}}
      .dump();
}

Result<Json> ProjectStatus(const Config& config, const DataFolder& folder) {
  FEEDMILL_ASSIGN(const auto holder, FindWorkHolder(config.paths.data));
  FEEDMILL_ASSIGN(Json last, LastRun(folder, holder.has_value()));
  FEEDMILL_ASSIGN(Json tables, TablesJson(*folder.catalog));
  FEEDMILL_ASSIGN(const auto live, folder.registry->Live());
  Json status = {{"project", config.paths.project},
                 {"data", config.paths.data},
                 {"server", ServerJson(config)},
                 {"work", nullptr},
                 {"last_run", std::move(last)},
                 {"live_bundle", nullptr},
                 {"disk", DiskByPart(config.paths.data)},
                 {"tables", std::move(tables)},
                 {"left_out", LeftOutNow(*folder.store, config.paths.project)}};
  if (holder) status["work"] = {{"what", holder->what}, {"pid", holder->pid}, {"since", TimeOrNull(holder->since)}};
  if (live) {
    status["live_bundle"] = {
        {"id", live->id}, {"made_at", TimeOrNull(live->created_at)}, {"data_cut", TimeOrNull(live->data_cut)}};
  }
  return status;
}

std::string StatusText(const Json& status) {
  std::string text = ServerText(status["server"]) + NightlyText(status);
  const Json& live = status["live_bundle"];
  text += live.is_null() ? "bundle    none is live: feeds go by what is popular and fresh until a run has made one\n"
                         : fmt::format("bundle    {} made {}\n", Text(live, "id"), Text(live, "made_at"));
  text += "disk     ";
  for (const auto& [part, bytes] : status["disk"].items()) text += fmt::format(" {} {} ", part, ShortSize(bytes));
  text += "\n";
  const Json& server = status["server"];
  const Json keeper = server.is_object() ? server.value("keeper", Json()) : Json();
  if (keeper.is_object() && !keeper.empty()) {
    text += "keeper   ";
    for (const auto& [part, figures] : keeper.items()) {
      text += fmt::format(" {} {} removed ", part, Text(figures, "removed"));
      if (!Text(figures, "error", "").empty()) text += fmt::format("({}) ", Text(figures, "error"));
    }
    text += "\n";
  }
  return text + TablesText(status["tables"]);
}

}  // namespace feedmill::app
