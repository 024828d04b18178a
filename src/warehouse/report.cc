#include "warehouse/report.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/progress.h"
#include "base/time_text.h"
#include "base/units.h"

namespace feedmill::warehouse {
namespace {

using nlohmann::json;

json ResultOf(const jobs::StepRecord& step) {
  auto document = json::parse(step.result, nullptr, false);
  return document.is_object() ? document : json::object();
}

double Seconds(Micros duration) { return static_cast<double>(duration) / kMicrosPerSecond; }

Micros Duration(const jobs::StepRecord& step) {
  return step.ended_at > step.started_at ? step.ended_at - step.started_at : 0;
}

std::string Checks(const json& result) {
  auto checks = result.find("checks");
  if (checks == result.end() || !checks->is_array() || checks->empty()) return "";
  auto passed = std::ranges::count_if(*checks, [](const json& check) { return check.value("passed", false); });
  return fmt::format("{}/{}", passed, checks->size());
}

std::string Count(const json& result, const char* member) {
  auto found = result.find(member);
  return found != result.end() && found->is_number() ? ShortNumber(found->get<double>()) : "";
}

std::string Warnings(const jobs::StepRecord& step, const json& result) {
  std::string text;
  auto checks = result.find("checks");
  if (checks == result.end() || !checks->is_array()) return text;
  for (const json& check : *checks) {
    if (check.value("passed", true)) continue;
    const std::string note = check.value("note", "");
    text += fmt::format("  {}: {} found {}{}{}\n", step.name, check.value("rule", ""), check.value("found", 0.0),
                        note.empty() ? "" : ": ", note);
  }
  return text;
}

// What a step that succeeded says it did not do, and why: nobody would look for it in a report's file.
std::string Remarks(const jobs::StepRecord& step, const json& result) {
  std::string text;
  const auto skipped = result.find("skipped");
  if (skipped != result.end() && skipped->is_string())
    text += fmt::format("  {}: nothing was made: {}\n", step.name, skipped->get<std::string>());
  const auto promoted = result.find("promoted");
  if (promoted != result.end() && *promoted == false && result.contains("reason"))
    text += fmt::format("  {}: not promoted: {}\n", step.name, result.value("reason", ""));
  if (result.value("healed", 0) > 0)
    text += fmt::format("  {}: {} doubles were healed\n", step.name, result.value("healed", 0));
  const auto notes = result.find("notes");
  if (notes == result.end() || !notes->is_array()) return text;
  for (const json& note : *notes) {
    if (note.is_string() && (skipped == result.end() || note != *skipped))
      text += fmt::format("  {}: {}\n", step.name, note.get<std::string>());
  }
  return text;
}

uint64_t MemoryPeak(const jobs::RunRecord& run) {
  uint64_t peak = 0;
  for (const auto& step : run.steps) peak = std::max(peak, step.memory_bytes_peak);
  return peak;
}

// What the run has left out, as RunNightly records it.
json LeftOutJson(const jobs::RunRecord& run) {
  auto parameters = json::parse(run.parameters, nullptr, false);
  return parameters.is_object() ? parameters.value("left_out", json::array()) : json::array();
}

}  // namespace

std::vector<LeftOutRows> LeftOutOf(const jobs::RunRecord& run) {
  std::vector<LeftOutRows> found;
  for (const json& model : LeftOutJson(run)) {
    if (!model.is_object()) continue;
    found.push_back({model.value("model", ""), model.value("text", ""), model.value("late_rows", int64_t{0}),
                     model.value("late_intervals", int64_t{0}), model.value("rows_ahead", int64_t{0})});
  }
  return found;
}

std::string FormatReport(const jobs::RunRecord& run) {
  std::string text = fmt::format("{:<24} {:<10} {:>8} {:>9} {:>9} {:>8} {:>9} {:>7}\n", "step", "state", "rows",
                                 "bytes", "seconds", "cpu s", "peak MiB", "checks");
  std::string below;
  for (const jobs::StepRecord& step : run.steps) {
    json result = ResultOf(step);
    text += fmt::format("{:<24} {:<10} {:>8} {:>9} {:>9.1f} {:>8.1f} {:>9} {:>7}\n", step.name,
                        jobs::StepStateName(step.state), Count(result, "rows"), Count(result, "bytes"),
                        Seconds(Duration(step)), Seconds(step.cpu_time), step.memory_bytes_peak >> 20, Checks(result));
    below += Warnings(step, result) + Remarks(step, result);
    if (!step.message.empty()) below += fmt::format("  {}: {}\n", step.name, step.message);
  }
  for (const json& model : LeftOutJson(run))
    below += fmt::format("  {}: left out: {}\n", model.value("model", ""), model.value("text", ""));
  text += fmt::format("{} {} in {}, peak {} MiB\n", run.id, run.state, ShortDuration(run.ended_at - run.started_at),
                      MemoryPeak(run) >> 20);
  return text + below;
}

std::string ReportJson(const jobs::RunRecord& run) {
  json document = {{"run", run.id},
                   {"kind", run.kind},
                   {"state", run.state},
                   {"started_at", FormatTime(run.started_at)},
                   {"ended_at", FormatTime(run.ended_at)},
                   {"seconds", Seconds(run.ended_at - run.started_at)},
                   {"memory_bytes_peak", MemoryPeak(run)},
                   {"left_out", LeftOutJson(run)},
                   {"steps", json::array()}};
  for (const jobs::StepRecord& step : run.steps) {
    json entry = ResultOf(step);
    entry["name"] = step.name;
    entry["state"] = jobs::StepStateName(step.state);
    entry["attempts"] = step.attempts;
    entry["seconds"] = Seconds(Duration(step));
    entry["cpu_seconds"] = Seconds(step.cpu_time);
    entry["memory_bytes_peak"] = step.memory_bytes_peak;
    if (!step.message.empty()) entry["message"] = step.message;
    document["steps"].push_back(std::move(entry));
  }
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Status WriteReport(io::FileSystem& files, const std::string& folder, const jobs::RunRecord& run) {
  FEEDMILL_TRY(files.CreateDirectories(folder));
  return io::WriteFileAtomically(files, folder + "/" + run.id + ".json", ReportJson(run));
}

}  // namespace feedmill::warehouse
