#include "console/console_json.h"

#include <nlohmann/json.hpp>

#include "base/time_text.h"

namespace feedmill::console {
namespace {

using Json = nlohmann::json;

// Text from outside may hold bytes that are no UTF-8.
Json JsonOf(const ActivityRow& row) {
  return {{"sequence", row.sequence},
          {"time", FormatTime(row.time)},
          {"kind", row.kind},
          {"type", row.type},
          {"name", row.name},
          {"user_id", row.user_id},
          {"message_id", row.message_id},
          {"source", row.source},
          {"payload", row.payload},
          {"rule", row.rule},
          {"field", row.field},
          {"reason", row.reason}};
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json TimeOrNull(Micros time) { return time == 0 ? Json(nullptr) : Json(FormatTime(time)); }

// Seconds from `time` to `now`, null when `time` is unknown.
Json AgeOrNull(Micros now, Micros time) {
  return time == 0 ? Json(nullptr) : Json(static_cast<double>(now - time) / kMicrosPerSecond);
}

Json HistoryOf(const std::vector<Sample>& history) {
  Json columns = {{"events_per_s", Json::array()},
                  {"feeds_per_s", Json::array()},
                  {"feed_p50_ms", Json::array()},
                  {"feed_p99_ms", Json::array()},
                  {"log_lag_records", Json::array()}};
  for (const Sample& sample : history) {
    columns["events_per_s"].push_back(sample.events_per_s);
    columns["feeds_per_s"].push_back(sample.feeds_per_s);
    columns["feed_p50_ms"].push_back(sample.feed_p50_ms);
    columns["feed_p99_ms"].push_back(sample.feed_p99_ms);
    columns["log_lag_records"].push_back(sample.log_lag_records);
  }
  return columns;
}

Json StepOf(const StepRow& step) {
  Json checks = Json::array();
  for (const CheckRow& check : step.checks)
    checks.push_back({{"rule", check.rule}, {"passed", check.passed}, {"found", check.found}});
  return {{"name", step.name},          {"state", step.state},
          {"seconds", step.seconds},    {"rows", step.rows < 0 ? Json(nullptr) : Json(step.rows)},
          {"attempts", step.attempts},  {"message", step.message},
          {"checks", std::move(checks)}};
}

}  // namespace

std::string StateJson(const StateTiles& tiles, const std::vector<ActButton>& buttons,
                      const std::vector<Sample>& history) {
  Json acts = Json::array();
  for (const ActButton& button : buttons) {
    acts.push_back({{"act", button.act},
                    {"undo", button.undo},
                    {"said", button.said},
                    {"icon", button.icon},
                    {"shown", button.shown},
                    {"of_author", button.of_author},
                    {"hides", button.hides}});
  }
  Json scenes = Json::array();
  for (const auto& [name, description] : tiles.scenes) scenes.push_back({{"name", name}, {"description", description}});
  Json bundle = nullptr;
  if (!tiles.live_bundle.empty()) {
    bundle = {{"id", tiles.live_bundle},
              {"created_at", TimeOrNull(tiles.bundle_created_at)},
              {"age_s", AgeOrNull(tiles.now, tiles.bundle_created_at)},
              {"metrics", tiles.bundle_metrics}};
  }
  const Sample now = history.empty() ? Sample() : history.back();
  return Dump({{"now", FormatTime(tiles.now)},
               {"clock_driven", tiles.clock_driven},
               {"version", tiles.version},
               {"events_total", tiles.events_total},
               {"rejected_total", tiles.rejected_total},
               {"lake_lag_records", tiles.lake_lag_records},
               {"events_per_s", now.events_per_s},
               {"feeds_per_s", now.feeds_per_s},
               {"feed_p50_ms", now.feed_p50_ms},
               {"feed_p99_ms", now.feed_p99_ms},
               {"log_lag_records", tiles.log_lag_records},
               {"lake_age_s", AgeOrNull(tiles.now, tiles.lake_committed_at)},
               {"users", tiles.users},
               {"posts", tiles.posts},
               {"bundle", std::move(bundle)},
               {"scenes", std::move(scenes)},
               {"acts", std::move(acts)},
               {"history", HistoryOf(history)}});
}

std::string UsersJson(const std::vector<UserRow>& users) {
  Json rows = Json::array();
  for (const UserRow& user : users) {
    rows.push_back({{"id", user.id},
                    {"follows", user.follows},
                    {"actions", user.actions},
                    {"last_action_at", TimeOrNull(user.last_action_at)}});
  }
  return Dump({{"users", std::move(rows)}});
}

std::string EventJson(const ActivityRow& row) { return Dump(JsonOf(row)); }

std::string EventsJson(const std::vector<ActivityRow>& rows) {
  Json list = Json::array();
  for (const ActivityRow& row : rows) list.push_back(JsonOf(row));
  return Dump({{"events", std::move(list)}});
}

std::string PlanJson(const std::vector<PlannedEvent>& plan) {
  Json events = Json::array();
  for (const PlannedEvent& event : plan) {
    Json schema = Json::parse(event.schema, nullptr, false);
    if (schema.is_discarded()) schema = nullptr;
    events.push_back({{"name", event.name}, {"schema", std::move(schema)}});
  }
  return Dump({{"events", std::move(events)}});
}

std::string KeysJson(const ConsoleKeys& keys) { return Dump({{"write", keys.write}, {"read", keys.read}}); }

std::string TitlesJson(const std::map<std::string, std::string>& titles) { return Dump({{"titles", titles}}); }

std::string BundlesJson(const std::vector<registry::BundleRow>& bundles) {
  Json rows = Json::array();
  for (const registry::BundleRow& bundle : bundles) {
    rows.push_back({{"id", bundle.id},
                    {"state", bundle.state},
                    {"created_at", TimeOrNull(bundle.created_at)},
                    {"metrics", bundle.metrics},
                    {"note", bundle.note}});
  }
  return Dump({{"bundles", std::move(rows)}});
}

std::string PromotionJson(const registry::Promotion& promotion) {
  return Dump({{"promoted", promotion.promoted}, {"reason", promotion.reason}});
}

Json LeftOutOf(const RunRow& run) {
  Json left_out = Json::array();
  for (const LeftOutRow& row : run.left_out)
    left_out.push_back({{"model", row.model}, {"text", row.text}, {"command", row.command}});
  return left_out;
}

std::string RunsJson(const std::vector<RunRow>& runs) {
  Json rows = Json::array();
  for (const RunRow& run : runs) {
    Json steps = Json::array();
    for (const StepRow& step : run.steps) steps.push_back(StepOf(step));
    rows.push_back({{"id", run.id},
                    {"state", run.state},
                    {"started_at", TimeOrNull(run.started_at)},
                    {"finished_at", TimeOrNull(run.finished_at)},
                    {"interval", run.interval},
                    {"steps", std::move(steps)},
                    {"left_out", LeftOutOf(run)}});
  }
  return Dump({{"runs", std::move(rows)}});
}

std::string ErrorJson(const std::string& message) { return Dump({{"error", {{"message", message}}}}); }

}  // namespace feedmill::console
