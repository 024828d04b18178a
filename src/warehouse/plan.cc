#include "warehouse/plan.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/hash.h"
#include "base/time_text.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

using Upcoming = std::map<std::string, std::vector<TimeRange>>;

bool WillChange(const Upcoming& upcoming, const InputWindow& input, const TimeRange& range) {
  auto found = upcoming.find(input.table);
  if (found == upcoming.end() || input.stable || input.self) return false;
  return std::ranges::any_of(
      found->second, [&](const TimeRange& changing) { return input.column.empty() || changing.Overlaps(range); });
}

// Inputs of a native model are whole tables.
std::vector<InputWindow> InputsOf(const Model& model) {
  if (model.materialization != Materialization::kNative) return model.reads;
  std::vector<InputWindow> inputs;
  for (const std::string& table : model.depends) {
    InputWindow input;
    input.table = table;
    inputs.push_back(std::move(input));
  }
  return inputs;
}

class ModelPlanner {
 public:
  ModelPlanner(const Model& model, InputFiles& files, const PlanOptions& options, const Upcoming& upcoming)
      : model_(model), inputs_(InputsOf(model)), files_(files), options_(options), upcoming_(upcoming) {}

  Result<ModelPlan> Plan(const std::map<Micros, IntervalState>& done) {
    plan_.model = model_.name;
    plan_.sql_hash = SqlHash(model_);
    if (model_.materialization == Materialization::kExternal) return plan_;
    bool by_interval =
        model_.materialization == Materialization::kIncremental || model_.materialization == Materialization::kAppend;
    if (!by_interval) {
      FEEDMILL_TRY(Consider(0, options_.end, done));
      return plan_;
    }
    FEEDMILL_ASSIGN(std::set<Micros> starts, Starts());
    newest_ = starts.empty() ? 0 : *starts.rbegin();
    for (Micros start : starts) FEEDMILL_TRY(Consider(start, start + model_.interval, done));
    return plan_;
  }

 private:
  const InputWindow* Driving() const {
    auto found = std::ranges::find_if(
        inputs_, [](const InputWindow& input) { return !input.column.empty() && !input.stable && !input.self; });
    return found == inputs_.end() ? nullptr : &*found;
  }

  // Intervals that the driving input has rows of, or will have.
  Result<std::set<Micros>> Starts() {
    const InputWindow* driving = Driving();
    if (driving == nullptr)
      return InvalidArgument("{}:1: no 'reads: TABLE.TIME_COLUMN ...' line says which intervals there are",
                             model_.file);
    // A dimension knows whatever has landed, also what came in after the cut: late events of days before it name things
    // too.
    const Micros last = model_.materialization == Materialization::kAppend ? options_.end + kHistoryMax : options_.end;
    TimeRange history{FloorTo(options_.end, model_.interval) - kHistoryMax, last};
    FEEDMILL_ASSIGN(std::set<Micros> starts, files_.IntervalStarts(*driving, model_.interval, history));
    auto found = upcoming_.find(driving->table);
    if (found == upcoming_.end()) return starts;
    for (const TimeRange& range : found->second) {
      Micros from = std::max(range.from.value_or(*history.from), *history.from);
      Micros to = std::min(range.to.value_or(*history.to), *history.to);
      for (Micros start = FloorTo(from, model_.interval); start < to; start += model_.interval) starts.insert(start);
    }
    return starts;
  }

  bool Forced(Micros start, Micros end) const {
    if (!options_.force_start && !options_.force_end) return false;
    if (start == 0 && model_.materialization != Materialization::kIncremental &&
        model_.materialization != Materialization::kAppend)
      return true;
    return TimeRange{start, end}.Overlaps({options_.force_start, options_.force_end});
  }

  Status Consider(Micros start, Micros end, const std::map<Micros, IntervalState>& done) {
    PendingInterval pending{start, end, "", {}};
    std::string changed;
    auto state = done.find(start);
    for (const InputWindow& input : inputs_) {
      if (input.stable || input.self) continue;
      TimeRange window = WindowOf(model_, input, start, end);
      FEEDMILL_ASSIGN(pending.inputs[input.table], files_.HashOf(input, window));
      bool differs = state != done.end() && Former(state->second, input.table) != pending.inputs[input.table];
      if (changed.empty() && (differs || WillChange(upcoming_, input, window))) changed = input.table;
    }
    pending.reason = Reason(pending, state == done.end() ? nullptr : &state->second, changed);
    if (!pending.reason.empty()) plan_.intervals.push_back(std::move(pending));
    return Ok();
  }

  static std::string Former(const IntervalState& state, const std::string& table) {
    auto found = state.inputs.find(table);
    return found == state.inputs.end() ? "" : found->second;
  }

  // "" = nothing to do. Counts what is too late.
  std::string Reason(const PendingInterval& pending, const IntervalState* former, const std::string& changed) {
    if (Forced(pending.start, pending.end)) return "forced";
    if (former == nullptr) return pending.start == 0 ? "never made" : "new interval";
    if (former->status != "done") return "refused last time";
    if (former->sql_hash != plan_.sql_hash) return "SQL changed";
    bool at_cut =
        model_.materialization == Materialization::kFull || model_.materialization == Materialization::kNative;
    if (at_cut && former->end != pending.end) return changed.empty() ? "later end" : changed + " changed";
    if (changed.empty()) return "";
    // Rows are only added to a dimension, so a day of it that has gained events is always read again.
    bool bounded = pending.start != 0 && model_.materialization != Materialization::kAppend;
    if (bounded && pending.start < newest_ - model_.lookback) {
      ++plan_.late_intervals;
      return "";
    }
    return changed + " changed";
  }

  const Model& model_;
  std::vector<InputWindow> inputs_;
  InputFiles& files_;
  const PlanOptions& options_;
  const Upcoming& upcoming_;
  ModelPlan plan_;
  Micros newest_ = 0;
};

std::string Span(const ModelPlan& plan) {
  const PendingInterval& first = plan.intervals.front();
  const PendingInterval& last = plan.intervals.back();
  if (first.start == 0) return fmt::format("whole, as of {}", FormatTime(last.end));
  std::string text = fmt::format("{} interval{}", plan.intervals.size(), plan.intervals.size() == 1 ? "" : "s");
  text += " " + FormatTime(first.start).substr(0, 10);
  if (plan.intervals.size() > 1) text += " .. " + FormatTime(last.start).substr(0, 10);
  return text;
}

std::string Reasons(const ModelPlan& plan) {
  std::map<std::string, int> count;
  for (const PendingInterval& interval : plan.intervals) ++count[interval.reason];
  std::string text;
  for (const auto& [reason, intervals] : count) {
    text += (text.empty() ? "" : "; ") + reason;
    if (count.size() > 1) text += fmt::format(" ({})", intervals);
  }
  return text;
}

}  // namespace

std::string SqlHash(const Model& model) {
  std::string text = model.native + "|" + CanonicalSql(model.sql);
  for (const InputWindow& input : model.reads) {
    text += fmt::format("|{}.{} {} {}", input.table, input.column, input.before.value_or(-1), input.after);
  }
  return Sha256Hex(text).substr(0, 16);
}

Result<ModelPlan> PlanModel(const Context& context, const Model& model, InputFiles& inputs, const PlanOptions& options,
                            const Upcoming& upcoming) {
  FEEDMILL_ASSIGN(auto done, LoadIntervals(context.store, model.name));
  return ModelPlanner(model, inputs, options, upcoming).Plan(done);
}

Result<std::vector<ModelPlan>> PlanAll(const Context& context, const Project& project, const PlanOptions& options) {
  std::vector<ModelPlan> plans;
  InputFiles inputs(context.catalog);
  Upcoming upcoming;
  if (!options.only.empty() && project.Find(options.only) == nullptr) {
    std::vector<std::string> names;
    for (const Model& model : project.models) names.push_back(model.name);
    return NotFound("no model is named \"{}\"; there are: {}", options.only, fmt::join(names, ", "));
  }
  for (const Model& model : project.models) {
    if (!options.only.empty() && model.name != options.only) continue;
    FEEDMILL_ASSIGN(ModelPlan plan, PlanModel(context, model, inputs, options, upcoming));
    if (plan.intervals.empty() && plan.late_intervals == 0) continue;
    for (const PendingInterval& interval : plan.intervals) {
      bool whole = interval.start == 0 || model.materialization == Materialization::kAppend;
      upcoming[model.name].push_back(whole ? TimeRange{} : TimeRange{interval.start, interval.end});
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

std::string FormatPlan(const std::vector<ModelPlan>& plans) {
  if (plans.empty()) return "nothing to do: every table is up to date\n";
  std::string text;
  for (const ModelPlan& plan : plans) {
    std::string late =
        plan.late_intervals == 0
            ? ""
            : fmt::format("  ({} older intervals changed and are past the lookback: backfill makes them)",
                          plan.late_intervals);
    if (plan.intervals.empty()) {
      text += fmt::format("{:<24} nothing{}\n", plan.model, late);
    } else {
      text += fmt::format("{:<24} {:<42} {}{}\n", plan.model, Span(plan), Reasons(plan), late);
    }
  }
  return text;
}

}  // namespace feedmill::warehouse
